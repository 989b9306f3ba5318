/** How the API names tasks and plans, "CLIENT:ID", and what it says of a task in a list. */
import { TaskState } from "../scheduler/index.js";
import type { ObservedServer } from "./observed-server.js";

/** Wrong input, for the answer's text. */
export class BadRequest extends Error {}

export const STATE_NAMES = [
  ["waiting", TaskState.waiting],
  ["ready", TaskState.ready],
  ["assigned", TaskState.assigned],
  ["finished", TaskState.finished],
  ["released", TaskState.released],
  ["failed", TaskState.failed],
] as const;

const NAME_OF_STATE = new Map<number, string>(STATE_NAMES.map(([name, state]) => [state, name]));

export interface TaskReference {
  readonly client: number;
  readonly id: number;
}

/** Reads "CLIENT:ID". */
export function readReference(text: unknown, what = "task"): TaskReference {
  const match = typeof text === "string" ? /^(\d{1,9}):(\d{1,10})$/.exec(text) : null;
  if (match === null) {
    const given = JSON.stringify(text)?.slice(0, 100);
    throw new BadRequest(`${what} is written "CLIENT:ID", such as "0:17", not ${given}`);
  }
  return { client: Number(match[1]), id: Number(match[2]) };
}

/** A task in a list. */
export interface ListedTask {
  /** "CLIENT:ID"; copies in the place of a task with dynamic inputs have that of the task. */
  readonly task: string;
  readonly label: string | undefined;
  readonly type: string;
  /** "running": the worker has said so. */
  readonly state: string;
  /** Address. */
  readonly worker: string | undefined;
  readonly sizeBytes: number | undefined;
}

export function listedTask(server: ObservedServer, row: number): ListedTask {
  const { core } = server;
  const { table } = core;
  const state = table.state[row];
  const worker = table.worker[row];
  const isRunning = state === TaskState.assigned && core.runningSince.has(row);
  return {
    task: `${core.clientOf(row)}:${core.taskIdOf(row)}`,
    label: core.labelOf(row),
    type: server.symbols.nameOf(table.taskType[row]),
    state: isRunning ? "running" : (NAME_OF_STATE.get(state) ?? "unknown"),
    worker: worker < 0 ? undefined : server.workers.get(worker)?.address,
    sizeBytes: state === TaskState.finished ? table.size[row] : undefined,
  };
}

/** The text by which tasks of a class are counted: the label up to its first ":", or the type's name. */
export function labelOfClass(server: ObservedServer, row: number): string {
  const { core } = server;
  const { label } = core.getTaskClass(core.table.taskClass[row]);
  return label || server.symbols.nameOf(core.table.taskType[row]);
}
