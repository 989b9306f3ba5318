/**
 * Finds the dynamic part of a plan that comes in, and what can't be in one. Called by submit.ts
 * before anything is put into the table.
 */
import { builtinSymbol, type PlanColumns, PlanTaskFlag } from "../../protocol/index.js";
import type { Collector, Copies, Crossing, DynamicPlan, Source } from "./dynamic-plan.js";
import { IndexSpace } from "./index-space.js";

export const DSLICE = builtinSymbol("loom/scheduler/dslice");
export const DGET = builtinSymbol("loom/scheduler/dget");
const ARRAY_MAKE = builtinSymbol("loom/array/make");

/** A plan that nests deeper is no use: each level multiplies the number of tasks. */
const MAX_SOURCES = 16;

/** Why a plan can't be accepted; `problem` goes on after the name of the task, given by its index. */
export interface DynamicProblem {
  readonly task: number;
  readonly problem: string;
}

/**
 * Undefined: the plan has no dslice or dget.
 * @param checkpoints the tasks, by index, that are not executed but read from a file
 */
export function findDynamicPart(
  columns: PlanColumns,
  checkpoints: ReadonlyMap<number, unknown>,
): DynamicPlan | DynamicProblem | undefined {
  const { taskType } = columns;
  if (!taskType.includes(DSLICE) && !taskType.includes(DGET)) return undefined;
  const finder = new Finder(columns);
  for (let i = 0; i < columns.taskCount; i++) {
    const problem = checkpoints.has(i) ? undefined : finder.add(i);
    if (problem !== undefined) return { task: i, problem };
  }
  return finder.finish();
}

class Finder {
  private readonly sources: Source[] = [];
  private readonly sourceOf = new Map<number, Source>();
  private readonly templates = new Map<number, Copies>();
  private readonly values = new Map<number, Copies>();
  private readonly collectors = new Map<number, Collector>();
  private readonly incoming = new Map<number, Crossing[]>();
  /** By the numbers of their sources. */
  private readonly spaces = new Map<string, IndexSpace>();
  /** By their content, so that equal ones are one. */
  private readonly orders = new Map<string, readonly number[]>();
  /** Of the task that is looked at: what dynamic inputs it has, each once. */
  private readonly inputs = new Set<Copies>();

  constructor(private readonly columns: PlanColumns) {}

  /** Looks at the next task; returns what is wrong with it. */
  add(i: number): string | undefined {
    const type = this.columns.taskType[i];
    const order = this.readInputs(i);
    const isSource = type === DSLICE || type === DGET;
    if (order.length > 0 && type === ARRAY_MAKE) {
      this.addCollector(i);
      return undefined;
    }
    if (order.length === 0 && !isSource) return undefined;
    const problem = this.problemWith(i, isSource, order.length + (isSource ? 1 : 0));
    if (problem !== undefined) return problem;
    const template = order.length === 0 ? undefined : this.addTemplate(i, order);
    if (isSource) this.addSource(i, type === DSLICE, order, template);
    else this.values.set(i, template!);
    return undefined;
  }

  finish(): DynamicPlan {
    const spaces = [...this.spaces.values()].sort((a, b) => a.depth - b.depth);
    const bySource = this.sources.map((): IndexSpace[] => []);
    for (const space of spaces) for (const source of space.sources) bySource[source].push(space);
    this.sources.forEach((source, number) => {
      source.spaces = bySource[number];
    });
    const { sources, sourceOf, templates, values, collectors, incoming } = this;
    const coordinates = new Int32Array(sources.length);
    return {
      ...{ sources, sourceOf, templates, values, collectors, incoming },
      ...{ spaces, batches: [], coordinates },
    };
  }

  /** Sets `inputs`; returns the sources that the task is downstream of, in the order of its inputs. */
  private readInputs(i: number): readonly number[] {
    const { inputStart, inputIds, idBase } = this.columns;
    const { inputs } = this;
    inputs.clear();
    let order: readonly number[] = [];
    for (let k = inputStart[i]; k < inputStart[i + 1]; k++) {
      const input = inputIds[k] - idBase;
      const value = input < 0 ? undefined : this.values.get(input);
      if (value === undefined || inputs.has(value)) continue;
      inputs.add(value);
      if (value.order === order) continue;
      order = order.length === 0 ? value.order : this.intern([...order, ...value.order]);
    }
    return order;
  }

  private problemWith(i: number, isSource: boolean, depth: number): string | undefined {
    const { flags, inputStart } = this.columns;
    if (isSource && inputStart[i + 1] - inputStart[i] !== 1) {
      return `is a dslice or dget with ${inputStart[i + 1] - inputStart[i]} inputs; it takes one`;
    }
    const what = isSource
      ? "is a dslice or dget, which stands for several objects"
      : "depends on a dslice or dget and is executed once for each of its elements";
    if (flags[i] & PlanTaskFlag.result) {
      return `${what}: it can't be a result; collect with loom/array/make and ask for that`;
    }
    if (flags[i] & PlanTaskFlag.checkpoint) return `${what}: it can't have a checkpoint`;
    if (depth <= MAX_SOURCES) return undefined;
    return `depends on ${depth} dslices and dgets at once, the limit is ${MAX_SOURCES}`;
  }

  private addTemplate(i: number, order: readonly number[]): Copies {
    const template = this.copies(i, false, order);
    this.templates.set(i, template);
    for (const input of this.inputs) this.cross(input, i, template.space);
    return template;
  }

  private addSource(
    i: number,
    isSlice: boolean,
    order: readonly number[],
    template: Copies | undefined,
  ): void {
    const number = this.sources.length;
    const elements = this.copies(i, true, this.intern([...order, number]));
    const source = { number, task: i, isSlice, elements, spaces: [] };
    this.sources.push(source);
    this.sourceOf.set(i, source);
    this.values.set(i, elements);
    if (template === undefined) return;
    // A copied source is needed until it has been expanded.
    this.cross(template, i, elements.space);
  }

  private addCollector(i: number): void {
    const spaces = new Set<IndexSpace>();
    for (const input of this.inputs) {
      this.cross(input, i, undefined);
      spaces.add(input.space);
    }
    const collector = { task: i, pending: true, missing: spaces.size };
    this.collectors.set(i, collector);
    for (const space of spaces) space.collectors.push(collector);
  }

  private copies(task: number, isElement: boolean, order: readonly number[]): Copies {
    const space = this.space(order);
    const copies = { task, isElement, space, order, firstRows: [], outgoing: [] };
    space.members.push(copies);
    return copies;
  }

  /** Copies of one space are connected by edges as soon as they are made. */
  private cross(from: Copies, to: number, space: IndexSpace | undefined): void {
    if (from.space === space) return;
    const crossing = { from, to, space };
    from.outgoing.push(crossing);
    const others = this.incoming.get(to);
    if (others === undefined) this.incoming.set(to, [crossing]);
    else others.push(crossing);
    if (space === undefined) return;
    // All levels but the last: each copy of `from` is used for one block only.
    const isPrefix =
      from.space.depth === space.depth - 1 && !hasLevel(from.space, space.lastSource);
    (isPrefix ? space.immediate : space.late).push(crossing);
  }

  private space(order: readonly number[]): IndexSpace {
    const sources = [...order].sort((a, b) => a - b);
    const key = sources.join();
    let space = this.spaces.get(key);
    if (space === undefined) {
      space = new IndexSpace(sources);
      this.spaces.set(key, space);
    }
    return space;
  }

  /** The list without repetitions, always the same array for the same list. */
  private intern(numbers: readonly number[]): readonly number[] {
    const order = [...new Set(numbers)];
    const key = order.join();
    const known = this.orders.get(key);
    if (known !== undefined) return known;
    this.orders.set(key, order);
    return order;
  }
}

function hasLevel(space: IndexSpace, source: number): boolean {
  return space.sources.includes(source);
}
