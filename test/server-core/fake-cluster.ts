/**
 * A cluster for tests of the server core: what clients do, scheduling passes, and where things are. Its
 * workers are in fake-workers.ts, the effects of the core in fake-peers.ts. A test decides what happens
 * next (`submit`, `finish`, `kill`, …). After every event all invariants are checked.
 */
import { decodePlanRequest, Unsatisfiable } from "../../src/protocol/index.js";
import { FakeWorkers } from "./fake-workers.js";
import { encodePlan, type TestTask } from "./test-plan.js";

export type { TestRequest, TestTask } from "./test-plan.js";

export class FakeCluster extends FakeWorkers {
  nowMs = 0;

  client(handle = 0, classic = false): void {
    this.core.addClient(handle, classic);
    this.settled();
  }

  submit(
    client: number,
    idBase: number,
    tasks: TestTask[],
    checkpoints = new Map<number, Uint8Array>(),
    whenUnsatisfiable: number = Unsatisfiable.default,
  ) {
    const columns = decodePlanRequest(encodePlan(idBase, tasks, whenUnsatisfiable));
    const refusal = this.core.submitPlan(client, columns, checkpoints);
    this.settled();
    return refusal;
  }

  release(client: number, id: number): void {
    this.core.release(client, id);
    this.settled();
  }

  /** Somebody else cancels the task; how many have failed by it. */
  cancel(client: number, id: number, reason = "cancelled"): number {
    const row = this.core.interventions.findTask(client, id);
    const count = row === undefined ? 0 : this.core.interventions.cancelTasks([row], reason);
    this.settled();
    return count;
  }

  /** Somebody else has a failed task executed again: what the client was told of it is void. */
  retry(client: number, id: number): number | string {
    const row = this.core.interventions.findTask(client, id);
    const answer = row === undefined ? "unknown" : this.core.interventions.retryTask(row);
    for (const told of [...this.failed.keys()]) {
      const [handle, task] = told.split("/").map(Number);
      if (this.core.locate(handle, task).kind !== "open") continue;
      this.failed.delete(told);
      this.finished.delete(told);
    }
    this.settled();
    return answer;
  }

  disconnect(client: number): void {
    this.core.removeClient(client);
    this.settled();
  }

  schedule(): void {
    for (const { worker, serial } of this.pings.splice(0)) this.core.ponged(worker, serial);
    for (const index of this.workers.keys()) this.deliverPrefetches(index);
    this.nowMs += 1;
    this.core.schedule(this.nowMs);
    this.settled();
  }

  /** Finishes tasks until nothing is left to do. */
  runAll(): void {
    for (let idle = 0; idle < 2; ) {
      this.schedule();
      let progress = false;
      for (const worker of this.workers.keys()) {
        for (const row of this.runnable(worker)) {
          if (!this.workers.get(worker)!.tasks.has(row)) continue;
          this.finish(worker, row);
          progress = true;
        }
      }
      idle = progress ? 0 : idle + 1;
    }
  }

  /** The value of a finished result. */
  value(client: number, id: number): string {
    const place = this.core.locate(client, id);
    if (place.kind !== "finished") throw new Error(`${id} is ${place.kind}`);
    if (place.inline !== undefined) return new TextDecoder().decode(place.inline);
    return this.workers.get(place.holders[0])!.objects.get(place.row)!;
  }

  /** The row of a client's task. */
  row(client: number, id: number): number {
    const place = this.core.locate(client, id);
    if (place.kind !== "open" && place.kind !== "finished") throw new Error(`${id}: ${place.kind}`);
    return place.row;
  }
}
