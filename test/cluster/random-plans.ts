/**
 * Random plans: how fast-check makes them, and what the model says of them. A plan is submitted
 * in several steps; results are read and released in between. run-plan.ts does that.
 */
import fc from "fast-check";
import {
  bytesOf,
  countOf,
  evaluate,
  Failed,
  isArray,
  type Operation,
  Pieces,
  type Value,
} from "./model.js";

/** A file that `open` opens. */
export interface OpenedFile {
  path: string;
  content: Buffer;
}

export interface PlannedTask {
  number: number;
  operation: Operation;
  /** Numbers of earlier tasks. */
  inputs: number[];
  value: Value | Failed;
  isResult: boolean;
  cpus: number;
}

export interface PlannedStep {
  tasks: PlannedTask[];
  /** Results that are given up right after the step was submitted. */
  releasedEarly: number[];
  /** Results that are read and kept. */
  read: number[];
  /** Results that are given up after that. */
  releasedLate: number[];
}

export type Plan = PlannedStep[];

/** What kind of plans to make. */
export interface PlanOptions {
  files: readonly OpenedFile[];
  /** "few": about one task in thirty is a program, "many": a third. Default "few". */
  programs?: "few" | "many";
  /** Sizes of constants: at most 100 bytes, or up to 300 kB. Default "small". */
  contents?: "small" | "large";
}

const MAX_TASKS = 30;
const MAX_VALUES = 300;
/** Of one value. */
const MAX_BYTES = { small: 20_000, large: 2_000_000 };
/** Of a variable: an argument of a program can't be longer than 128 KiB. */
const MAX_ARGUMENT_BYTES = 10_000;

type OperationName = Exclude<Operation["op"], "cat" | "echo" | "twoFiles" | "exit"> | "program";

/** How often each is chosen. */
const WEIGHTS: Record<OperationName, number> = {
  const: 6,
  merge: 7,
  split: 4,
  slice: 3,
  get: 4,
  size: 2,
  length: 2,
  arrayMake: 4,
  open: 2,
  program: 1,
};
const MANY_PROGRAMS = 16;

const SMALL = ["", "a", "b\n", ",", "a,b\nc", "\n\n", "xyz,", "\0", "\xff,\0\n", "q".repeat(100)];
const LARGE = [
  ...SMALL,
  `${"r".repeat(30_000)},`.repeat(10),
  "s".repeat(70_000),
  "t\n".repeat(100),
];
const DELIMITERS = ["", ",", "\n", "b"];
const LONG_DELIMITER = "<->";

const number = fc.nat(2 ** 20);
const rawTask = (programs: number) =>
  fc.record({
    operation: fc.constantFrom(
      ...Object.entries({ ...WEIGHTS, program: programs }).flatMap(([name, weight]) =>
        Array<OperationName>(weight).fill(name as OperationName),
      ),
    ),
    inputs: fc.array(number, { maxLength: 5 }),
    a: number,
    b: number,
    isResult: fc.boolean(),
  });
const rawStep = (programs: number) =>
  fc.record({
    tasks: fc.array(rawTask(programs), { minLength: 1, maxLength: 15, size: "max" }),
    releasedEarly: fc.array(number, { maxLength: 8 }),
    read: fc.array(number, { maxLength: 2 }),
    releasedLate: fc.array(number, { maxLength: 10 }),
  });
type Made<F> = F extends (programs: number) => fc.Arbitrary<infer T> ? T : never;
type RawTask = Made<typeof rawTask>;
type RawStep = Made<typeof rawStep>;

/** Plans of 1 to 30 tasks in 1 to 4 steps. */
export function randomPlans(options: PlanOptions): fc.Arbitrary<Plan> {
  const programs = options.programs === "many" ? MANY_PROGRAMS : WEIGHTS.program;
  return fc
    .array(rawStep(programs), { minLength: 1, maxLength: 4, size: "max" })
    .map((steps) => new Planner(options).plan(steps));
}

/** Turns raw numbers into a plan that makes sense; evaluates it on the way. */
class Planner {
  private readonly all: PlannedTask[] = [];

  constructor(private readonly options: PlanOptions) {}

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
      (bytesOf(value).length > MAX_BYTES[this.options.contents ?? "small"] ||
        countOf(value) > MAX_VALUES);
    if (tooMuch) {
      this.add({ ...raw, operation: "const" });
      return;
    }
    // Built-in tasks with cores too: they are scheduled like programs.
    const cpus = raw.b % 13 === 0 ? 1 + (raw.b % 2) : 0;
    this.all.push({ number, operation, inputs, value, isResult: raw.isResult, cpus });
  }

  private constant({ a, b }: RawTask): Operation {
    const contents = this.options.contents === "large" ? LARGE : SMALL;
    const text = b % 3 === 0 ? `${a} ${b}\n` : contents[a % contents.length];
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
        return [{ op: "open", ...this.options.files[a % this.options.files.length] }, []];
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
    const argument = (value: Value) =>
      !isArray(value) && bytesOf(value).length < MAX_ARGUMENT_BYTES && !bytesOf(value).includes(0);
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
    // Half of the time one of the last: plans get deep as well as wide.
    const few = choice & 2 ? candidates.slice(-3) : candidates;
    return few[(choice >> 2) % few.length]?.number;
  }
}

function lengthOf(value: Pieces | readonly Value[]): number {
  return value instanceof Pieces ? value.pieces.length : value.length;
}
