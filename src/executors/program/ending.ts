/**
 * The errors of programs that did not succeed. Owns their exact texts (users and existing
 * scripts read them). Used by program-executor.ts.
 */
import { constants } from "node:os";
import { TaskError } from "../contract.js";
import { type Ended, Outcome } from "./launch-protocol.js";

/** The error for a program that ended as `ended` says; not for a success. */
export function errorOfEnd(
  ended: Ended,
  program: string,
  timeLimitMs: number,
  keptDirectory: string | undefined,
): TaskError {
  const bytes = ended.parts[0].bytes;
  const text = textOf(bytes);
  const kept =
    keptDirectory === undefined ? "" : `\nThe working directory is kept: ${keptDirectory}`;
  switch (ended.outcome) {
    case Outcome.exited:
      return new TaskError(
        `Program terminated with status ${ended.detail}\nStderr:\n${text}${kept}`,
        { exitStatus: ended.detail, stderr: bytes },
      );
    case Outcome.signalled: {
      const signal = signalName(ended.detail);
      return new TaskError(`Program terminated with signal ${signal}\nStderr:\n${text}${kept}`, {
        signal,
        stderr: bytes,
      });
    }
    case Outcome.timedOut:
      return new TaskError(
        `Program exceeded its time limit of ${timeLimitMs} ms and was killed\nStderr:\n${text}${kept}`,
        { signal: "SIGKILL", stderr: bytes, timeLimitMs, killedByWorker: true },
      );
    case Outcome.notStarted:
      return new TaskError(`Program '${program}' cannot be started: ${text}${kept}`);
    default:
      return new TaskError(`${text}${kept}`);
  }
}

/** The error for a program that was killed because the time of its task was over: the worker knows which. */
export function timeOverError(ended: Ended): TaskError {
  const [{ bytes }] = ended.parts;
  return new TaskError(bytes.length === 0 ? "" : `Stderr:\n${textOf(bytes)}`, {
    signal: "SIGKILL",
    stderr: bytes,
    killedByWorker: true,
  });
}

/** Leaves out a character that was cut at the end. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes, { stream: true });
}

function signalName(number: number): string {
  for (const [name, value] of Object.entries(constants.signals)) {
    if (value === number) return name;
  }
  return String(number);
}
