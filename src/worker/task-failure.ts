/**
 * What the server is told of a task that failed: from what its executor threw, and from what is
 * known of its execution. Called by the task runner.
 */
import { hostname } from "node:os";
import { LoomError, messageOf } from "../base/index.js";
import { type Executor, type ProgramEnd, TaskError } from "../executors/index.js";
import { encodeFailureInfo } from "../protocol/index.js";
import type { DeathWitnesses } from "./death-witnesses.js";
import type { RunningTask } from "./task-execution.js";

/** What a shell gives as its exit status when its program was killed by SIGKILL: 128 + 9. */
const KILLED_IN_SHELL = 137;
const MAX_UINT32 = 0xffffffff;

type Witnesses = Pick<DeathWitnesses, "oom" | "groups">;

/** Whether the error is the task's own, not a bug of the worker. */
export function isTaskFailure(error: unknown): boolean {
  return error instanceof LoomError && error.code !== "internal";
}

/**
 * An encoded `FailureInfo`.
 * @param running undefined: it has failed before it was given to its executor, or at once
 */
export function failureOf(
  taskType: string,
  error: unknown,
  running?: RunningTask,
  witnesses?: Witnesses,
): Uint8Array {
  const end = error instanceof TaskError ? error.programEnd : undefined;
  return encodeFailureInfo({
    message: isTaskFailure(error)
      ? messageOf(error)
      : `${taskType}: internal error of the worker: ${messageOf(error)}; see its log`,
    exitStatus: end?.exitStatus,
    signal: end?.signal,
    stderr: end?.stderr,
    execution: {
      host: hostname(),
      workerPid: process.pid,
      timeLimitMs: end?.timeLimitMs,
      ...(running === undefined ? {} : courseOf(running)),
      ...memoryDeath(end, witnesses),
    },
  });
}

/** For a task of a type that no executor has. `symbols`: the names that the worker was told. */
export function unknownType(
  symbol: number,
  symbols: readonly string[],
  executors: readonly Executor[],
): TaskError {
  const name = symbols[symbol];
  const offered = executors.flatMap(({ taskTypes }) => taskTypes).join(", ");
  return new TaskError(
    name === undefined
      ? `this worker was not told the name of task type number ${symbol}`
      : `this worker does not offer task type "${name}"; it offers ${offered}`,
  );
}

/** The failure: that its time was over, with what its executor says of that; else `error` itself. */
export function overTime({ cancelReason, timeLimitMs }: RunningTask, error: unknown): unknown {
  if (cancelReason !== "time limit") return error;
  const end = error instanceof TaskError ? error.programEnd : undefined;
  const said = end?.stderr?.length ? `\n${messageOf(error)}` : "";
  return new TaskError(`Time limit of ${timeLimitMs} ms exceeded${said}`, { ...end, timeLimitMs });
}

/** When it ran, and its memory. */
function courseOf({ startedMs, memory }: RunningTask) {
  if (startedMs === 0) return {};
  const points = memory?.points();
  return {
    startedMs: BigInt(Math.round(performance.timeOrigin + startedMs)),
    durationMs: Math.min(MAX_UINT32, Math.round(performance.now() - startedMs)),
    peakKib: memory?.peakKib,
    memoryMs: points?.ms,
    memoryKib: points?.kib,
  };
}

function memoryDeath(end: ProgramEnd | undefined, witnesses: Witnesses | undefined) {
  if (witnesses === undefined || end === undefined || end.killedByWorker) return {};
  if (end.signal !== "SIGKILL" && end.exitStatus !== KILLED_IN_SHELL) return {};
  const limitBytes = witnesses.groups.findLimit();
  return {
    oomLikely: witnesses.oom.explainsDeath(performance.now()),
    memoryLimitKib:
      limitBytes === undefined ? undefined : Math.min(MAX_UINT32, Math.round(limitBytes / 1024)),
  };
}
