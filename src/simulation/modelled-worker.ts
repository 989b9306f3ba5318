/**
 * A worker of the simulation: the production core, and in place of sockets, store and processes a
 * thread on virtual time. In one turn it reads what has come, starts tasks with requests,
 * executes light tasks one after the other, and sends what it has to say; it stops after
 * {@link SLICE_MS} to read again, as the real one does. Called by the simulation.
 */
import { WorkerCore, type WorkerTask } from "../worker-core/index.js";
import type { AssignedTask } from "./assigned-task.js";
import { Rank } from "./event-queue.js";
import type { Fetches, FetchSlot } from "./fetches.js";
import { type MessageStream, ToWorker } from "./message-stream.js";
import type { ModelledServer } from "./modelled-server.js";
import type { Run, Runs } from "./runs.js";
import { EventKind, type SimulationCore } from "./simulation-core.js";
import { WorkerEffects } from "./worker-effects.js";
import type { WorkerSpec } from "./worker-spec.js";
import { WorkerUse } from "./worker-use.js";

const SLICE_MS = 5;
const INLINE = new Uint8Array(1);
const NO_FAILURE = new Uint8Array(0);

/** What is the same for all workers of a simulation. */
export interface WorkerSurroundings {
  readonly simulation: SimulationCore;
  readonly server: ModelledServer;
  readonly fetches: Fetches;
  readonly runs: Runs;
  readonly record: AssignedTask;
}

export class ModelledWorker {
  readonly core: WorkerCore;
  alive = true;
  speed: number;
  diedAtMs: number | undefined = undefined;
  readonly use: WorkerUse;
  readonly running = new Map<WorkerTask, Run>();

  private readonly simulation: SimulationCore;
  private readonly effects: WorkerEffects;
  /** Its thread is busy until then. */
  threadMs = 0;
  private turnPlanned = false;
  // What has come since the last turn.
  private readonly messages: number[] = [];
  private readonly endedRuns: Run[] = [];
  private readonly endedFetches: FetchSlot[] = [];
  private readonly fetchGenerations: number[] = [];
  private readonly cancelled: WorkerTask[] = [];

  constructor(
    private readonly around: WorkerSurroundings,
    readonly index: number,
    readonly spec: WorkerSpec,
    readonly joinedAtMs: number,
  ) {
    this.simulation = around.simulation;
    this.use = new WorkerUse(this.simulation, spec);
    this.effects = new WorkerEffects(this.simulation, around.fetches, this);
    this.core = new WorkerCore(this.effects, spec);
    this.speed = spec.speed;
    this.threadMs = joinedAtMs;
  }

  has(row: number): boolean {
    return this.core.objects.rows.get(row)?.inStore === true;
  }

  // What happens to it.

  /** A message stream has come. */
  receive(stream: number): void {
    if (!this.alive) {
      this.simulation.pool.give(stream);
      return;
    }
    this.messages.push(stream);
    this.wake();
  }

  /** A task with a request has been executed to its end. */
  runEnded(run: Run): void {
    run.coreMs = this.use.release(run);
    this.endedRuns.push(run);
    this.wake();
  }

  fetchEnded(slot: FetchSlot, generation: number): void {
    this.endedFetches.push(slot);
    this.fetchGenerations.push(generation);
    this.wake();
  }

  setSpeed(speed: number): void {
    const factor = this.speed / speed;
    this.speed = speed;
    for (const run of this.running.values()) this.around.runs.stretch(run, factor);
  }

  die(): void {
    const { time, nowMs, pool } = this.simulation;
    this.alive = false;
    this.diedAtMs = nowMs;
    for (const run of this.running.values()) {
      time.abortedMs += this.endedRuns.includes(run) ? run.coreMs : this.use.release(run);
      this.around.runs.release(run);
    }
    this.running.clear();
    this.endedRuns.length = 0;
    this.around.fetches.workerGone(this);
    this.use.end();
    for (const stream of this.messages) pool.give(stream);
    this.messages.length = 0;
  }

  /** The simulation has ended: what still executes is counted as unfinished. */
  stop(): void {
    for (const run of this.running.values()) {
      const ended = this.endedRuns.includes(run);
      this.simulation.time.unfinishedMs += ended ? run.coreMs : this.use.release(run);
    }
  }

  /** Its thread goes on. */
  turn(): void {
    this.turnPlanned = false;
    if (!this.alive) return;
    const { nowMs } = this.simulation;
    this.threadMs = nowMs;
    this.readInbox();
    this.execute(nowMs + SLICE_MS);
    this.effects.flush(this.threadMs);
  }

  private wake(): void {
    if (this.turnPlanned || !this.alive) return;
    this.turnPlanned = true;
    const { queue, nowMs } = this.simulation;
    const atMs = Math.max(nowMs, this.threadMs);
    queue.add(atMs, Rank.worker, EventKind.workerTurn, this.index, 0);
  }

  private readInbox(): void {
    const { pool } = this.simulation;
    for (const stream of this.messages) {
      this.read(pool.get(stream));
      pool.give(stream);
    }
    this.messages.length = 0;
    for (const run of this.endedRuns) {
      const { task, number } = run;
      const ms = run.endMs - run.startMs;
      this.account(run);
      this.running.delete(task);
      this.around.runs.release(run);
      this.finish(task, number, ms);
    }
    this.endedRuns.length = 0;
    for (let i = 0; i < this.endedFetches.length; i++) {
      const slot = this.endedFetches[i];
      const { failed } = slot;
      const fetch = this.around.fetches.take(slot, this.fetchGenerations[i]);
      if (fetch === undefined) continue;
      if (failed) {
        this.core.fetchFailed(fetch);
      } else {
        this.store(fetch.row);
        this.effects.transferUs = (this.threadMs - slot.startedMs) * 1000;
        this.core.fetchSucceeded(fetch);
      }
    }
    this.endedFetches.length = 0;
    this.fetchGenerations.length = 0;
    // Those that were cancelled while running end at once.
    for (const task of this.cancelled) this.core.taskFailed(task, NO_FAILURE);
    this.cancelled.length = 0;
  }

  private read(stream: MessageStream): void {
    const { core } = this;
    const { record, server } = this.around;
    while (stream.hasMore) {
      const op = stream.read();
      if (op === ToWorker.assign) {
        record.read(stream);
        core.assign(record);
        continue;
      }
      const row = stream.read();
      if (op === ToWorker.drop) core.drop(row);
      else if (op === ToWorker.retract) core.retract(row, stream.read());
      else if (op === ToWorker.cancel) core.cancel(row, stream.read());
      else if (op === ToWorker.request) core.defineRequest(server.requests.get(row)!);
      else if (op === ToWorker.ping) this.effects.pong(row);
      else {
        const sizeBytes = stream.read();
        const holders = Array.from({ length: stream.read() }, () => stream.read());
        core.prefetch(row, sizeBytes, holders);
      }
    }
  }

  /** Starts and executes what can be, until nothing can or the slice is over. */
  private execute(untilMs: number): void {
    const { core, simulation } = this;
    const { costs, workload, light, progress } = simulation;
    for (;;) {
      if (this.threadMs >= untilMs) {
        this.wake();
        return;
      }
      const task = core.nextStartable();
      if (task === undefined) return;
      const number = simulation.taskAt(task.row);
      if (light[workload.kind[number]] === 1) {
        const ms = workload.durationMs[number] / this.speed;
        this.threadMs += ms + costs.lightTaskUs / 1000;
        this.use.countLight(ms);
        this.finish(task, number, 0);
        continue;
      }
      this.threadMs += costs.startUs / 1000;
      progress.started(number);
      this.running.set(task, this.around.runs.start(this, task, this.threadMs));
      this.use.hold(task.cpus);
    }
  }

  /** The task's object is made, unless it is not wanted any more. */
  private finish(task: WorkerTask, number: number, ms: number): void {
    const sizeBytes = this.simulation.workload.outputBytes[number];
    if (this.core.isLive(task)) {
      this.store(task.row);
      this.simulation.progress.finished(number);
      if (this.threadMs > this.simulation.lastEndMs) this.simulation.lastEndMs = this.threadMs;
    }
    const inline = this.simulation.isInline(sizeBytes) ? INLINE : undefined;
    this.core.taskFinished(task, sizeBytes, Math.round(ms * 1000), inline);
  }

  private store(row: number): void {
    this.use.store(this.simulation.bytesAt(row));
  }

  private account({ coreMs, overheadMs: heldMs, cpus, number, task }: Run): void {
    const { time, progress } = this.simulation;
    if (!this.core.isLive(task)) {
      time.abortedMs += coreMs;
      return;
    }
    const overheadMs = heldMs * cpus;
    time.overheadMs += overheadMs;
    if (progress.executions[number] > 0) time.repeatedMs += coreMs - overheadMs;
    else time.usefulMs += coreMs - overheadMs;
  }

  /** The core wants the task stopped. */
  cancelRun(task: WorkerTask): void {
    const run = this.running.get(task);
    if (run === undefined || this.endedRuns.includes(run)) return;
    this.running.delete(task);
    this.simulation.time.abortedMs += this.use.release(run);
    this.around.runs.release(run);
    this.cancelled.push(task);
  }
}
