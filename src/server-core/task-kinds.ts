/**
 * What each task of a plan asks for, as classes of the scheduler: reads requests, labels and
 * priorities, and refuses what makes no sense. What amounts are valid is in graph; which workers
 * could execute what, in ability.ts. Called by submit.ts.
 */
import { addUpAmounts, findResourceName, type RequestedAmounts } from "../graph/index.js";
import {
  builtinSymbol,
  decodeTaskMessage,
  type PlanColumns,
  type PlanResource,
  type PlanResourceRequest,
  PlanTaskFlag,
  Unsatisfiable,
} from "../protocol/index.js";
import type { RequestKind, TaskClass, TaskShape } from "../scheduler/index.js";
import { countAble, describeRefusal, isOffered } from "./ability.js";
import type { CoreState } from "./core-state.js";

const CPUS = builtinSymbol("loom/resource/cpus");
const COLON = 58;
/** A longer label is not told from others that begin alike. */
const MAX_LABEL_BYTES = 64;

/** Why a plan was refused. */
export interface PlanRefusal {
  /** The task at fault, if it is one. */
  readonly taskId: number | undefined;
  readonly message: string;
}

/** What is asked about symbols. */
export interface SymbolTable {
  /** Whether the number is that of a task type. */
  isTaskType(symbol: number): boolean;
  /** The symbol's name, or its number in words when there is none. */
  nameOf(symbol: number): string;
  /** Why workers that could offer tasks of this type do not; undefined: nothing is known. */
  findReasonNotOffered(symbol: number): string | undefined;
}

/** The class of each task of a plan that is accepted. */
export interface PlanClasses {
  readonly classes: Uint16Array;
  /** All of these: held for the plan, which is to release them. */
  readonly held: Set<TaskClass>;
  /** Shapes that none of the workers present could execute: they wait for one that can. */
  readonly unableShapes: ReadonlySet<TaskShape>;
}

/** The class of each task, or a refusal. */
export function findClasses(
  core: CoreState,
  symbols: SymbolTable,
  columns: PlanColumns,
): PlanClasses | PlanRefusal {
  const { classes, kinds } = core.scheduler;
  const held = new Set<TaskClass>();
  const found = findAndHold(core, symbols, columns, held);
  if ("message" in found) for (const taskClass of held) classes.release(taskClass);
  // Requests and labels that no class came to have are forgotten.
  classes.labels.settle();
  kinds.settle();
  return found;
}

function findAndHold(
  core: CoreState,
  symbols: SymbolTable,
  columns: PlanColumns,
  held: Set<TaskClass>,
): PlanClasses | PlanRefusal {
  const { taskCount, taskType, request, requests, idBase, priority } = columns;
  const { classes: known, kinds } = core.scheduler;
  const classes = new Uint16Array(taskCount);
  const labels = new PlanLabelReader(columns, (text) => known.label(text));
  const found = new Map<number, number>();
  const kindOf: (RequestKind | undefined)[] = [];
  const unableShapes = new Set<TaskShape>();
  for (let i = 0; i < taskCount; i++) {
    const type = taskType[i];
    const label = labels.of(i);
    const userPriority = priority === undefined ? 0 : priority[i];
    const problem = (text: string): PlanRefusal => ({
      taskId: idBase + i,
      message: `${nameOf(columns, i)} ${text}`,
    });
    // No type has more than 16 bits; such a number could make the key of another one.
    const regular = type >>> 16 === 0;
    const key = (((request[i] + 1) * 65536 + type) * 8192 + label) * 256 + userPriority + 128;
    let index = regular && key <= Number.MAX_SAFE_INTEGER ? found.get(key) : undefined;
    if (index === undefined) {
      if (!symbols.isTaskType(type)) {
        return problem(`has the unknown task type ${symbols.nameOf(type)}; see the dictionary`);
      }
      if (request[i] < -1 || request[i] >= requests.length) {
        return problem(`has resource request ${request[i]}, the plan has ${requests.length}`);
      }
      let kind = request[i] < 0 ? kinds.list[0] : kindOf[request[i]];
      if (kind === undefined) {
        const variants = variantsOf(requests[request[i]], symbols);
        if (typeof variants === "string") return problem(variants);
        kind = kinds.findIfRoom(variants);
        if (kind !== undefined) kindOf[request[i]] = kind;
      }
      const taskClass = kind && known.findOrCoarser(kind, type, label, userPriority);
      if (taskClass === undefined) {
        return problem(
          "has one more resource request than this server can tell apart at once; wait for others to be done, or round the amounts that are requested",
        );
      }
      if (!held.has(taskClass)) {
        held.add(taskClass);
        known.hold(taskClass);
      }
      const { shape } = taskClass;
      // No workers: they may come.
      if (core.scheduler.alive.length > 0 && countAble(core.scheduler, shape) === 0) {
        if (mustRefuse(core, shape, columns.whenUnsatisfiable)) {
          return problem(describeRefusal(core, symbols, shape));
        }
        unableShapes.add(shape);
      }
      index = taskClass.index;
      found.set(key, index);
    }
    classes[i] = index;
  }
  return { classes, held, unableShapes };
}

/** How refusals name task `i` of the plan. */
export function nameOf(columns: PlanColumns, i: number): string {
  const task = `task ${columns.idBase + i}`;
  if (!(columns.flags[i] & PlanTaskFlag.label)) return task;
  return `${task} ${JSON.stringify(decodeTaskMessage(columns, i).label)}`;
}

/** The variants of a request; a text: what is wrong with it. Cpus 0 alone: none, a light task. */
function variantsOf(
  request: PlanResourceRequest,
  symbols: SymbolTable,
): RequestedAmounts[] | string {
  const variants: RequestedAmounts[] = [];
  for (const { resources, alternatives } of [request, ...request.alternatives]) {
    if (variants.length > 0 && alternatives.length > 0) {
      return "has a request whose alternatives have alternatives; list all of them in one";
    }
    const variant = variantOf(resources, symbols);
    if (typeof variant === "string") return variant;
    if (variant.cpus === 0 && variant.amounts.length === 0) {
      if (request.alternatives.length === 0) return [];
      return "has a request with an alternative that asks for nothing; leave out the request instead";
    }
    variants.push(variant);
  }
  return variants;
}

function variantOf(
  resources: readonly PlanResource[],
  symbols: SymbolTable,
): RequestedAmounts | string {
  const entries: { name: string; value: number; indices: readonly string[] }[] = [];
  for (const { symbol, name: given, value, indices } of resources) {
    const name = given ?? (symbol === CPUS ? "cpus" : findResourceName(symbols.nameOf(symbol)));
    if (name === undefined) {
      return `requests the unknown resource ${symbols.nameOf(symbol)}`;
    }
    entries.push({ name, value, indices });
  }
  const sum = addUpAmounts(entries);
  if (typeof sum !== "string") return sum;
  // Of tasks it is said in one word, as of what no worker has.
  return sum.startsWith("asks for ")
    ? sum.replace("asks for", "requests")
    : `has a request that ${sum}`;
}

/**
 * Whether a plan with tasks that none of the workers present could execute is refused: always where
 * that is wished; where nothing is said, only if nobody offers their type.
 */
function mustRefuse({ scheduler }: CoreState, shape: TaskShape, when: number): boolean {
  if (when !== Unsatisfiable.default) return when === Unsatisfiable.refuse;
  return !isOffered(scheduler, shape);
}

/** Numbers of labels. Neighbours mostly have the same: their bytes are compared, nothing is decoded. */
class PlanLabelReader {
  private lastStart = 0;
  private lastLength = 0;
  private last = 0;

  constructor(
    private readonly columns: PlanColumns,
    private readonly numberOf: (text: string) => number,
  ) {}

  of(i: number): number {
    const { bytes, labelStart, labelLength } = this.columns;
    if (labelStart === undefined || labelLength === undefined || labelLength[i] === 0) return 0;
    const start = labelStart[i];
    const length = prefixLength(bytes, start, Math.min(labelLength[i], MAX_LABEL_BYTES));
    if (length === this.lastLength) {
      let same = 0;
      while (same < length && bytes[start + same] === bytes[this.lastStart + same]) same++;
      if (same === length) return this.last;
    }
    this.lastStart = start;
    this.lastLength = length;
    this.last = this.numberOf(new TextDecoder().decode(bytes.subarray(start, start + length)));
    return this.last;
  }
}

/** What of a label tells its class from others. */
export function classifiedPart(label: string): string {
  const bytes = new TextEncoder().encode(label);
  const length = prefixLength(bytes, 0, Math.min(bytes.length, MAX_LABEL_BYTES));
  return new TextDecoder().decode(bytes.subarray(0, length));
}

/** Bytes before the first ":". */
function prefixLength(bytes: Uint8Array, start: number, length: number): number {
  for (let k = 0; k < length; k++) if (bytes[start + k] === COLON) return k;
  return length;
}
