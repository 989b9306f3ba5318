/**
 * Threads of the Chrome export: one for each core, one for tasks without requests, and more of them where
 * bars overlap, as those of one thread must not.
 */
import { UNKNOWN_CORE } from "./format.js";
import type { TracedWorker } from "./model.js";

/** Thread numbers of a worker's cores begin there; those of other lanes come after all cores. */
const FIRST_THREAD = 1;

export interface Lane {
  readonly worker: number;
  readonly thread: number;
  readonly name: string;
  end: number;
}

export class Lanes {
  /** By worker, then by core. */
  private readonly ofWorkers: Map<number | "light", Lane[]>[];
  private readonly nextThread: number[];

  constructor(workers: readonly TracedWorker[]) {
    this.ofWorkers = workers.map(() => new Map());
    this.nextThread = workers.map(({ cpus }) => FIRST_THREAD + Math.max(0, Math.ceil(cpus)));
  }

  /**
   * A thread that is free from `start` on; it is in use until `end` then. Starts must not decrease.
   * @param core 0xffff: not known
   */
  find(worker: number, core: number | "light", start: number, end: number): number {
    const ofWorker = this.ofWorkers[worker];
    let lanes = ofWorker.get(core);
    if (lanes === undefined) {
      lanes = [];
      ofWorker.set(core, lanes);
    }
    let lane = lanes.find((each) => each.end <= start);
    if (lane === undefined) {
      lane = { worker, thread: this.threadOf(worker, core, lanes.length), name: nameOf(core), end };
      lanes.push(lane);
    }
    lane.end = end;
    return lane.thread;
  }

  list(): Lane[] {
    return this.ofWorkers.flatMap((ofWorker) => [...ofWorker.values()].flat());
  }

  private threadOf(worker: number, core: number | "light", used: number): number {
    const isCore = core !== "light" && core !== UNKNOWN_CORE && used === 0;
    if (isCore && FIRST_THREAD + core < this.nextThread[worker]) return FIRST_THREAD + core;
    return this.nextThread[worker]++;
  }
}

function nameOf(core: number | "light"): string {
  if (core === "light") return "tasks without requests";
  return core === UNKNOWN_CORE ? "on unknown cores" : `core ${core}`;
}
