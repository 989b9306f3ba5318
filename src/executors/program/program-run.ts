/**
 * One program that runs for a task: its record, what is read from the task, errors that are not the
 * program's. Owns no step of its way; used by program-executor.ts.
 */
import { LoomError } from "../../base/index.js";
import type { DataObject } from "../../object-store/index.js";
import { decodeRunConfig, type RunConfig } from "../../protocol/index.js";
import { type CancelReason, TaskError, type TaskExecution } from "../contract.js";
import type { LauncherProcess } from "./launcher-process.js";
import { type Mapping, mapProgram } from "./mapping.js";

/** A program from `execute` until its promise settles. */
export interface ProgramRun {
  readonly id: number;
  readonly task: TaskExecution;
  readonly row: number;
  readonly attempt: number;
  readonly label: string | undefined;
  readonly cores: readonly number[];
  readonly env: Readonly<Record<string, string>>;
  readonly config: RunConfig;
  readonly mapping: Mapping;
  directory: string;
  readonly resolve: (result: DataObject) => void;
  readonly reject: (error: Error) => void;
  /** Set when the request was sent. */
  launcher: LauncherProcess | undefined;
  /** Known once it runs. */
  processGroup: number | undefined;
  cancelled: CancelReason | undefined;
}

export function readTask(task: TaskExecution): { config: RunConfig; mapping: Mapping } {
  try {
    const config = decodeRunConfig(task.config);
    return { config, mapping: mapProgram(config, task.inputs) };
  } catch (error) {
    throw asTaskError(error);
  }
}

/** Variables of the program; what the client has set wins. */
export function environmentOf(
  { grant }: TaskExecution,
  { env }: RunConfig,
): Record<string, string> {
  return grant === undefined ? env : { ...grant.environment, ...env };
}

export function programName(mapping: Mapping): string {
  const program = mapping.args[0];
  return typeof program === "string" ? program : new TextDecoder().decode(program);
}

export function killGroup(processGroup: number): void {
  try {
    process.kill(-processGroup, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}

export function cancelledError(): TaskError {
  return new TaskError("The task was cancelled");
}

export function asTaskError(error: unknown): Error {
  if (error instanceof TaskError) return error;
  if (error instanceof LoomError) return new TaskError(error.message, undefined, { cause: error });
  return error instanceof Error ? error : new Error(String(error));
}
