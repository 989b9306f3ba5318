/** Calls that wait, in the order in which they came. */
import type { Call } from "./call.js";

/** Gone calls are cut off when there are so many. */
const CUT = 1024;

export class CallQueue {
  private calls: Call[] = [];
  private head = 0;

  get length(): number {
    return this.calls.length - this.head;
  }

  push(call: Call): void {
    this.calls.push(call);
  }

  first(): Call | undefined {
    return this.calls[this.head];
  }

  /** Takes the first one out; there is one. */
  shift(): void {
    this.head++;
    if (this.head === this.calls.length || this.head === CUT) {
      this.calls.splice(0, this.head);
      this.head = 0;
    }
  }

  /** Takes a call out, if it is there. */
  take(serial: number): Call | undefined {
    const at = this.calls.findIndex((call, i) => i >= this.head && call.serial === serial);
    return at === -1 ? undefined : this.calls.splice(at, 1)[0];
  }
}
