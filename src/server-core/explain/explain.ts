/**
 * Answers the question what becomes of a task: finds it, explains it, and puts that into words. What it
 * costs is bounded, whatever there is: some milliseconds, or tens of them for a label among millions.
 */
import type { Explanation, TaskExplanation } from "../../protocol/index.js";
import { clipped } from "../ability.js";
import type { CoreState } from "../core-state.js";
import { findRow } from "../submit.js";
import type { SymbolTable } from "../task-kinds.js";
import { explainTask } from "./explain-task.js";
import { findTasks } from "./find-tasks.js";

/** @param query an id, looked for in all clients; "CLIENT:ID"; or a label */
export function explain(
  core: CoreState,
  symbols: SymbolTable,
  query: string,
): Explanation | string {
  if (query === "") return "no task is named; give an id, CLIENT:ID or a label";
  const { rows, more, complete } = findTasks(core, query);
  if (rows.length > 0) return answer(core, symbols, query, rows, more, complete);
  const unfinished = complete ? "" : " among those that were looked through";
  return `no task has the id or label ${JSON.stringify(clipped(query))}${unfinished}; plans of which no result is held any more are forgotten`;
}

/** A task of a client that is connected. */
export function explainOwn(
  core: CoreState,
  symbols: SymbolTable,
  client: number,
  id: number,
): Explanation | string {
  const row = findRow(core.clients.get(client)!, id);
  if (row !== undefined) return answer(core, symbols, String(id), [row], 0, true);
  return `there is no task ${id} of this client; it was never submitted, or its plan is forgotten, as no result of it is held any more`;
}

function answer(
  core: CoreState,
  symbols: SymbolTable,
  query: string,
  rows: readonly number[],
  more: number,
  complete: boolean,
): Explanation {
  const tasks = rows.map((row) => explainTask(core, symbols, row));
  const texts = tasks.map((task) => textOf(task, tasks.length > 1));
  if (more > 0) texts.push(`${more} more tasks match`);
  if (!complete) texts.push("There may be more: not all tasks were looked through");
  return { query, tasks, more, complete, text: texts.join("\n") };
}

/** The sentence, and the details below it. */
function textOf(task: TaskExplanation, isOneOfSeveral: boolean): string {
  const name = isOneOfSeveral ? `client ${task.client}, ` : "";
  return [`${name}${task.summary}`, ...task.details.map((line) => `  ${line}`)].join("\n");
}
