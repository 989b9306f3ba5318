/**
 * What dynamic plans mean, said a second time and as simply as possible: a task has one value, or one
 * for each combination of elements that it depends on; arrays take all of them.
 */
import type { TestTask } from "./fake-cluster.js";
import { partOf, shortened } from "./symbolic-values.js";

export const ARRAY = 13;
export const DSLICE = 17;
export const DGET = 18;

/** A value, and of which element of each dslice and dget (by task) it was made. */
export interface Instance {
  readonly elements: ReadonlyMap<number, number>;
  readonly value: string;
}

export interface ModelOptions {
  lengthOf(value: string): number;
  /** How many slices the dslice made of the value. */
  slicesOf(task: number, value: string): number;
}

/** Values of all tasks, by id; undefined: the task fails, or one that it needs. */
export function evaluatePlan(
  tasks: readonly TestTask[],
  options: ModelOptions,
): (readonly Instance[] | undefined)[] {
  const values: (readonly Instance[] | undefined)[] = [];
  tasks.forEach(({ type, inputs }, id) => {
    const given = inputs.map((input) => values[input]);
    if (given.includes(undefined)) values.push(undefined);
    else if (type === ARRAY) values.push([makeArray(id, given as Instance[][])]);
    else if (type === DSLICE) values.push(slices(id, given[0]!, options));
    else if (type === DGET) values.push(gets(id, given[0]!, options));
    else values.push(combine(id, given as Instance[][]));
  });
  return values;
}

function makeArray(id: number, inputs: readonly (readonly Instance[])[]): Instance {
  const values = inputs.flatMap((input) => input.map(({ value }) => value));
  return { elements: new Map(), value: shortened(`${id}(${values.join(",")})`) };
}

function slices(id: number, input: readonly Instance[], options: ModelOptions): Instance[] {
  return input.flatMap(({ elements, value }) => {
    const length = options.lengthOf(value);
    const count = options.slicesOf(id, value);
    return Array.from({ length: count }, (_, i) => ({
      elements: new Map(elements).set(id, i),
      value: partOf(
        value,
        Math.floor((i * length) / count),
        Math.floor(((i + 1) * length) / count),
      ),
    }));
  });
}

function gets(
  id: number,
  input: readonly Instance[],
  options: ModelOptions,
): Instance[] | undefined {
  if (input.some(({ value }) => options.lengthOf(value) === 0)) return undefined;
  return input.flatMap(({ elements, value }) =>
    Array.from({ length: options.lengthOf(value) }, (_, i) => ({
      elements: new Map(elements).set(id, i),
      value: partOf(value, i),
    })),
  );
}

/** One value for each combination that is made of the same elements; the first input varies slowest. */
function combine(id: number, inputs: readonly (readonly Instance[])[]): Instance[] {
  let combinations: { elements: Map<number, number>; values: string[] }[] = [
    { elements: new Map(), values: [] },
  ];
  for (const input of inputs) {
    combinations = combinations.flatMap((combination) =>
      input
        .filter(({ elements }) =>
          [...elements].every(([of, i]) => (combination.elements.get(of) ?? i) === i),
        )
        .map(({ elements, value }) => ({
          elements: new Map([...combination.elements, ...elements]),
          values: [...combination.values, value],
        })),
    );
  }
  return combinations.map(({ elements, values }) => ({
    elements,
    value: shortened(`${id}(${values.join(",")})`),
  }));
}
