/**
 * The calls of one function process: those that wait and those that were sent. Owns their order and
 * how many are sent ahead. Used by function-pool.ts.
 */
import type { DataObject } from "../../object-store/index.js";
import type { CancelReason, TaskExecution } from "../contract.js";
import type { TaskGrant } from "../task-grant.js";
import type { FunctionProcess } from "./function-process.js";

/** So much expected work is sent ahead: it hides the way there and back. */
const AHEAD_US = 2000;
const MAX_AHEAD = 512;
/** Calls shorter than that overlap with the way there and back of the next. */
const SHORT_CALL_US = 20_000;
/** How fast long calls are forgotten: per call. */
const FORGETTING = 1 / 32;

/** What is known of a function on this worker. */
export class FunctionRecord {
  /** Duration of the longest recent calls; unknown at first. */
  private longestUs: number | undefined = undefined;

  /** @param id its number in the processes */
  constructor(readonly id: number) {}

  addDuration(durationUs: number): void {
    const longest = this.longestUs;
    if (longest === undefined || durationUs >= longest) this.longestUs = durationUs;
    else this.longestUs = longest + (durationUs - longest) * FORGETTING;
  }

  /** How many calls of it one process may have at a time. */
  get limit(): number {
    const longest = this.longestUs;
    if (longest === undefined || longest > SHORT_CALL_US) return 1;
    return Math.max(2, Math.min(MAX_AHEAD, Math.floor(AHEAD_US / Math.max(1, longest))));
  }
}

/** One call of a function. */
export class Call {
  lane: Lane | undefined = undefined;
  serial = 0;
  /** Not to be sent together with others: what happens to it must be known. */
  alone = false;
  cancelled: CancelReason | undefined = undefined;
  /** Of its time limit, then of the patience after a cancel. */
  timer: NodeJS.Timeout | undefined = undefined;

  constructor(
    readonly task: TaskExecution,
    readonly functionObject: DataObject,
    readonly record: FunctionRecord,
  ) {}
}

export class Lane {
  process: FunctionProcess | undefined = undefined;
  queue: Call[] = [];
  /** By serial, in the order in which they were sent. */
  readonly sent = new Map<number, Call>();
  /** The call that came last: how short it is decides whether another may come. */
  private latest: Call | undefined;
  /** The call that was sent last; it may have ended. */
  private lastSent: Call | undefined;
  /** Being filled up: from half of the limit until the limit is reached. */
  private filling = true;

  /** Calls that were cancelled may go on in its process. */
  tainted = false;

  /** Its calls hold nothing. */
  readonly light: boolean;
  /** GPUs that its calls hold, joined by commas. */
  readonly gpus: string | undefined;

  /**
   * @param grant what its calls hold, one after the other; undefined: they are light
   * @param overlaps they run beside each other
   */
  constructor(
    readonly grant: TaskGrant | undefined,
    readonly overlaps: boolean,
  ) {
    this.light = grant === undefined;
    this.gpus = grant?.gpus;
  }

  /** Calls that have not ended. */
  get open(): number {
    return this.queue.length + this.sent.size;
  }

  add(call: Call): void {
    call.lane = this;
    // Whose time runs, or who must not run twice, does not wait behind others in a process.
    call.alone ||= !this.overlaps && (call.task.once || call.task.timeLimitMs > 0);
    this.latest = call;
    this.queue.push(call);
  }

  /** A task of this lane that another may join; undefined: no more may. */
  findLeader(): TaskExecution | undefined {
    const { open } = this;
    const limit = this.latest === undefined ? 1 : this.latest.record.limit;
    if (open * 2 <= limit) this.filling = true;
    if (open >= limit) this.filling = false;
    if (!this.filling || open === 0) return undefined;
    const [first] = this.sent.values();
    const call = first ?? this.queue[0];
    // One that must be alone, or is about to end with its process, is no company.
    return call.alone || call.cancelled !== undefined ? undefined : call.task;
  }

  /** Takes the next call that may be sent now. */
  nextToSend(): Call | undefined {
    const next = this.queue[0];
    if (next === undefined || this.process === undefined) return undefined;
    if (this.sent.size > 0) {
      // One that is alone is the only one that was sent, so the last.
      if (next.alone || this.lastSent?.alone) return undefined;
      if (this.light && !this.overlaps) {
        // Heavy ones came because there was room. Others wait here, where they can be cancelled
        // and given to another process, not behind a call that takes long.
        const [first] = this.sent.values();
        const limit = Math.min(first.record.limit, next.record.limit);
        if (this.sent.size >= limit) return undefined;
      }
    }
    this.lastSent = next;
    return this.queue.shift();
  }

  /** Takes the call out of the queue; false: it is not there. */
  removeQueued(call: Call): boolean {
    const at = this.queue.indexOf(call);
    if (at >= 0) this.queue.splice(at, 1);
    return at >= 0;
  }

  /** Before all that wait. */
  putBack(calls: readonly Call[]): void {
    this.queue = [...calls, ...this.queue];
  }

  takeQueue(): Call[] {
    const { queue } = this;
    this.queue = [];
    return queue;
  }
}

/** Whether two lists of GPUs have none in common. */
export function areDisjoint(gpus: string, others: string): boolean {
  const given = others.split(",");
  return gpus.split(",").every((index) => !given.includes(index));
}
