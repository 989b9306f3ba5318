/**
 * Random plans: how fast-check makes them, what the model says of them, and running one through
 * a client. A plan is submitted in several steps; results are read and released in between.
 */
import fc from "fast-check";
import { type Client, type Future, TaskFailed, tasks } from "../../src/client/index.js";
import type { Task } from "../../src/graph/index.js";
import {
  bytesOf,
  countOf,
  evaluate,
  Failed,
  isArray,
  isSame,
  type Operation,
  Pieces,
  type Value,
} from "./model.js";
import { within } from "./test-cluster.js";

/** A file that `open` opens. */
export interface OpenedFile {
  path: string;
  content: Buffer;
}

interface PlannedTask {
  number: number;
  operation: Operation;
  /** Numbers of earlier tasks. */
  inputs: number[];
  value: Value | Failed;
  isResult: boolean;
  cpus: number;
}

interface PlannedStep {
  tasks: PlannedTask[];
  /** Results that are given up right after the step was submitted. */
  releasedEarly: number[];
  /** Results that are read and kept. */
  read: number[];
  /** Results that are given up after that. */
  releasedLate: number[];
}

export type Plan = PlannedStep[];

const MAX_TASKS = 30;
const MAX_BYTES = 20_000;
const MAX_VALUES = 300;

/** Weights: about one task in thirty is a program. */
const OPERATIONS = [
  ...Array(6).fill("const"),
  ...Array(7).fill("merge"),
  ...Array(4).fill("split"),
  ...Array(3).fill("slice"),
  ...Array(4).fill("get"),
  ...Array(2).fill("size"),
  ...Array(2).fill("length"),
  ...Array(4).fill("arrayMake"),
  "open",
  "program",
] as (Exclude<Operation["op"], "cat" | "echo" | "twoFiles" | "exit"> | "program")[];

const CONTENTS = [
  "",
  "a",
  "b\n",
  ",",
  "a,b\nc",
  "\n\n",
  "xyz,",
  "\0",
  "\xff,\0\n",
  "q".repeat(100),
];
const DELIMITERS = ["", ",", "\n", "b"];
const LONG_DELIMITER = "<->";

const number = fc.nat(2 ** 20);
const rawTask = fc.record({
  operation: fc.constantFrom(...OPERATIONS),
  inputs: fc.array(number, { maxLength: 5 }),
  a: number,
  b: number,
  isResult: fc.boolean(),
});
const rawStep = fc.record({
  tasks: fc.array(rawTask, { minLength: 1, maxLength: 15, size: "max" }),
  releasedEarly: fc.array(number, { maxLength: 2 }),
  read: fc.array(number, { maxLength: 2 }),
  releasedLate: fc.array(number, { maxLength: 2 }),
});
type RawTask = typeof rawTask extends fc.Arbitrary<infer T> ? T : never;
type RawStep = typeof rawStep extends fc.Arbitrary<infer T> ? T : never;

/** Plans of 1 to 30 tasks in 1 to 4 steps. */
export function randomPlans(files: readonly OpenedFile[]): fc.Arbitrary<Plan> {
  return fc
    .array(rawStep, { minLength: 1, maxLength: 4, size: "max" })
    .map((steps) => new Planner(files).plan(steps));
}

/** Turns raw numbers into a plan that makes sense; evaluates it on the way. */
class Planner {
  private readonly all: PlannedTask[] = [];

  constructor(private readonly files: readonly OpenedFile[]) {}

  plan(steps: readonly RawStep[]): Plan {
    const held = new Set<number>();
    const choose = (numbers: readonly number[], remove: boolean) => {
      const chosen = new Set<number>();
      for (const choice of numbers) {
        if (held.size === 0) break;
        const result = [...held][choice % held.size];
        chosen.add(result);
        if (remove) held.delete(result);
      }
      return [...chosen];
    };
    return steps.map((step) => {
      const first = this.all.length;
      for (const raw of step.tasks.slice(0, Math.max(1, MAX_TASKS - first))) this.add(raw);
      const added = this.all.slice(first);
      // The last one, or nothing of the step may be needed.
      added.at(-1)!.isResult = true;
      for (const { number, isResult } of added) if (isResult) held.add(number);
      return {
        tasks: added,
        releasedEarly: choose(step.releasedEarly, true),
        read: choose(step.read, false),
        releasedLate: choose(step.releasedLate, true),
      };
    });
  }

  private add(raw: RawTask): void {
    const [operation, inputs] = this.operation(raw) ?? [this.constant(raw), []];
    const number = this.all.length;
    const failures = inputs.flatMap((input) => {
      const { value } = this.all[input];
      return value instanceof Failed ? [...value.causes] : [];
    });
    let value: Value | Failed;
    if (failures.length > 0) value = new Failed(new Set(failures));
    else {
      const values = inputs.map((input) => this.all[input].value as Value);
      value = evaluate(operation, values) ?? new Failed(new Set([number]));
    }
    const tooMuch =
      !(value instanceof Failed) &&
      (bytesOf(value).length > MAX_BYTES || countOf(value) > MAX_VALUES);
    if (tooMuch) {
      this.add({ ...raw, operation: "const" });
      return;
    }
    // Built-in tasks with cores too: they are scheduled like programs.
    const cpus = raw.b % 13 === 0 ? 1 + (raw.b % 2) : 0;
    this.all.push({ number, operation, inputs, value, isResult: raw.isResult, cpus });
  }

  private constant({ a, b }: RawTask): Operation {
    const text = b % 3 === 0 ? `${a} ${b}\n` : CONTENTS[a % CONTENTS.length];
    return { op: "const", bytes: Buffer.from(text, "latin1") };
  }

  /** The operation with its inputs; undefined if there is nothing to apply it to. */
  private operation(raw: RawTask): [Operation, number[]] | undefined {
    const { a, b } = raw;
    const several = (wanted: (value: Value) => boolean) =>
      raw.inputs.flatMap((choice) => this.pick(choice, wanted) ?? []);
    const one = (wanted: (value: Value) => boolean) => this.pick(a ^ b, wanted);
    const bytes = (value: Value) => !isArray(value);
    const list = (value: Value) => !Buffer.isBuffer(value);
    switch (raw.operation) {
      case "const":
        return undefined;
      case "open":
        return [{ op: "open", ...this.files[a % this.files.length] }, []];
      case "merge": {
        const delimiter = a % 5 === 0 ? LONG_DELIMITER : DELIMITERS[a % DELIMITERS.length];
        const inputs = several(b % 40 === 0 ? () => true : bytes);
        return [{ op: "merge", delimiter: Buffer.from(delimiter) }, inputs];
      }
      case "split": {
        const input = one(b % 40 === 0 ? () => true : bytes);
        if (input === undefined) return undefined;
        return [
          { op: "split", delimiter: Buffer.from(DELIMITERS[a % DELIMITERS.length]) },
          [input],
        ];
      }
      case "slice": {
        const input = one(list);
        if (input === undefined) return undefined;
        const end = a % 4 === 0 ? undefined : a % 7;
        return [{ op: "slice", start: b % 4, end }, [input]];
      }
      case "get": {
        const input = one(list);
        if (input === undefined) return undefined;
        const { value } = this.all[input];
        const length = value instanceof Failed || Buffer.isBuffer(value) ? 0 : lengthOf(value);
        const inRange = length > 0 && b % 10 !== 0;
        return [{ op: "get", index: inRange ? b % length : length + (b % 3) }, [input]];
      }
      case "size":
      case "length":
      case "arrayMake":
        return [{ op: raw.operation }, several(() => true)];
      case "program":
        return this.program(raw);
    }
  }

  private program({ a, b }: RawTask): [Operation, number[]] | undefined {
    const bytes = (value: Value) => !isArray(value);
    const argument = (value: Value) => !isArray(value) && !bytesOf(value).includes(0);
    if (a % 8 === 0) return [{ op: "exit", status: 1 + (b % 100) }, []];
    const wanted = a % 3 === 0 ? argument : bytes;
    const first = this.pick(a, wanted);
    const second = this.pick(b, wanted);
    if (first === undefined || second === undefined) return undefined;
    if (a % 3 === 0) return [{ op: "echo" }, [first, second]];
    return a % 3 === 1 ? [{ op: "twoFiles" }, [first, second]] : [{ op: "cat" }, [first]];
  }

  /** An earlier task with such a value; sometimes one that fails. */
  private pick(choice: number, wanted: (value: Value) => boolean): number | undefined {
    const failedToo = (choice >> 8) % 6 === 1;
    const candidates = this.all.filter(({ value }) =>
      value instanceof Failed ? failedToo : wanted(value) && !(failedToo && choice & 1),
    );
    return candidates[choice % candidates.length]?.number;
  }
}

function lengthOf(value: Pieces | readonly Value[]): number {
  return value instanceof Pieces ? value.pieces.length : value.length;
}

/** Gets each future as soon as there is one. */
export type Watch = (future: Future) => void;

/**
 * Submits the plan step by step, compares what comes with the model and releases everything.
 * Throws an Error that shows the plan when something is wrong.
 */
export async function runPlan(client: Client, plan: Plan, watch: Watch = () => {}): Promise<void> {
  const futures = new Map<number, Future>();
  /** Tasks that need no future: they can be submitted again in any step. */
  const independent = new Map<number, Task>();
  const planned = plan.flatMap((step) => step.tasks);
  const check = async (number: number): Promise<void> => {
    const future = futures.get(number)!;
    const { value } = planned[number];
    const outcome = await within(`the result of t${number}`, outcomeOf(future));
    const problem = findProblem(planned[number], outcome);
    if (problem !== undefined) throw new Error(`t${number}: ${problem}`);
    const status = value instanceof Failed ? "failed" : "finished";
    if (future.status !== status) throw new Error(`t${number}: its status is ${future.status}`);
  };
  const release = (numbers: Iterable<number>) => {
    for (const number of [...numbers]) {
      futures.get(number)!.release();
      futures.delete(number);
    }
  };
  try {
    for (const step of plan) {
      // What earlier steps made is their future if it is still held, else it is computed again.
      const made = new Map<number, Task>();
      const inputOf = (number: number): Task | Future => futures.get(number) ?? taskOf(number);
      const taskOf = (number: number): Task => {
        let task = independent.get(number) ?? made.get(number);
        if (task === undefined) {
          const inputs = planned[number].inputs.map(inputOf);
          task = makeTask(planned[number], inputs);
          const alone = inputs.every((input) => [...independent.values()].includes(input as Task));
          (alone ? independent : made).set(number, task);
        }
        return task;
      };
      const results = step.tasks.filter(({ isResult }) => isResult);
      const submitted: Future[] = client.submit(results.map(({ number }) => taskOf(number)));
      results.forEach(({ number }, i) => {
        futures.set(number, submitted[i]);
        watch(submitted[i]);
      });
      release(step.releasedEarly);
      await Promise.all(step.read.map(check));
      release(step.releasedLate);
    }
    await Promise.all([...futures.keys()].map(check));
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${message}\nin the plan\n${describePlan(plan)}`, { cause: error });
  } finally {
    release(futures.keys());
  }
}

async function outcomeOf(future: Future): Promise<{ value: unknown } | { error: unknown }> {
  try {
    return { value: await future.fetch() };
  } catch (error) {
    return { error };
  }
}

function findProblem(
  task: PlannedTask,
  outcome: { value: unknown } | { error: unknown },
): string | undefined {
  const { value } = task;
  if ("value" in outcome) {
    if (value instanceof Failed) return `it should fail, but is ${describeValue(outcome.value)}`;
    if (isSame(value, outcome.value)) return undefined;
    return `it is ${describeValue(outcome.value)}, but should be ${describeValue(value)}`;
  }
  const { error } = outcome;
  if (!(error instanceof TaskFailed)) return `it failed with ${error}`;
  if (!(value instanceof Failed)) return `it should not fail: ${error.message}`;
  const cause = [...value.causes].find((number) => error.label === `t${number}`);
  return cause === undefined ? `it failed because of another task: ${error.message}` : undefined;
}

function makeTask(task: PlannedTask, inputs: (Task | Future)[]): Task {
  const plain = makeOperation(task.operation, inputs);
  // A failure must be recognized; of others only some: a label takes another way to the worker.
  const labelled = task.value instanceof Failed || task.number % 3 === 0;
  const made = labelled ? plain.withLabel(`t${task.number}`) : plain;
  return task.cpus > 0 && made.request === undefined ? made.withCpus(task.cpus) : made;
}

function makeOperation(operation: Operation, inputs: (Task | Future)[]): Task {
  const bytes = inputs as (Task<Buffer> | Future<Buffer>)[];
  const lists = inputs as (Task<Buffer[]> | Future<Buffer[]>)[];
  switch (operation.op) {
    case "const":
      return tasks.const(operation.bytes);
    case "open":
      return tasks.open(operation.path);
    case "merge":
      return tasks.merge(bytes, operation.delimiter);
    case "split":
      return tasks.split(bytes[0], operation.delimiter);
    case "slice":
      return tasks.slice(lists[0], operation.start, operation.end);
    case "get":
      return tasks.get(lists[0], operation.index);
    case "size":
      return tasks.size(...inputs);
    case "length":
      return tasks.length(...inputs);
    case "arrayMake":
      return tasks.arrayMake(inputs);
    case "cat":
      return tasks.run("cat", { stdin: inputs[0] });
    case "echo":
      return tasks.run(["printf", "%s:%s", inputs[0], inputs[1]]);
    case "twoFiles":
      return tasks.run(["sh", "-c", "cat first second; cat second >copy"], {
        inputs: { first: inputs[0], second: inputs[1] },
        outputs: ["+out", "copy"],
      });
    case "exit":
      return tasks.run(["sh", "-c", `exit ${operation.status}`]);
  }
}

function describePlan(plan: Plan): string {
  return plan
    .map(({ tasks, releasedEarly, read, releasedLate }) => {
      const lines = tasks.map(({ number, operation, inputs, value, isResult, cpus }) => {
        const { op, ...rest } = operation;
        const details = Object.entries(rest).map(([name, of]) => `${name} ${describeValue(of)}`);
        const marks = `${isResult ? " (result)" : ""}${cpus > 0 ? ` (${cpus} cpus)` : ""}`;
        const on = inputs.map((input) => `t${input}`).join(", ");
        return `t${number}${marks} = ${op}(${on}) ${details.join(" ")} -> ${describeValue(value)}`;
      });
      const end = `submit; release ${releasedEarly}; read ${read}; release ${releasedLate}`;
      return [...lines, end].join("\n");
    })
    .join("\n");
}

function describeValue(value: unknown): string {
  if (Buffer.isBuffer(value)) {
    const text = value.toString("latin1");
    return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}… ${text.length} bytes` : text);
  }
  if (value instanceof Pieces) return `pieces ${describeValue(value.pieces)}`;
  if (value instanceof Failed) return `failure of ${[...value.causes].map((n) => `t${n}`)}`;
  if (Array.isArray(value)) return `[${value.map(describeValue).join(", ")}]`;
  return String(value);
}
