/** Tasks by label, state, client and plan, a page at a time. Reads typed arrays; costs some ms per million. */
import { TaskState } from "../scheduler/index.js";
import type { PlanRecord } from "../server-core/index.js";
import type { ObservedServer } from "./observed-server.js";
import {
  BadRequest,
  type ListedTask,
  listedTask,
  readReference,
  STATE_NAMES,
} from "./task-names.js";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
/** Labels that are compared letter by letter, at most: about 100 ms. */
const MAX_READ_LABELS = 50_000;

export interface TaskQuery {
  readonly state?: string;
  /** All of it, or the part before the first ":"; or the name of a type, for tasks without a label. */
  readonly label?: string;
  readonly client?: string;
  /** "CLIENT:ID" of its first task. */
  readonly plan?: string;
  readonly limit?: string;
  /** `next` of the page before. */
  readonly after?: string;
}

export interface TaskPage {
  readonly tasks: readonly ListedTask[];
  /** For `after`; undefined: there are no more. */
  readonly next: number | undefined;
}

export function findTasks(server: ObservedServer, query: TaskQuery): TaskPage {
  const { core } = server;
  const limit = wholeNumber("limit", query.limit, DEFAULT_LIMIT, 1, MAX_LIMIT);
  const after = wholeNumber("after", query.after, -1, 0, 2 ** 32);
  const { matches } = matcherOf(server, query);
  let unread = MAX_READ_LABELS;
  const tasks: ListedTask[] = [];
  for (const { firstRow, taskCount } of plansOf(server, query)) {
    for (let row = Math.max(firstRow, after + 1); row < firstRow + taskCount; row++) {
      const match = matches(row);
      if (match === false) continue;
      if (match === "perhaps") {
        if (--unread < 0) return { tasks, next: row - 1 };
        if (core.labelOf(row) !== query.label) continue;
      }
      if (tasks.length === limit) return { tasks, next: row - 1 };
      tasks.push(listedTask(server, row));
    }
  }
  return { tasks, next: undefined };
}

/** In the order of rows, copies included. */
function plansOf({ core }: ObservedServer, query: TaskQuery): PlanRecord[] {
  const client =
    query.client === undefined ? undefined : wholeNumber("client", query.client, 0, 0, 1e9);
  const wanted = query.plan === undefined ? undefined : readReference(query.plan, "plan");
  const plans = core.plans.filter((plan) => {
    if (plan === undefined) return false;
    const { client: owner, idBase } = plan.copies?.origin ?? plan;
    if (client !== undefined && owner.handle !== client) return false;
    return wanted === undefined || (owner.handle === wanted.client && idBase === wanted.id);
  });
  return (plans as PlanRecord[]).sort((a, b) => a.firstRow - b.firstRow);
}

/** What a class of tasks says about the label that is asked for. */
const Label = { other: 0, same: 1, perhaps: 2, none: 3 } as const;

function matcherOf(server: ObservedServer, { state, label }: TaskQuery) {
  const { core } = server;
  const { table } = core;
  const wanted = wantedStates(state);
  const classes = new Uint8Array(core.taskClassCount).fill(Label.same);
  if (label !== undefined) {
    const prefix = label.split(":", 1)[0];
    for (let i = 0; i < classes.length; i++) {
      const own = core.getTaskClass(i).label;
      if (own === "") classes[i] = Label.none;
      else if (own !== label) classes[i] = own === prefix ? Label.perhaps : Label.other;
    }
  }
  return {
    /** "perhaps": the label is to be read. */
    matches: (row: number): boolean | "perhaps" => {
      const now = table.state[row];
      if (!wanted.states.has(now)) return false;
      if (wanted.isRunning && !core.runningSince.has(row)) return false;
      const found = classes[table.taskClass[row]];
      if (found === Label.perhaps) return "perhaps";
      // The name of its type stands for a label.
      if (found === Label.none) return server.symbols.nameOf(table.taskType[row]) === label;
      return found === Label.same;
    },
  };
}

function wantedStates(state: string | undefined): {
  states: ReadonlySet<number>;
  isRunning: boolean;
} {
  if (state === undefined) {
    return { states: new Set(STATE_NAMES.map(([, value]) => value)), isRunning: false };
  }
  if (state === "running") return { states: new Set([TaskState.assigned]), isRunning: true };
  const found = STATE_NAMES.find(([name]) => name === state);
  if (found === undefined) {
    const names = [...STATE_NAMES.map(([name]) => name), "running"].join(", ");
    throw new BadRequest(`state is one of ${names}, not ${JSON.stringify(state.slice(0, 100))}`);
  }
  return { states: new Set([found[1]]), isRunning: false };
}

export function wholeNumber(
  name: string,
  text: string | undefined,
  fallback: number,
  least: number,
  most: number,
): number {
  if (text === undefined) return fallback;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new BadRequest(
    `${name} is a whole number from ${least} to ${most}, not ${JSON.stringify(text.slice(0, 100))}`,
  );
}
