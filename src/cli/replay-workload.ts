/**
 * A trace as a workload and a cluster for the simulator: the tasks that finished, with the durations and
 * sizes that they had. Stands here because neither room may know the other. Called by simulate-command.ts.
 */
import { counted } from "../base/index.js";
import { LIGHT, type TaskRequest, type WorkerSpec, type Workload } from "../simulation/index.js";
import { type Trace, TracedState, type TracedWorker } from "../trace/index.js";
import { usageError } from "./cli-error.js";

const MAX_KINDS = 65_535;
/** More than so many of a named resource are an amount, not things that are told apart by numbers. */
const MAX_INDICES = 1024;

export interface Replay {
  readonly workload: Workload;
  /** Of the trace. */
  readonly workers: readonly WorkerSpec[];
  /** From the first submission until the server knew of the last task that is replayed. */
  readonly recordedMs: number;
  /** What the simulation does not have as it was. */
  readonly warnings: readonly string[];
}

/** @throws CliError if there is nothing to replay */
export function replayOf(trace: Trace, name: string): Replay {
  const { tasks } = trace;
  const warnings: string[] = [];
  const order = replayed(trace, warnings);
  if (order.length === 0)
    throw usageError(`no task of the trace ${name} finished while it was written`);
  const number = new Int32Array(tasks.count).fill(-1);
  for (let i = 0; i < order.length; i++) number[order[i]] = i;

  const kinds = new Kinds(trace);
  const durationMs = new Float64Array(order.length);
  const outputBytes = new Float64Array(order.length);
  const kind = new Uint16Array(order.length);
  const priority = new Int8Array(order.length);
  const inputStart = new Uint32Array(order.length + 1);
  const inputs = new Uint32Array(tasks.inputs.length);
  let inputCount = 0;
  let firstMs = Number.POSITIVE_INFINITY;
  let lastMs = 0;
  for (let i = 0; i < order.length; i++) {
    const task = order[i];
    durationMs[i] = Math.max(0, tasks.finishedMs[task] - tasks.startedMs[task]);
    outputBytes[i] = tasks.sizeBytes[task] || 0;
    kind[i] = kinds.of(task);
    priority[i] = trace.classes.at(tasks.taskClass[task])?.priority ?? 0;
    for (let k = tasks.inputStart[task]; k < tasks.inputStart[task + 1]; k++) {
      const input = number[tasks.inputs[k]];
      // -1: it was there before, or stands for its copies.
      if (input !== -1) inputs[inputCount++] = input;
    }
    inputStart[i + 1] = inputCount;
    firstMs = Math.min(firstMs, tasks.submittedMs[task]);
    lastMs = Math.max(lastMs, tasks.knownMs[task]);
  }
  warnOfPlans(trace, warnings);
  return {
    workload: {
      name,
      taskCount: order.length,
      durationMs,
      outputBytes,
      kinds: kinds.list,
      kind,
      inputStart,
      inputs: inputs.subarray(0, inputCount),
      priority,
    },
    workers: workersOf(trace, warnings),
    recordedMs: lastMs - firstMs,
    warnings,
  };
}

/** Tasks to replay, each after its inputs. */
function replayed({ tasks }: Trace, warnings: string[]): Uint32Array {
  const { count, inputStart, inputs, state, attempts, startedMs, finishedMs } = tasks;
  /** Inputs that are to come; -1: it is not replayed. */
  const missing = new Int32Array(count);
  const users = new Uint32Array(count + 1);
  const isThere = (task: number): boolean =>
    state[task] === TracedState.finished && attempts[task] === 0;
  const ran = (task: number): boolean =>
    state[task] === TracedState.finished && finishedMs[task] >= startedMs[task];
  let leftOut = 0;
  for (let task = 0; task < count; task++) {
    if (isThere(task)) {
      missing[task] = -1;
      continue;
    }
    if (!ran(task)) {
      missing[task] = -1;
      leftOut++;
      continue;
    }
    for (let k = inputStart[task]; k < inputStart[task + 1]; k++) {
      if (isThere(inputs[k])) continue;
      missing[task]++;
      users[inputs[k] + 1]++;
    }
  }
  for (let task = 0; task < count; task++) users[task + 1] += users[task];
  const filled = users.slice(0, count);
  const userList = new Uint32Array(users[count]);
  for (let task = 0; task < count; task++) {
    if (missing[task] < 1) continue;
    for (let k = inputStart[task]; k < inputStart[task + 1]; k++) {
      if (!isThere(inputs[k])) userList[filled[inputs[k]]++] = task;
    }
  }
  const order = new Uint32Array(count);
  let found = 0;
  let waiting = 0;
  for (let task = 0; task < count; task++) {
    if (missing[task] === 0) order[found++] = task;
    else if (missing[task] > 0) waiting++;
  }
  for (let i = 0; i < found; i++) {
    for (let k = users[order[i]]; k < users[order[i] + 1]; k++) {
      if (--missing[userList[k]] > 0) continue;
      order[found++] = userList[k];
      waiting--;
    }
  }
  // Those that wait have inputs that are left out: their results had been lost, for example.
  if (leftOut + waiting > 0) {
    warnings.push(
      `left out: ${counted(leftOut, "task")} that did not finish${waiting === 0 ? "" : `, and ${waiting} with inputs from them`}`,
    );
  }
  return order.subarray(0, found);
}

/** Tasks with the same label and request are of one kind. */
class Kinds {
  readonly list: { label: string; request: TaskRequest }[] = [];
  private readonly numbers = new Map<string, number>();

  constructor(private readonly trace: Trace) {}

  of(task: number): number {
    const { tasks, labels, classes } = this.trace;
    const variants = classes.at(tasks.taskClass[task])?.variants ?? [];
    const cores = tasks.cores[task];
    // Which variant it was is not written; how many cores it held is.
    const fitting = variants.findIndex(({ cpus }) => cpus === cores);
    const variant = fitting === -1 ? 0 : fitting;
    const key = `${tasks.label[task]} ${tasks.taskClass[task]} ${variant}`;
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    if (this.list.length === MAX_KINDS) {
      throw usageError(`the trace has more than ${MAX_KINDS} kinds of tasks: too many to simulate`);
    }
    const number = this.list.length;
    this.numbers.set(key, number);
    this.list.push({ label: labels[tasks.label[task]], request: variants[variant] ?? LIGHT });
    return number;
  }
}

function workersOf({ workers, durationMs }: Trace, warnings: string[]): WorkerSpec[] {
  const moved = workers.filter(
    (worker) => !Number.isNaN(worker.goneMs) && worker.goneMs < durationMs,
  );
  if (moved.length > 0) {
    warnings.push(
      `${counted(moved.length, "worker")} left before the end of the trace; the traced cluster has them all the time`,
    );
  }
  return workers.map(specOf);
}

function specOf({ cpus, resources }: TracedWorker): WorkerSpec {
  const named = resources.filter(({ name, amount }) => name !== "cpus" && amount > 0);
  return {
    cpus: Math.max(1, cpus),
    resources: named.map(({ name, amount }) => {
      const isIndexed = name !== "mem" && Number.isInteger(amount) && amount <= MAX_INDICES;
      const indices = isIndexed ? Array.from({ length: amount }, (_, i) => String(i)) : [];
      return { name, amount, indices };
    }),
    memoryBytes: named.find(({ name }) => name === "mem")?.amount ?? Number.POSITIVE_INFINITY,
    speed: 1,
  };
}

function warnOfPlans({ plans }: Trace, warnings: string[]): void {
  const times = plans
    .filter(({ taskCount }) => taskCount > 0)
    .map(({ submittedMs }) => submittedMs);
  const overMs = Math.max(...times) - Math.min(...times);
  if (times.length > 1) {
    warnings.push(
      `${times.length} plans, submitted within ${(overMs / 1000).toFixed(3)} s, are simulated as one that comes at once`,
    );
  }
}
