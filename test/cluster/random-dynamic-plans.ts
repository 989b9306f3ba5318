/**
 * Random plans with dslices and dgets: how fast-check makes them, what they give when tasks are
 * evaluated one after the other, and how they are submitted. One value of the model for each element
 * that a task depends on; arrays take all of them.
 */
import fc from "fast-check";
import { type Client, TaskFailed, tasks } from "../../src/client/index.js";
import type { Task } from "../../src/graph/index.js";
import {
  bytesOf,
  countOf,
  evaluate,
  isArray,
  isSame,
  type Operation,
  Pieces,
  type Value,
} from "./model.js";
import { within } from "./test-cluster.js";

type Dynamic = { op: "dslice" } | { op: "dget" };
type AnyOperation =
  | Extract<
      Operation,
      { op: "const" | "merge" | "split" | "size" | "length" | "arrayMake" | "cat" }
    >
  | Dynamic;

/** A value, and of which element of each dslice and dget it was made. */
interface Instance {
  readonly elements: ReadonlyMap<number, number>;
  readonly value: Value;
}

interface PlannedTask {
  readonly operation: AnyOperation;
  readonly inputs: readonly number[];
  /** Undefined: it fails. */
  readonly instances: readonly Instance[] | undefined;
  readonly isResult: boolean;
}

export type DynamicPlan = readonly PlannedTask[];

const MAX_INSTANCES = 60;
const MAX_BYTES = 5_000;
const TEXTS = ["", "a,b\nc\nd,e,f\n", "x,y\nz,", "one\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n"];

const rawTask = fc.record({
  kind: fc.nat(99),
  inputs: fc.array(fc.nat(1000), { minLength: 1, maxLength: 3 }),
  a: fc.nat(1000),
});

/** @param slicesOf how many slices the cluster makes of so many elements */
export function randomDynamicPlans(
  slicesOf: (length: number) => number,
): fc.Arbitrary<DynamicPlan> {
  return fc
    .array(rawTask, { minLength: 3, maxLength: 14, size: "max" })
    .map((raw) => makePlan(raw, slicesOf));
}

type RawTask = typeof rawTask extends fc.Arbitrary<infer T> ? T : never;

function makePlan(raw: readonly RawTask[], slicesOf: (length: number) => number): DynamicPlan {
  const plan: PlannedTask[] = [];
  const add = (operation: AnyOperation, inputs: readonly number[], isResult: boolean): void => {
    const instances = instancesOf(plan, operation, inputs, slicesOf);
    const isTooMuch =
      instances !== undefined &&
      (instances.length > MAX_INSTANCES || instances.some(({ value }) => isBig(value)));
    if (isTooMuch) add(constant(plan.length), [], false);
    else plan.push({ operation, inputs, instances, isResult });
  };
  for (const { kind, inputs, a } of raw) {
    // Sometimes any task, whether it can be used or not; half of the time one of the last that can.
    const pick = (choice: number, wanted: (value: Value) => boolean): number => {
      const usable = plan.flatMap(({ instances }, number) =>
        instances?.every(({ value }) => wanted(value)) ? [number] : [],
      );
      if (usable.length === 0 || choice % 50 === 0) return choice % plan.length;
      const few = choice & 1 ? usable.slice(-2) : usable;
      return few[(choice >> 1) % few.length];
    };
    const bytes = (choice: number) => pick(choice, (value) => !isArray(value));
    const any = (choice: number) => pick(choice, () => true);
    const list = (min: number) =>
      pick(a, (value) => !Buffer.isBuffer(value) && lengthOf(value) >= min);
    const delimiter = Buffer.from(["", ","][a % 2]);
    if (plan.length === 0) add(constant(1), [], false);
    else if (kind < 5) add(constant(a), [], false);
    else if (kind < 30) add({ op: "split", delimiter }, [bytes(a)], false);
    else if (kind < 50) add({ op: "dget" }, [list(1)], false);
    else if (kind < 65) add({ op: "dslice" }, [list(0)], false);
    else if (kind < 72) add({ op: "arrayMake" }, inputs.map(any), a % 3 === 0);
    else if (kind < 75) add({ op: "cat" }, [bytes(a)], false);
    else if (kind < 80) add({ op: a % 2 ? "size" : "length" }, inputs.map(any), false);
    else add({ op: "merge", delimiter }, inputs.map(bytes), false);
  }
  const used = [...raw.at(-1)!.inputs, 0].map((choice) => plan.length - 1 - (choice % plan.length));
  add({ op: "arrayMake" }, used, true);
  // Too much for one array: something must be a result.
  if (!plan.at(-1)!.isResult) add({ op: "arrayMake" }, [plan.length - 1], true);
  return plan;
}

function constant(a: number): AnyOperation {
  return { op: "const", bytes: Buffer.from(TEXTS[a % TEXTS.length]) };
}

/** Number of elements; bytes have none. */
export function lengthOf(value: Value): number {
  if (Buffer.isBuffer(value)) return 0;
  return value instanceof Pieces ? value.pieces.length : value.length;
}

function isBig(value: Value): boolean {
  return countOf(value) > MAX_INSTANCES || bytesOf(value).length > MAX_BYTES;
}

function instancesOf(
  plan: DynamicPlan,
  operation: AnyOperation,
  inputs: readonly number[],
  slicesOf: (length: number) => number,
): Instance[] | undefined {
  const given: (readonly Instance[])[] = [];
  for (const input of inputs) {
    const { instances } = plan[input];
    if (instances === undefined) return undefined;
    given.push(instances);
  }
  const { op } = operation;
  const number = plan.length;
  if (op === "dslice" || op === "dget") {
    return elementsOf(number, op, given[0], slicesOf);
  }
  if (op === "arrayMake") {
    return [{ elements: new Map(), value: given.flatMap((all) => all.map(({ value }) => value)) }];
  }
  const made: Instance[] = [];
  for (const { elements, values } of combinationsOf(given)) {
    const value = evaluate(operation, values);
    if (value === undefined) return undefined;
    made.push({ elements, value });
  }
  return made;
}

function elementsOf(
  number: number,
  op: Dynamic["op"],
  input: readonly Instance[],
  slicesOf: (length: number) => number,
): Instance[] | undefined {
  const made: Instance[] = [];
  for (const { elements, value } of input) {
    if (Buffer.isBuffer(value)) return undefined;
    const length = lengthOf(value);
    if (op === "dget" && length === 0) return undefined;
    const count = op === "dget" ? length : slicesOf(length);
    for (let i = 0; i < count; i++) {
      const start = Math.floor((i * length) / count);
      const end = Math.floor(((i + 1) * length) / count);
      const part: Operation = op === "dget" ? { op: "get", index: i } : { op: "slice", start, end };
      made.push({ elements: new Map(elements).set(number, i), value: evaluate(part, [value])! });
    }
  }
  return made;
}

/** One for each combination that is made of the same elements; the first input varies slowest. */
function combinationsOf(
  inputs: readonly (readonly Instance[])[],
): { elements: Map<number, number>; values: Value[] }[] {
  let all = [{ elements: new Map<number, number>(), values: [] as Value[] }];
  for (const input of inputs) {
    all = all.flatMap((one) =>
      input
        .filter(({ elements }) =>
          [...elements].every(([of, i]) => (one.elements.get(of) ?? i) === i),
        )
        .map(({ elements, value }) => ({
          elements: new Map([...one.elements, ...elements]),
          values: [...one.values, value],
        })),
    );
    if (all.length > MAX_INSTANCES) break;
  }
  return all;
}

/** Submits the plan, compares what comes with the model and releases everything. */
export async function runDynamicPlan(client: Client, plan: DynamicPlan): Promise<void> {
  const made: Task[] = [];
  for (const { operation, inputs } of plan) {
    const task = taskOf(
      operation,
      inputs.map((input) => made[input]),
    );
    made.push(task.withLabel(`t${made.length}`));
  }
  const results = plan.flatMap(({ isResult }, number) => (isResult ? [number] : []));
  const futures = client.submit(results.map((number) => made[number]));
  try {
    for (const [i, future] of futures.entries()) {
      const number = results[i];
      const { instances } = plan[number];
      const outcome = await within(
        `t${number}`,
        future.fetch().catch((error: unknown) => error),
      );
      const isRight =
        instances === undefined
          ? outcome instanceof TaskFailed && /^t\d+( \[[\d, ]+\])?$/.test(outcome.label ?? "")
          : isSame(instances[0].value, outcome);
      if (!isRight) throw new Error(`t${number} is ${describe(outcome)}\n${describePlan(plan)}`);
    }
  } finally {
    client.release(futures);
  }
}

function taskOf(operation: AnyOperation, inputs: readonly Task[]): Task {
  const bytes = inputs as Task<Buffer>[];
  const lists = inputs as Task<Buffer[]>[];
  switch (operation.op) {
    case "const":
      return tasks.const(operation.bytes);
    case "merge":
      return tasks.merge(bytes, operation.delimiter);
    case "split":
      return tasks.split(bytes[0], operation.delimiter);
    case "size":
      return tasks.size(...inputs);
    case "length":
      return tasks.length(...inputs);
    case "arrayMake":
      return tasks.arrayMake(inputs);
    case "cat":
      return tasks.run("cat", { stdin: bytes[0] });
    case "dslice":
      return tasks.dslice(lists[0]);
    case "dget":
      return tasks.dget(lists[0]);
  }
}

function describePlan(plan: DynamicPlan): string {
  return plan
    .map(({ operation, inputs, instances, isResult }, number) => {
      const { op, ...more } = operation;
      const values = instances?.map(({ value }) => describe(value)).join(" ") ?? "failure";
      const details = Object.values(more).map(describe).join(" ");
      return `t${number}${isResult ? "!" : ""} = ${op}(${inputs}) ${details} -> ${values}`;
    })
    .join("\n");
}

function describe(value: unknown): string {
  if (Buffer.isBuffer(value)) return JSON.stringify(value.toString("latin1").slice(0, 60));
  if (value instanceof Pieces) return `pieces ${describe(value.pieces)}`;
  if (Array.isArray(value)) return `[${value.map(describe).join(", ")}]`;
  return String(value);
}
