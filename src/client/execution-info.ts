/**
 * What is known of the execution of a failed task, besides how it ended. Owns its fields and how
 * messages tell it in one line. Used by task-failed.ts.
 */
import { describeBytes, describeDuration } from "../base/index.js";
import type { ExecutionMessage } from "../protocol/index.js";

/** Resident memory of all processes of a task at a time. */
export interface MemoryPoint {
  /** Since its start. */
  readonly ms: number;
  readonly bytes: number;
}

/** An execution that failed. Undefined: not known. */
export interface ExecutionInfo {
  /** Name of the machine. */
  readonly host: string;
  /** Process number of the worker. */
  readonly workerPid: number;
  /** When it was started, by the clock of that machine. */
  readonly startedAt: Date | undefined;
  readonly durationMs: number | undefined;
  /** It was ended because it took longer than this. */
  readonly timeLimitMs: number | undefined;
  /** Highest resident memory that was seen; looked at twice a second, after the first second. */
  readonly peakBytes: number | undefined;
  /** At most 64 points; empty where {@link peakBytes} is undefined. */
  readonly memory: readonly MemoryPoint[];
  /**
   * It was killed by a SIGKILL that was not HyperLoom's, and the operating system has killed a process
   * for want of memory just then.
   */
  readonly outOfMemory: boolean;
  /** Most memory that the worker and its tasks may have together; only told of those that were killed. */
  readonly memoryLimitBytes: number | undefined;
}

/** From a TASK_FAILED. */
export function executionFrom(message: ExecutionMessage | undefined): ExecutionInfo | undefined {
  if (message === undefined) return undefined;
  const { startedMs, memoryKib } = message;
  const timed = startedMs > 0n;
  return {
    host: message.host,
    workerPid: message.workerPid,
    startedAt: timed ? new Date(Number(startedMs)) : undefined,
    durationMs: timed ? message.durationMs : undefined,
    timeLimitMs: message.timeLimitMs || undefined,
    peakBytes: message.peakKib * 1024 || undefined,
    memory: message.memoryMs.map((ms, i) => ({ ms, bytes: (memoryKib[i] ?? 0) * 1024 })),
    outOfMemory: message.oomLikely,
    memoryLimitBytes: message.memoryLimitKib * 1024 || undefined,
  };
}

/**
 * "Killed by SIGKILL after 12.3 s on node7 (peak memory 3.1 GiB, probably out of memory)"; undefined for what
 * did not die, but threw an error.
 */
export function describeEnd(failure: {
  readonly exitStatus: number | undefined;
  readonly signal: string | undefined;
  readonly execution?: ExecutionInfo | undefined;
}): string | undefined {
  const { exitStatus, signal, execution } = failure;
  if (execution === undefined) return undefined;
  const { host, durationMs, timeLimitMs, peakBytes, outOfMemory, memoryLimitBytes } = execution;
  let how: string;
  if (timeLimitMs !== undefined)
    how = `Ended at its time limit of ${describeDuration(timeLimitMs)}`;
  else if (signal !== undefined) how = `Killed by ${signal}`;
  else if (exitStatus !== undefined) how = `Ended with exit status ${exitStatus}`;
  else return undefined;
  const after = durationMs === undefined ? "" : ` after ${describeDuration(durationMs)}`;
  const memory: string[] = [];
  if (peakBytes !== undefined) memory.push(`peak memory ${describeBytes(peakBytes)}`);
  if (outOfMemory) {
    const limit =
      memoryLimitBytes === undefined ? "" : `, the limit is ${describeBytes(memoryLimitBytes)}`;
    memory.push(`probably out of memory${limit}`);
  }
  const more = memory.length === 0 ? "" : ` (${memory.join("; ")})`;
  return `${how}${after} on ${host}${more}`;
}
