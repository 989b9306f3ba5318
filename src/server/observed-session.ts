/**
 * Takes the place of a worker's session for its records while somebody looks at tasks: tells them, then does
 * what the session does. So a session has nothing to ask on its way of each task.
 */
import { WorkerSession } from "./worker-session.js";

export class ObservedSession extends WorkerSession {
  override finished(
    row: number,
    attempt: number,
    sizeBytes: number,
    durationUs: number,
    frame: Uint8Array,
    inlineStart: number,
    inlineLength: number,
  ): void {
    const { core, taps } = this.server;
    if (core.isAssigned(this.index, row, attempt)) {
      taps.tasks?.taskFinished(this.index, row, durationUs, sizeBytes);
    }
    super.finished(row, attempt, sizeBytes, durationUs, frame, inlineStart, inlineLength);
  }

  override started(row: number, attempt: number): void {
    const { core, taps } = this.server;
    if (core.isAssigned(this.index, row, attempt)) taps.tasks?.taskStarted(this.index, row);
    super.started(row, attempt);
  }

  override log(row: number, attempt: number, level: number, text: string): void {
    const { core, taps } = this.server;
    if (core.isAssigned(this.index, row, attempt)) {
      taps.tasks?.taskLogged(this.index, row, level, text);
    }
    super.log(row, attempt, level, text);
  }
}
