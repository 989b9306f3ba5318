/**
 * Those that a server core tells what to do, in tests: carries out its effects on a model of the workers
 * and remembers what clients are told. Checks with each assignment that the inputs really are where the
 * server says. What workers answer is in fake-workers.ts.
 */
import { TaskState } from "../../src/scheduler/index.js";
import { SymbolDictionary } from "../../src/server/symbol-dictionary.js";
import {
  type FailureDetails,
  NONE,
  ServerCore,
  type ServerOutbox,
} from "../../src/server-core/index.js";

export interface FakeWorker {
  index: number;
  cpus: number;
  /** Assigned and not finished, by row. */
  tasks: Map<number, { attempt: number; inputs: number[] }>;
  /** Values of the objects it holds, by row. */
  objects: Map<number, string>;
  retracting: Set<number>;
  prefetching: Set<number>;
}

export class FakePeers implements ServerOutbox {
  readonly core: ServerCore;
  readonly workers = new Map<number, FakeWorker>();
  /** What each client was told, per id. */
  readonly finished = new Map<string, number>();
  readonly failed = new Map<string, FailureDetails>();
  readonly toldFailures: { client: number; taskId: number; lost: number[] }[] = [];
  readonly changedRows: number[] = [];
  readonly notices: { client: number; shape: number; notice: string }[] = [];
  protected readonly pings: { worker: number; serial: number }[] = [];
  /** All that was sent to workers, if it is to be recorded. */
  record: string[] | undefined;
  /** Checking reads everything: tests with thousands of tasks do without. */
  checked = true;

  constructor(maxLosses: number, maxClasses?: number) {
    this.core = new ServerCore(this, new SymbolDictionary(), { maxLosses, maxClasses });
  }

  assignTask(worker: number, row: number): void {
    const { table } = this.core;
    const at = this.workers.get(worker)!;
    const inputs: number[] = [];
    const end = table.inputStart[row] + table.inputCount[row];
    for (let edge = table.inputStart[row]; edge < end; edge++) {
      const input = table.edgeInput[edge];
      inputs.push(input);
      if (table.state[input] === TaskState.assigned) {
        const there = this.workers.get(table.worker[input]);
        if (!there?.tasks.has(input)) throw new Error(`row ${row} sent ahead of ${input}`);
      } else if (table.state[input] !== TaskState.finished) {
        throw new Error(`row ${row} assigned, but input ${input} has state ${table.state[input]}`);
      } else if (table.holds(worker, input)) {
        if (!at.objects.has(input)) throw new Error(`worker ${worker} does not hold ${input}`);
      } else if (table.inlineCell[input] === NONE) {
        for (const holder of table.holders(input)) {
          if (!this.workers.get(holder)?.objects.has(input)) {
            throw new Error(`worker ${holder} does not hold ${input}`);
          }
        }
      }
    }
    if (at.tasks.has(row)) throw new Error(`row ${row} assigned twice to worker ${worker}`);
    this.record?.push(`assign ${row} to ${worker}, request ${this.core.requestOf(row)?.id}`);
    at.tasks.set(row, { attempt: table.attempt[row], inputs });
  }

  prefetchObject(worker: number, row: number): void {
    const { table } = this.core;
    if (table.holds(worker, row)) throw new Error(`prefetch of ${row}, which ${worker} has`);
    this.workers.get(worker)!.prefetching.add(row);
    this.record?.push(`prefetch ${row} at ${worker}`);
  }

  dropObject(worker: number, row: number): void {
    const at = this.workers.get(worker);
    if (at === undefined) throw new Error(`drop at worker ${worker}, which is gone`);
    this.record?.push(`drop ${row} at ${worker}`);
    at.objects.delete(row);
    at.prefetching.delete(row);
  }

  retractTask(worker: number, row: number, attempt: number): void {
    this.record?.push(`retract ${row} from ${worker}`);
    if (this.workers.get(worker)!.tasks.get(row)?.attempt !== attempt) return;
    this.workers.get(worker)!.retracting.add(row);
  }

  cancelTask(worker: number, row: number, attempt: number): void {
    this.record?.push(`cancel ${row} at ${worker}`);
    const at = this.workers.get(worker)!;
    if (at.tasks.get(row)?.attempt === attempt) at.tasks.delete(row);
    at.retracting.delete(row);
  }

  tellFinished(client: number, taskId: number): void {
    const key = `${client}/${taskId}`;
    if (this.finished.has(key)) throw new Error(`${key} told twice`);
    this.finished.set(key, taskId);
  }

  tellFailed(client: number, failure: FailureDetails, lost: number[]): void {
    this.toldFailures.push({ client, taskId: failure.taskId, lost });
    for (const id of lost) this.failed.set(`${client}/${id}`, failure);
  }

  tellUnable(client: number, shape: number, notice: string): void {
    this.notices.push({ client, shape, notice });
  }

  ping(worker: number, serial: number): void {
    this.pings.push({ worker, serial });
  }

  resultChanged(row: number): void {
    this.changedRows.push(row);
  }

  /** To be called after every event. */
  protected settled(): void {
    if (this.checked) this.core.checkInvariants();
  }
}
