/** AbortSignals as the client's errors. Used wherever something is waited for. */
import { LoomError } from "../base/index.js";

/** Options of everything that waits. */
export interface WaitOptions {
  /** Ends the waiting: it rejects with LoomError("cancelled"). */
  signal?: AbortSignal | undefined;
}

/** The error for an aborted signal. `what`: what was given up, e.g. "waiting for 3 results". */
export function cancelledError(what: string, signal: AbortSignal): LoomError {
  return new LoomError("cancelled", `${what} was cancelled by its AbortSignal`, {
    cause: signal.reason,
  });
}

/** Throws if the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw cancelledError(what, signal);
}

/** The promise, or a rejection as soon as the signal is aborted; the work itself goes on. */
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  what: string,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const aborted = () => reject(cancelledError(what, signal));
    if (signal.aborted) aborted();
    else signal.addEventListener("abort", aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}
