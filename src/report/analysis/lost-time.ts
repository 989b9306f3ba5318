/**
 * What the cores did while workers were there: work that counted, work done in vain, and idle time by what the
 * tasks that could have run waited for. The definitions are in docs/report.md.
 */
import { GrowingColumns, TracedState } from "../../trace/index.js";
import type { ViewData } from "../page/view-data.js";
import { forEachExecution } from "./core-use.js";
import { sortedOrder } from "./sorted-order.js";
import type { Waits } from "./waiting.js";

const FIRST_CAPACITY = 1024;

/** Milliseconds of cores; they add up to `capacity`, but for tasks that hold more cores than there are. */
export interface LostTime {
  readonly capacity: number;
  /** Tasks that finished. */
  readonly useful: number;
  /** Attempts that failed, were lost with their worker or not wanted any more. */
  readonly inVain: number;
  /** Idle while inputs of ready tasks were on their way, to this worker or to one with fewer idle cores. */
  readonly transfer: number;
  /** Idle while ready tasks were not on any worker. */
  readonly scheduling: number;
  /** Idle while ready tasks were on a worker with their inputs: starting there, or on one with fewer idle cores. */
  readonly starting: number;
  /** Idle without anything to do. */
  readonly noWork: number;
}

const Kind = {
  capacity: 0,
  useful: 1,
  inVain: 2,
  transfer: 3,
  starting: 4,
  scheduling: 5,
} as const;
const KINDS = 6;
/** What waits on no worker. */
const NOWHERE = -1;

export function lostTime(data: ViewData, waits: Waits): LostTime {
  const events = new Events();
  const { tasks, workers, durationMs } = data;
  workers.forEach(({ cpus, joinedMs, goneMs }, worker) => {
    const endMs = Number.isNaN(goneMs) ? durationMs : goneMs;
    events.span(Kind.capacity, worker, joinedMs, endMs, cpus);
  });
  forEachExecution(data, (task, worker, startMs, endMs, cores, execution) => {
    const counts = execution === -1 && tasks.state[task] !== TracedState.failed;
    events.span(counts ? Kind.useful : Kind.inVain, worker, startMs, endMs, cores);
  });
  for (let task = 0; task < tasks.count; task++) {
    const cores = tasks.cores[task];
    const placedMs = waits.placedMs[task];
    if (cores === 0 || Number.isNaN(placedMs)) continue;
    const arrivedMs = waits.arrivedMs[task];
    const worker = tasks.worker[task];
    events.span(Kind.scheduling, NOWHERE, tasks.readyMs[task], placedMs, cores);
    events.span(Kind.transfer, worker, placedMs, arrivedMs, cores);
    events.span(Kind.starting, worker, arrivedMs, tasks.startedMs[task], cores);
  }
  return new Sweep(workers.length).run(events);
}

/** Changes of the quantities, in any order. */
class Events {
  readonly growing = new GrowingColumns({
    times: new Float64Array(FIRST_CAPACITY),
    amounts: new Int32Array(FIRST_CAPACITY),
    kinds: new Uint8Array(FIRST_CAPACITY),
    workers: new Int16Array(FIRST_CAPACITY),
  });

  span(kind: number, worker: number, fromMs: number, toMs: number, amount: number): void {
    if (!(toMs > fromMs)) return;
    this.add(kind, worker, fromMs, amount);
    this.add(kind, worker, toMs, -amount);
  }

  private add(kind: number, worker: number, ms: number, amount: number): void {
    const at = this.growing.add();
    const { columns } = this.growing;
    columns.times[at] = ms;
    columns.amounts[at] = amount;
    columns.kinds[at] = kind;
    columns.workers[at] = worker;
  }
}

/** The quantities at one moment after the other. An event changes those of one worker only. */
class Sweep {
  /** KINDS for each worker. */
  private readonly now: Int32Array;
  /** Sums over the workers: cores, and what uses them. */
  private capacity = 0;
  private useful = 0;
  private inVain = 0;
  /** Idle cores of workers whose own tasks wait for transfers, or start; idle ones besides. */
  private ownTransfer = 0;
  private ownStarting = 0;
  private idle = 0;
  /** Cores wanted by tasks of no worker, and by those that are on workers with fewer idle ones. */
  private scheduling = 0;
  private otherTransfer = 0;
  private otherStarting = 0;

  constructor(workers: number) {
    this.now = new Int32Array(KINDS * workers);
  }

  run({ growing }: Events): LostTime {
    const { times, amounts, kinds, workers } = growing.finish();
    const lost = { capacity: 0, useful: 0, inVain: 0 };
    const idle = { transfer: 0, scheduling: 0, starting: 0, noWork: 0 };
    const order = sortedOrder(times, growing.count);
    let lastMs = order.length === 0 ? 0 : times[order[0]];
    for (const i of order) {
      const ms = times[i] - lastMs;
      if (ms > 0) {
        lost.capacity += this.capacity * ms;
        lost.useful += this.useful * ms;
        lost.inVain += this.inVain * ms;
        const scheduling = Math.min(this.idle, this.scheduling);
        const transfer = Math.min(this.idle - scheduling, this.otherTransfer);
        const starting = Math.min(this.idle - scheduling - transfer, this.otherStarting);
        idle.scheduling += scheduling * ms;
        idle.transfer += (this.ownTransfer + transfer) * ms;
        idle.starting += (this.ownStarting + starting) * ms;
        idle.noWork += (this.idle - scheduling - transfer - starting) * ms;
        lastMs = times[i];
      }
      this.change(kinds[i], workers[i], amounts[i]);
    }
    return { ...lost, ...idle };
  }

  private change(kind: number, worker: number, amount: number): void {
    if (kind === Kind.scheduling) {
      this.scheduling += amount;
      return;
    }
    this.count(worker, -1);
    this.now[KINDS * worker + kind] += amount;
    this.count(worker, 1);
  }

  /** Adds the worker's part to the sums (`sign` 1), or takes it away (-1). */
  private count(worker: number, sign: 1 | -1): void {
    const { now } = this;
    const first = KINDS * worker;
    const capacity = now[first + Kind.capacity];
    const useful = now[first + Kind.useful];
    const inVain = now[first + Kind.inVain];
    const transfer = now[first + Kind.transfer];
    const starting = now[first + Kind.starting];
    const free = Math.max(0, capacity - useful - inVain);
    const ownTransfer = Math.min(free, transfer);
    const ownStarting = Math.min(free - ownTransfer, starting);
    this.capacity += sign * capacity;
    this.useful += sign * useful;
    this.inVain += sign * inVain;
    this.ownTransfer += sign * ownTransfer;
    this.ownStarting += sign * ownStarting;
    this.idle += sign * (free - ownTransfer - ownStarting);
    this.otherTransfer += sign * (transfer - ownTransfer);
    this.otherStarting += sign * (starting - ownStarting);
  }
}
