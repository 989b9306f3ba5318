/**
 * The last failures of tasks, whoever's they were, for the status and the dashboard. Owns how many
 * are kept and how much of each. Filled by loom-server.ts.
 */
import type { FailureDetails } from "../server-core/index.js";

const KEPT_FAILURES = 1000;
const KEPT_STDERR_BYTES = 16 * 1024;
const KEPT_MESSAGE_LENGTH = 16 * 1024;

/** A task that failed, on which others may have depended. */
export interface LoggedFailure {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** Number of its client. */
  readonly client: number;
  /** Symbol of its type, e.g. "loom/run/run". */
  readonly taskType: string;
  /** Address; undefined if it was not on one. */
  readonly worker: string | undefined;
  /** Standard error has at most its last 16 KiB, the message its first 16 Ki characters. */
  readonly details: FailureDetails;
}

export class FailureLog {
  /** A ring: the oldest is at `next` once it is full. */
  private readonly failures: LoggedFailure[] = [];
  private next = 0;
  private count = 0;
  /** Later plans that need what has failed fail with the very same details. */
  private readonly known = new WeakSet<FailureDetails>();

  /** Failures since the server has started. */
  get total(): number {
    return this.count;
  }

  add(failure: LoggedFailure): void {
    const { details } = failure;
    if (this.known.has(details)) return;
    this.known.add(details);
    this.count++;
    this.failures[this.next] = { ...failure, details: shortened(details) };
    this.next = (this.next + 1) % KEPT_FAILURES;
  }

  /** The last ones, at most 1000, the newest first. */
  list(limit = KEPT_FAILURES): LoggedFailure[] {
    const newestLast = [...this.failures.slice(this.next), ...this.failures.slice(0, this.next)];
    return newestLast.reverse().slice(0, limit);
  }
}

function shortened(details: FailureDetails): FailureDetails {
  const { stderr, message } = details;
  return {
    ...details,
    // The messages of programs have their standard error, too.
    message: message.slice(0, KEPT_MESSAGE_LENGTH),
    // A copy: neither what is cut off nor the frame that it came with is kept.
    stderr: stderr && new Uint8Array(stderr.subarray(-KEPT_STDERR_BYTES)),
  };
}
