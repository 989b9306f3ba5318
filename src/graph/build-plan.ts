/**
 * From result tasks to a plan: every task they need, once, numbered so that inputs come
 * before their users. Owns numbering and validation; the client maps numbers to ids and
 * names to symbols. Works without recursion: chains may be millions of tasks long.
 */
import { LoomError } from "../base/index.js";
import { describeTask } from "./describe-task.js";
import { checkRequest, type ResourceRequest } from "./resource-request.js";
import { localObject, type SubmittedResult, submittedResult, Task } from "./task.js";

/** Numbered tasks; task `i` has id `idBase + i`. Columns, because plans may be huge. */
export interface TaskPlan {
  readonly idBase: number;
  /** In order of their numbers. */
  readonly tasks: readonly Task[];
  /** Ids of task i's inputs: `inputIds[inputStart[i] .. inputStart[i + 1])`. */
  readonly inputIds: Int32Array;
  /** Length: number of tasks + 1. */
  readonly inputStart: Uint32Array;
  /** 1 for the tasks whose results were asked for. */
  readonly isResult: Uint8Array;
  /** Number of each result task, in the order given; equal tasks have equal numbers. */
  readonly resultNumbers: Int32Array;
  /** Numbers of the kept tasks that are new; `isResult` is 1 for them too. */
  readonly keptNumbers: readonly number[];
  /** The different requests of the tasks. */
  readonly requests: readonly ResourceRequest[];
  /** Index into `requests` for each task, -1 = none. */
  readonly requestIndex: Int32Array;
}

/** What {@link buildPlan} needs to know from outside. */
export interface PlanContext {
  /** Id of the plan's first task. */
  readonly idBase: number;
  /** Id of a result submitted earlier; throws if it can't be an input any more. */
  readonly resultId: (result: SubmittedResult, user: Task) => number;
  /** Id of a kept task (`Task.kept`) that was submitted earlier. Default: there is none. */
  readonly findKept?: (task: Task) => number | undefined;
}

const MAX_ID = 0x7fffffff;
/**
 * `Task.planNumber` while a task's inputs are being numbered. Afterwards id = idBase + number,
 * also for kept tasks of earlier plans: their numbers are negative, but never as small as this.
 */
const NUMBERING = -0x80000000;
let lastSerial = 0;

/**
 * Numbers everything that `results` need, depth first from the first result and its first
 * input on: the inputs of a fan-in are neighbours, and so are a chain's tasks.
 * @throws LoomError("plan") naming the task for a cycle, LoomError("usage") for what is no task
 */
export function buildPlan(results: readonly Task[], context: PlanContext): TaskPlan {
  const serial = ++lastSerial;
  const tasks: Task[] = [];
  // The tasks whose inputs are being numbered, and which input of each comes next.
  const path: Task[] = [];
  const next: number[] = [];
  let inputCount = 0;
  const keptNumbers: number[] = [];
  // Whoever asks for a kept task itself gets it like any other.
  const findKept = results.some((task) => task?.kept) ? undefined : context.findKept;

  for (const result of results) {
    if (!(result instanceof Task)) {
      throw new LoomError("usage", `only tasks can be submitted, got ${nameOf(result)}`);
    }
    if (result.planSerial === serial) continue;
    let task: Task = result;
    checkTask(task);
    task.planSerial = serial;
    task.planNumber = NUMBERING;
    let at = 0;
    for (;;) {
      const { inputs } = task;
      const count = inputs.length;
      let deeper: Task | undefined;
      while (at < count) {
        const input = inputs[at++];
        if (!(input instanceof Task)) continue;
        if (input.planSerial !== serial) {
          if (input.kept) {
            const id = findKept?.(input);
            if (id !== undefined) {
              input.planSerial = serial;
              input.planNumber = id - context.idBase;
              continue;
            }
          }
          deeper = input;
          break;
        }
        if (input.planNumber === NUMBERING) throw cycleError(input, path, task);
      }
      if (deeper !== undefined) {
        path.push(task);
        next.push(at);
        task = deeper;
        checkTask(task);
        task.planSerial = serial;
        task.planNumber = NUMBERING;
        at = 0;
        continue;
      }
      task.planNumber = tasks.length;
      if (task.kept && findKept !== undefined) keptNumbers.push(task.planNumber);
      tasks.push(task);
      inputCount += count;
      if (path.length === 0) break;
      task = path.pop()!;
      at = next.pop()!;
    }
  }
  if (context.idBase + tasks.length > MAX_ID) {
    throw new LoomError(
      "usage",
      "this client has used up its 2,147,483,647 task ids; connect a new client",
    );
  }
  return fillColumns(results, tasks, inputCount, keptNumbers, context);
}

function fillColumns(
  results: readonly Task[],
  tasks: readonly Task[],
  inputCount: number,
  keptNumbers: readonly number[],
  context: PlanContext,
): TaskPlan {
  const { idBase } = context;
  const inputIds = new Int32Array(inputCount);
  const inputStart = new Uint32Array(tasks.length + 1);
  const requestIndex = new Int32Array(tasks.length);
  const requests = new RequestList();
  let end = 0;
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i];
    for (const input of task.inputs) {
      inputIds[end++] =
        input instanceof Task ? idBase + input.planNumber : submittedId(input, task, context);
    }
    inputStart[i + 1] = end;
    requestIndex[i] = task.request === undefined ? -1 : requests.indexOf(task.request, task);
  }
  const isResult = new Uint8Array(tasks.length);
  const resultNumbers = new Int32Array(results.length);
  for (let i = 0; i < results.length; i++) {
    const number = results[i].planNumber;
    resultNumbers[i] = number;
    isResult[number] = 1;
  }
  for (const number of keptNumbers) isResult[number] = 1;
  return {
    idBase,
    tasks,
    inputIds,
    inputStart,
    isResult,
    resultNumbers,
    keptNumbers,
    requests: requests.list,
    requestIndex,
  };
}

function checkTask(task: Task): void {
  if (typeof task.type !== "string" || task.type === "") {
    throw new LoomError("usage", `${describeTask(task)} has no task type`);
  }
  if (!(task.config instanceof Uint8Array)) {
    throw new LoomError(
      "usage",
      `config of ${describeTask(task)} must be a Uint8Array, got ${nameOf(task.config)}`,
    );
  }
}

function submittedId(input: unknown, user: Task, context: PlanContext): number {
  if (typeof input === "object" && input !== null && submittedResult in input) {
    return context.resultId(input as SubmittedResult, user);
  }
  if (typeof input === "object" && input !== null && localObject in input) {
    throw new LoomError(
      "usage",
      `${describeTask(user)} has data of a running function as an input; that is possible only in a task that the function returns`,
    );
  }
  throw new LoomError(
    "usage",
    `inputs of ${describeTask(user)} must be tasks or futures, got ${nameOf(input)}`,
  );
}

function cycleError(repeated: Task, path: readonly Task[], last: Task): LoomError {
  const start = path.indexOf(repeated);
  const length = start === -1 ? 1 : path.length - start + 1;
  const via = last === repeated ? "" : `, by way of ${describeTask(last)}`;
  return new LoomError(
    "plan",
    `${describeTask(repeated)} needs its own result${via} (a cycle of ${length} tasks); remove it from its inputs`,
  );
}

/** Different requests in order of their first use. Few differ, many tasks share an object. */
class RequestList {
  readonly list: ResourceRequest[] = [];
  private readonly byObject = new Map<ResourceRequest, number>();
  private readonly byContent = new Map<string, number>();

  indexOf(request: ResourceRequest, user: Task): number {
    let index = this.byObject.get(request);
    if (index === undefined) {
      checkRequest(request, describeTask(user));
      const content = JSON.stringify([request, ...(request.alternatives ?? [])].map(contentOf));
      index = this.byContent.get(content);
      if (index === undefined) {
        index = this.list.push(request) - 1;
        this.byContent.set(content, index);
      }
      this.byObject.set(request, index);
    }
    return index;
  }
}

function contentOf({ resources }: ResourceRequest): unknown {
  return resources.map(({ name, value, indices = [] }) => [name, value, indices]);
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return typeof value;
  return value.constructor?.name ?? "object";
}
