/** A call: what came with it and what has become of it. Changed by call-runner.ts only. */
import { LoomError } from "../base/index.js";
import type { DataObject, DataOwner } from "./data.js";
import type { FunctionEntry } from "./function-table.js";
import { type HeldByCall, NOTHING_HELD } from "./held-resources.js";
import { LIGHT, TIME_LIMIT } from "./protocol.js";

export class Call implements DataOwner {
  inputs: DataObject[] = [];
  /** RESULT or FAILED has been written. */
  isOver = false;
  /** Its place among all calls. */
  arrival = 0;
  startedMs = 0;
  /** Reason of a CANCEL, 0: none. */
  cancelReason = 0;
  readonly held: HeldByCall;
  private controller: AbortController | undefined;

  /** @param config where the config's bytes are in `frame` */
  constructor(
    readonly serial: number,
    readonly taskId: number,
    readonly attempt: number,
    private readonly flags: number,
    readonly entry: FunctionEntry,
    readonly frame: Buffer,
    readonly configStart: number,
    readonly configBytes: number,
    held: HeldByCall,
  ) {
    this.held = this.isLight ? NOTHING_HELD : held;
  }

  get isLight(): boolean {
    return (this.flags & LIGHT) !== 0;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.cancelReason !== 0) this.controller.abort(cancelError(this.cancelReason));
    }
    return this.controller.signal;
  }

  cancel(reason: number): void {
    if (this.cancelReason !== 0) return;
    this.cancelReason = reason;
    this.controller?.abort(cancelError(reason));
  }
}

/** What `ctx.signal.reason` is. */
function cancelError(reason: number): LoomError {
  return new LoomError("cancelled", cancelText(reason));
}

export function cancelText(reason: number): string {
  return reason === TIME_LIMIT
    ? "time limit: the task has taken longer than it may"
    : "cancelled: nobody wants the result of the task any more";
}
