/**
 * Which workers could ever execute a shape of tasks, and in words why none could: for refusals,
 * notices and explanations. Whether they have room now is not asked here.
 */
import { describeBytes } from "../base/index.js";
import type { RequestedAmounts } from "../graph/index.js";
import type { Scheduler, TaskShape, WorkerLoad } from "../scheduler/index.js";
import type { CoreState } from "./core-state.js";
import type { SymbolTable } from "./task-kinds.js";

/** Groups of alike workers that are compared; there are hardly ever as many. */
const MAX_COMPARED = 500;

/** Characters of a label or request in a text. */
const MAX_SHOWN = 200;

/** A resource of which a worker has less than a request asks for. */
interface Lack {
  readonly name: string;
  readonly asked: number;
  readonly has: number;
  /** Particular ones that it does not have. */
  readonly missing: readonly string[];
}

/** Number of workers that could execute the shape, now or later. */
export function countAble(scheduler: Scheduler, shape: TaskShape): number {
  return scheduler.index.countAble(shape, scheduler.alive);
}

/** "4 cpus and 0.5 gpus, or else 16 cpus"; "" for one that asks for nothing. */
export function describeRequest(variants: readonly RequestedAmounts[]): string {
  return clipped(variants.map(describeVariant).join(", or else "));
}

/** Users may write as much as they like: a text that begins like it, if it is too long for a line. */
export function clipped(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}...`;
}

function describeVariant({ cpus, amounts }: RequestedAmounts): string {
  const parts = amounts.map(({ name, amount, indices }) =>
    indices.length > 0 ? `${name} ${indices.join(", ")}` : describeAmount(name, amount),
  );
  if (cpus > 0 || parts.length === 0) parts.unshift(describeAmount("cpus", cpus));
  return parts.join(" and ");
}

/** "1 cpu", "2 gpus", "64 GiB mem". */
export function describeAmount(name: string, amount: number): string {
  if (name === "cpus") return `${amount} ${amount === 1 ? "cpu" : "cpus"}`;
  return name === "mem" ? `${describeBytes(amount)} mem` : `${amount} ${name}`;
}

/** Why a worker could never execute the shape; undefined: it could. */
export function reasonNot(
  symbols: SymbolTable,
  { kind, taskType }: TaskShape,
  load: WorkerLoad,
): string | undefined {
  if (!load.offers(taskType)) return `does not offer ${symbols.nameOf(taskType)}`;
  const { variants } = kind;
  if (variants.length === 0) return undefined;
  const lacks = variants.map((variant) => lacksOf(load, variant));
  if (lacks.some((list) => list.length === 0)) return undefined;
  return clipped(`has ${lacks.map(describeLacks).join(", and ")}`);
}

/**
 * Why no connected worker could ever execute the shape, e.g. "no connected worker has 8 gpus: the
 * largest has 2".
 */
export function describeInability(core: CoreState, symbols: SymbolTable, shape: TaskShape): string {
  const { scheduler } = core;
  const type = symbols.nameOf(shape.taskType);
  if (scheduler.alive.length === 0) return "no worker is connected";
  if (!isOffered(scheduler, shape)) {
    const reason = symbols.findReasonNotOffered(shape.taskType);
    return `no connected worker offers the type ${type}${reason === undefined ? "" : ` (${reason})`}`;
  }
  const request = describeRequest(shape.kind.variants);
  return `no connected worker ${limitOf(scheduler, symbols, shape)}has ${request}${describeNearest(core, shape)}`;
}

/** The same as what refuses a plan, to follow the name of a task. */
export function describeRefusal(core: CoreState, symbols: SymbolTable, shape: TaskShape): string {
  const { scheduler } = core;
  if (!isOffered(scheduler, shape)) {
    const reason = symbols.findReasonNotOffered(shape.taskType);
    return `has the type ${symbols.nameOf(shape.taskType)}, which no connected worker offers${reason === undefined ? "" : ` (${reason})`}`;
  }
  const limit = limitOf(scheduler, symbols, shape);
  return `requests ${describeRequest(shape.kind.variants)}, which no connected worker ${limit}has${describeNearest(core, shape)}; start a larger worker or request less`;
}

/** Whether any worker offers the type. */
export function isOffered({ alive }: Scheduler, { taskType }: TaskShape): boolean {
  return alive.some((load) => load.offers(taskType));
}

/** "that offers TYPE ", where others do have what it asks for. */
function limitOf({ alive }: Scheduler, symbols: SymbolTable, shape: TaskShape): string {
  const { variants } = shape.kind;
  const somebodyHas = alive.some((load) => variants.some((variant) => load.couldServe(variant)));
  return somebodyHas ? `that offers ${symbols.nameOf(shape.taskType)} ` : "";
}

/** How far the worker is from it that comes nearest. */
function describeNearest(core: CoreState, shape: TaskShape): string {
  let nearest: { load: WorkerLoad; lacks: Lack[]; share: number } | undefined;
  let compared = 0;
  for (const { example } of core.scheduler.index.alike) {
    if (++compared > MAX_COMPARED) break;
    if (!example.offers(shape.taskType)) continue;
    for (const variant of shape.kind.variants) {
      const lacks = lacksOf(example, variant);
      const share = Math.min(...lacks.map(({ asked, has }) => has / asked));
      const fewer = lacks.length - (nearest?.lacks.length ?? Number.POSITIVE_INFINITY);
      if (fewer < 0 || (fewer === 0 && share > nearest!.share)) {
        nearest = { load: example, lacks, share };
      }
    }
  }
  if (nearest === undefined) return "";
  const { load, lacks } = nearest;
  const { variants } = shape.kind;
  const alone = variants.length === 1 && resourcesOf(variants[0]) === 1 && lacks.length === 1;
  if (alone && lacks[0].missing.length === 0) {
    const [{ name, has }] = lacks;
    const amount = name === "mem" ? describeBytes(has) : has;
    return has === 0 ? ": none has any" : `: the largest has ${amount}`;
  }
  const { address } = core.workers.get(load.index)!;
  return `: the nearest, ${address}, has ${clipped(describeLacks(lacks))}`;
}

function resourcesOf({ cpus, amounts }: RequestedAmounts): number {
  return amounts.length + (cpus > 0 ? 1 : 0);
}

function lacksOf(
  { cpus, resources: { resources } }: WorkerLoad,
  variant: RequestedAmounts,
): Lack[] {
  const lacks: Lack[] = [];
  if (variant.cpus > cpus)
    lacks.push({ name: "cpus", asked: variant.cpus, has: cpus, missing: [] });
  for (const { name, amount, indices } of variant.amounts) {
    const there = resources.find((resource) => resource.name === name);
    const missing = indices.filter((index) => !there?.indices.includes(index));
    const has = there?.amount ?? 0;
    if (has < amount || missing.length > 0) lacks.push({ name, asked: amount, has, missing });
  }
  return lacks;
}

/** "2 of 8 gpus and no gpus 3", to follow "has". */
function describeLacks(lacks: readonly Lack[]): string {
  return lacks
    .map(({ name, asked, has, missing }) => {
      if (missing.length > 0 || has === 0)
        return `no ${[name, missing.join(", ")].join(" ").trim()}`;
      if (name === "mem") return `${describeBytes(has)} of ${describeAmount(name, asked)}`;
      return `${has} of ${describeAmount(name, asked)}`;
    })
    .join(" and ");
}
