/**
 * Random plans of functions in both languages, programs and built-in tasks, with what they give: said a
 * second time, in plain TypeScript, one task after the other. Owns the operations and which of
 * them can be applied to what; run-random-plan.ts executes them.
 */
import fc from "fast-check";

/** A value of a language. */
export class Wrapped {
  constructor(
    readonly language: "js" | "py",
    readonly text: string,
  ) {}
}

/** Some tasks fail by themselves; this one fails as well. */
export class Failed {
  /** @param causes numbers of the tasks that fail by themselves */
  constructor(readonly causes: ReadonlySet<number>) {}
}

/** Text is ASCII: as long in bytes as in characters. */
export type Value = string | Wrapped | readonly Value[];

export const OPERATIONS = [
  "const",
  "merge",
  "get",
  "size",
  "arrayMake",
  "cat",
  "jsUpper",
  "pyUpper",
  "jsReverse",
  "pyReverse",
  "jsJoin",
  "pyJoin",
  "jsRepeat",
  "pyRepeat",
  "jsPair",
  "pyPair",
  "jsPick",
  "pyPick",
  "jsWrap",
  "pyWrap",
  "jsUnwrap",
  "pyUnwrap",
  "jsRedirect",
  "pyRedirect",
  "jsTwice",
  "pyTwice",
  "jsFail",
  "pyFail",
] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface PlannedTask {
  readonly number: number;
  readonly operation: Operation;
  readonly inputs: readonly number[];
  /** Its meaning depends on the operation: what is repeated how often, picked, ... */
  readonly argument: number;
  readonly cpus: number;
  readonly value: Value | Failed;
  readonly isResult: boolean;
}

/** Submitted one after the other; later ones use futures of earlier ones. */
export interface Step {
  readonly tasks: readonly PlannedTask[];
  /** Results that are released, without being read, as soon as the step is submitted. */
  readonly released: readonly number[];
}
export type Plan = readonly Step[];

/** The value; undefined if the task fails. */
function evaluate(
  operation: Operation,
  inputs: readonly Value[],
  argument: number,
): Value | undefined {
  const [first] = inputs;
  const text = first as string;
  const texts = inputs as readonly string[];
  switch (operation) {
    case "const":
      return constant(argument);
    case "merge":
    case "jsJoin":
    case "pyJoin":
      return texts.join(",");
    case "get":
    case "jsPick":
    case "pyPick":
      return (first as readonly Value[])[argument];
    case "size":
      return `${texts.reduce((sum, one) => sum + one.length, 0)}`;
    case "arrayMake":
      return inputs;
    case "cat":
      return text;
    case "jsUpper":
    case "pyUpper":
      return text.toUpperCase();
    case "jsReverse":
    case "pyReverse":
      return [...text].reverse().join("");
    case "jsRepeat":
    case "pyRepeat":
      return text.repeat(argument);
    case "jsPair":
    case "pyPair":
      return [inputs[1], ["in between"], first];
    case "jsWrap":
      return new Wrapped("js", text);
    case "pyWrap":
      return new Wrapped("py", text);
    case "jsUnwrap":
    case "pyUnwrap":
      return (first as Wrapped).text;
    case "jsRedirect":
    case "pyRedirect":
      return `${text}|${argument}`;
    case "jsTwice":
    case "pyTwice":
      return [text.toUpperCase(), text];
    case "jsFail":
    case "pyFail":
      return undefined;
  }
}

function constant(argument: number): string {
  return `Text ${argument} `.repeat(1 + (argument % 5));
}

/** Longer ones are not made longer still. */
const MAX_LENGTH = 300_000;

interface RawTask {
  readonly operation: number;
  readonly a: number;
  readonly b: number;
  readonly isResult: boolean;
}

export function randomPlans(maxTasks = 30): fc.Arbitrary<Plan> {
  const task = fc.record({
    operation: fc.nat(OPERATIONS.length - 1),
    a: fc.nat(2 ** 20),
    b: fc.nat(2 ** 20),
    isResult: fc.boolean(),
  });
  const step = fc.record({
    tasks: fc.array(task, { minLength: 1, maxLength: maxTasks, size: "max" }),
    released: fc.nat(2 ** 20),
  });
  return fc
    .array(step, { minLength: 1, maxLength: 3, size: "max" })
    .map((steps) => new Planner().plan(steps));
}

class Planner {
  private readonly all: PlannedTask[] = [];

  plan(steps: readonly { tasks: readonly RawTask[]; released: number }[]): Plan {
    return steps.map(({ tasks, released }) => {
      const start = this.all.length;
      for (const raw of tasks) this.add(raw);
      const added = this.all.slice(start);
      const results = added.filter(({ isResult }) => isResult).map(({ number }) => number);
      // One in four plans lets go of some.
      const few =
        released % 4 === 0 ? results.filter((number) => (number + released) % 3 === 0) : [];
      return { tasks: added, released: few };
    });
  }

  private add(raw: RawTask): void {
    const number = this.all.length;
    const wanted = OPERATIONS[raw.operation];
    const inputs = this.inputsFor(wanted, raw);
    const operation = inputs === undefined ? "const" : wanted;
    const given = (inputs ?? []).map((input) => this.all[input].value);
    const argument = this.argumentFor(operation, raw, given[0]);
    const failed = given.filter((value) => value instanceof Failed);
    const value =
      failed.length > 0
        ? new Failed(new Set(failed.flatMap(({ causes }) => [...causes])))
        : (evaluate(operation, given as Value[], argument) ?? new Failed(new Set([number])));
    this.all.push({
      number,
      operation,
      inputs: inputs ?? [],
      argument,
      cpus: /^(js|py)/.test(operation) ? [1, 1, 0, 2][raw.b % 4] : 0,
      value,
      // A client that is not Python's can't have it.
      isResult: raw.isResult && !containsPython(value),
    });
  }

  private inputsFor(operation: Operation, { a, b }: RawTask): number[] | undefined {
    const isText = (value: Value) => typeof value === "string";
    const pick = (wanted: (value: Value) => boolean, choice = a) => {
      const found = this.pick(choice, wanted);
      return found === undefined ? undefined : [found];
    };
    const several = (wanted: (value: Value) => boolean) => {
      const count = 1 + (a % 4);
      return Array.from({ length: count }, (_, i) => this.pick(a * 31 + b * i, wanted)).filter(
        (one) => one !== undefined,
      );
    };
    switch (operation) {
      case "const":
        return [];
      case "merge":
      case "size":
      case "jsJoin":
      case "pyJoin": {
        const inputs = several(isText);
        return this.length(inputs) > MAX_LENGTH ? undefined : inputs;
      }
      case "arrayMake":
        return several(() => true);
      case "get":
      case "jsPick":
      case "pyPick":
        return pick((value) => Array.isArray(value) && value.length > 0);
      case "jsPair":
      case "pyPair": {
        const [first, second] = [this.pick(a, () => true), this.pick(b, () => true)];
        return first === undefined || second === undefined ? undefined : [first, second];
      }
      case "jsUnwrap":
        return pick((value) => value instanceof Wrapped && value.language === "js");
      case "pyUnwrap":
        return pick((value) => value instanceof Wrapped && value.language === "py");
      case "jsFail":
      case "pyFail":
        // Not too many: everything behind one fails.
        return b % 4 === 0 ? pick(isText) : undefined;
      default:
        return pick(isText);
    }
  }

  private argumentFor(
    operation: Operation,
    { a, b }: RawTask,
    first: Value | Failed | undefined,
  ): number {
    if (/Pick|get/.test(operation)) return Array.isArray(first) ? b % first.length : 0;
    if (/Repeat/.test(operation)) {
      const length = typeof first === "string" ? Math.max(1, first.length) : 1;
      const times = b % 3 === 0 ? Math.ceil(100_000 / length) : 1 + (b % 4);
      return length * times > MAX_LENGTH ? 1 : times;
    }
    return a % 1000;
  }

  private length(inputs: readonly number[]): number {
    return inputs.reduce((sum, input) => {
      const { value } = this.all[input];
      return sum + (typeof value === "string" ? value.length : 0);
    }, 0);
  }

  /** An earlier task with such a value, seldom one that fails. */
  private pick(choice: number, wanted: (value: Value) => boolean): number | undefined {
    const failedToo = choice % 10 === 0;
    const candidates = this.all.filter(({ value }) =>
      value instanceof Failed ? failedToo : wanted(value),
    );
    const few = choice & 2 ? candidates.slice(-3) : candidates;
    return few[(choice >> 2) % few.length]?.number;
  }
}

function containsPython(value: Value | Failed): boolean {
  if (value instanceof Wrapped) return value.language === "py";
  return Array.isArray(value) && value.some(containsPython);
}
