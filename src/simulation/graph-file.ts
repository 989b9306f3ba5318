/**
 * A task graph from a file: `{ name, tasks: [{ id, duration, cpus, inputs, outputs, … }] }`, the
 * format of bench/schedules/data. Owns: checking what was parsed (everything in it is somebody
 * else's), and its form as columns. Does not read files. Called by the simulators and the benchmark.
 */
import { LoomError } from "../base/index.js";
import { MAX_BYTES, MAX_SECONDS } from "./amounts.js";
import { topologicalOrder } from "./graph-order.js";

/**
 * A graph as columns. Tasks are numbered by their place in the file; an output of a task is an
 * object, objects are numbered along their producers: output k of task t is
 * `outputStart[t] + k`.
 */
export interface TaskGraph {
  readonly name: string;
  readonly taskCount: number;
  readonly objectCount: number;
  /** What the file calls the tasks. */
  readonly taskIds: readonly (number | string)[];
  /** Execution times in seconds. */
  readonly durationS: Float64Array;
  /** A user's estimates of them; the true one where the file has none. */
  readonly expectedS: Float64Array;
  /** Cores that a task holds: 1..65535. */
  readonly cpus: Uint16Array;
  /** Objects of task t: `outputStart[t] .. outputStart[t + 1]`. */
  readonly outputStart: Uint32Array;
  readonly objectBytes: Float64Array;
  /** A user's estimates of them; the true size where the file has none. */
  readonly expectedBytes: Float64Array;
  readonly objectProducer: Uint32Array;
  /** Objects that task t needs, in the file's order, each once: `inputs[inputStart[t] .. inputStart[t + 1]]`. */
  readonly inputStart: Uint32Array;
  readonly inputs: Uint32Array;
  /** Tasks that need object o, ascending: `users[userStart[o] .. userStart[o + 1]]`. */
  readonly userStart: Uint32Array;
  readonly users: Uint32Array;
  /** All tasks, producers before users. */
  readonly order: Uint32Array;
}

const MAX_CPUS = 65_535;

type Fields = Readonly<Record<string, unknown>>;
type Id = number | string;

/**
 * Checks a parsed graph file and turns it into columns.
 *
 * @param value what JSON.parse made of the file
 * @param fileName for messages
 * @throws LoomError `usage`, one line that names the file, the task and the problem
 * @example
 * const graph = readGraphFile(JSON.parse(text), "montage.json");
 */
export function readGraphFile(value: unknown, fileName: string): TaskGraph {
  const refuse = (problem: string): never => {
    throw new LoomError("usage", `${fileName}: ${problem}`);
  };
  if (!isFields(value)) return refuse(`must hold an object with "tasks", not ${show(value)}`);
  if (!Array.isArray(value.tasks)) {
    return refuse(`"tasks" must be a list of tasks, ${showField(value.tasks)}`);
  }
  if (value.name !== undefined && typeof value.name !== "string") {
    return refuse(`"name" must be a text, ${showField(value.name)}`);
  }
  const tasks = value.tasks.map((task: unknown, place) => readTask(task, place, refuse));
  const numbers = new Map<Id, number>();
  tasks.forEach(({ id }, number) => {
    if (numbers.has(id)) refuse(`there are two tasks with the id ${show(id)}; ids must differ`);
    numbers.set(id, number);
  });
  const graph = buildColumns(value.name ?? fileName, tasks, numbers, refuse);
  if (!("cycle" in graph.order)) return { ...graph, order: graph.order };
  const ids = [...graph.order.cycle, graph.order.cycle[0]].map((task) => show(tasks[task].id));
  const shown = ids.length > 9 ? [...ids.slice(0, 7), "…", ids[ids.length - 1]] : ids;
  return refuse(
    `tasks ${shown.join(" → ")} need each other's outputs in a cycle; a graph must be acyclic`,
  );
}

interface TaskRecord {
  readonly id: Id;
  readonly durationS: number;
  readonly expectedS: number;
  readonly cpus: number;
  readonly inputs: readonly { readonly producer: Id; readonly output: number }[];
  readonly outputs: readonly number[];
  readonly expectedOutputs: readonly number[];
}

function readTask(
  value: unknown,
  place: number,
  refuseFile: (problem: string) => never,
): TaskRecord {
  if (!isFields(value))
    return refuseFile(`entry ${place} of "tasks" is no task but ${show(value)}`);
  const { id } = value;
  if (!isId(id)) {
    return refuseFile(
      `entry ${place} of "tasks": "id" must be a whole number or a text, ${showField(id)}`,
    );
  }
  const refuse = (problem: string) => refuseFile(`task ${show(id)}: ${problem}`);
  const seconds = (name: string): number => {
    const given = value[name];
    if (isAmount(given)) {
      if (given <= MAX_SECONDS) return given;
      return refuse(`"${name}" must be at most ${MAX_SECONDS} seconds, not ${show(given)}`);
    }
    return refuse(`"${name}" must be a number of seconds, at least 0, ${showField(given)}`);
  };
  const bytes = (name: string): number[] => {
    const given = value[name];
    if (!Array.isArray(given)) {
      return refuse(`"${name}" must be a list of sizes in bytes, ${showField(given)}`);
    }
    given.forEach((size: unknown, i) => {
      if (!isAmount(size)) {
        refuse(`"${name}"[${i}] must be a size in bytes, not ${show(size)}`);
      } else if (size > MAX_BYTES) {
        refuse(`"${name}"[${i}] must be at most ${MAX_BYTES} bytes, not ${show(size)}`);
      }
    });
    return given;
  };
  const durationS = seconds("duration");
  const { cpus } = value;
  if (!isWhole(cpus) || cpus < 1 || cpus > MAX_CPUS) {
    return refuse(`"cpus" must be a whole number from 1 to ${MAX_CPUS}, ${showField(cpus)}`);
  }
  const outputs = bytes("outputs");
  const expectedOutputs = isLeftOut(value.expectedOutputs) ? outputs : bytes("expectedOutputs");
  if (expectedOutputs.length !== outputs.length) {
    const lengths = `${expectedOutputs.length} sizes, "outputs" has ${outputs.length}`;
    return refuse(`"expectedOutputs" has ${lengths}; give one for each`);
  }
  if (!Array.isArray(value.inputs)) {
    return refuse(
      `"inputs" must be a list of [task id, output number], ${showField(value.inputs)}`,
    );
  }
  const inputs = value.inputs.map((input: unknown, i) => {
    if (Array.isArray(input) && input.length === 2 && isId(input[0]) && isWhole(input[1])) {
      return { producer: input[0], output: input[1] };
    }
    return refuse(`"inputs"[${i}] must be [task id, output number], not ${show(input)}`);
  });
  return {
    id,
    durationS,
    expectedS: isLeftOut(value.expectedDuration) ? durationS : seconds("expectedDuration"),
    cpus,
    inputs,
    outputs,
    expectedOutputs,
  };
}

function buildColumns(
  name: string,
  tasks: readonly TaskRecord[],
  numbers: ReadonlyMap<Id, number>,
  refuse: (problem: string) => never,
) {
  const taskCount = tasks.length;
  const outputStart = startsOf(tasks.map((task) => task.outputs.length));
  const needed = tasks.map((task) => {
    const objects = task.inputs.map(({ producer, output }) => {
      const number = numbers.get(producer);
      if (number === undefined) {
        return refuse(
          `task ${show(task.id)}: needs an output of task ${show(producer)}, which is not in the file`,
        );
      }
      const outputs = tasks[number].outputs.length;
      if (output >= 0 && output < outputs) return outputStart[number] + output;
      return refuse(
        `task ${show(task.id)}: needs output ${output} of task ${show(producer)}, which has ${outputs} (the first one is 0)`,
      );
    });
    return [...new Set(objects)];
  });
  const inputStart = startsOf(needed.map((objects) => objects.length));
  const inputs = Uint32Array.from(needed.flat());
  const objectCount = outputStart[taskCount];
  const usersOf = new Uint32Array(objectCount);
  for (const object of inputs) usersOf[object]++;
  const userStart = startsOf(usersOf);
  const users = new Uint32Array(inputs.length);
  const next = userStart.slice();
  for (let task = 0; task < taskCount; task++) {
    for (const object of needed[task]) users[next[object]++] = task;
  }
  const objectProducer = new Uint32Array(objectCount);
  for (let task = 0; task < taskCount; task++) {
    objectProducer.fill(task, outputStart[task], outputStart[task + 1]);
  }
  return {
    name,
    taskCount,
    objectCount,
    taskIds: tasks.map((task) => task.id),
    durationS: Float64Array.from(tasks, (task) => task.durationS),
    expectedS: Float64Array.from(tasks, (task) => task.expectedS),
    cpus: Uint16Array.from(tasks, (task) => task.cpus),
    outputStart,
    objectBytes: Float64Array.from(tasks.flatMap((task) => task.outputs)),
    expectedBytes: Float64Array.from(tasks.flatMap((task) => task.expectedOutputs)),
    objectProducer,
    inputStart,
    inputs,
    userStart,
    users,
    order: topologicalOrder({
      taskCount,
      outputStart,
      objectProducer,
      inputStart,
      inputs,
      userStart,
      users,
    }),
  };
}

/** Starts of consecutive groups of these lengths, and the end of the last. */
function startsOf(lengths: ArrayLike<number>): Uint32Array {
  const starts = new Uint32Array(lengths.length + 1);
  for (let i = 0; i < lengths.length; i++) starts[i + 1] = starts[i] + lengths[i];
  return starts;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isId(value: unknown): value is Id {
  return typeof value === "string" || isWhole(value);
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY;
}

function isLeftOut(value: unknown): boolean {
  return value === undefined || value === null;
}

function showField(value: unknown): string {
  return value === undefined ? "it is missing" : `not ${show(value)}`;
}

function show(value: unknown): string {
  if (typeof value === "number") return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
