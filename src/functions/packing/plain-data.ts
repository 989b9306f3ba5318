/**
 * What can travel as a value: plain data, to any depth, cyclic or not. Owns the judgement and
 * how messages name what can't; used for captured variables and direct arguments.
 */
import { types } from "node:util";
import { isTaskInput, notPortable, Task } from "../../graph/index.js";
import { jsTaskSymbol } from "../js-task-symbol.js";

/** Something in a value that can't travel. */
export interface Obstacle {
  /** From the value, e.g. `.options.onDone` or `[3]`; "" is the value itself. */
  readonly path: string;
  /** What it is, e.g. "a function". */
  readonly what: string;
}

/**
 * The first thing in `value` that can't travel; undefined if all of it can.
 * @param classInstances whether those are taken, as plain objects of their own properties
 */
export function findObstacle(value: unknown, classInstances: boolean): Obstacle | undefined {
  if (isSimple(value)) return undefined;
  const seen = new Set<unknown>();
  // A stack of its own: lists may be a million long and deep.
  const open: { value: unknown; path: string }[] = [{ value, path: "" }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value: part, path } = next;
    if (isSimple(part) || seen.has(part)) continue;
    seen.add(part);
    const what = whatStops(part, classInstances);
    if (what !== undefined) return { path, what };
    for (const [key, inner] of partsOf(part as object)) {
      if (!isSimple(inner)) open.push({ value: inner, path: path + key });
    }
  }
  return undefined;
}

function isSimple(value: unknown): boolean {
  return value === null || !["object", "function", "symbol"].includes(typeof value);
}

function whatStops(value: unknown, classInstances: boolean): string | undefined {
  if (typeof value !== "object" || value === null) return describeValue(value);
  if (isTaskInput(value) || notPortable in value) return describeValue(value);
  if (isContainer(value) || isLeaf(value)) return undefined;
  if (isPlainObject(value)) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  const own = types.isProxy(value) || types.isExternal(value) || isUncloneable(value);
  return classInstances && !own && prototype !== null ? undefined : describeValue(value);
}

function isContainer(value: object): boolean {
  return Array.isArray(value) || types.isMap(value) || types.isSet(value);
}

function isLeaf(value: object): boolean {
  return (
    types.isDate(value) ||
    types.isRegExp(value) ||
    ArrayBuffer.isView(value) ||
    types.isArrayBuffer(value) ||
    (types.isNativeError(value) &&
      /^(|Eval|Range|Reference|Syntax|Type|URI)Error$/.test(classOf(value))) ||
    (types.isBoxedPrimitive(value) && !types.isSymbolObject(value))
  );
}

function isUncloneable(value: object): boolean {
  return (
    types.isPromise(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    types.isGeneratorObject(value) ||
    types.isModuleNamespaceObject(value) ||
    types.isSharedArrayBuffer(value) ||
    value instanceof WeakRef
  );
}

/** Of any context: vm's objects have another Object.prototype. */
function isPlainObject(value: object): boolean {
  if (types.isProxy(value) || types.isModuleNamespaceObject(value)) return false;
  if (isUncloneable(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === null ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "valueOf"))
  );
}

function* partsOf(value: object): Generator<[key: string, part: unknown]> {
  if (types.isMap(value)) {
    for (const [key, inner] of value) {
      yield [" (a key of its Map)", key];
      yield [isSimple(key) ? `.get(${JSON.stringify(String(key))})` : ".get(...)", inner];
    }
  } else if (types.isSet(value)) {
    for (const inner of value) yield [" (an element of its Set)", inner];
  } else if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) yield [`[${i}]`, value[i]];
  } else if (!ArrayBuffer.isView(value) && !types.isArrayBuffer(value)) {
    for (const key of Object.keys(value)) {
      yield [
        /^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
        readProperty(value, key),
      ];
    }
  }
}

function readProperty(value: object, key: string): unknown {
  return (value as Record<string, unknown>)[key];
}

/** What messages call it: "a function", "an instance of Socket", "a task", ... */
export function describeValue(value: unknown): string {
  if (typeof value === "function") {
    if (jsTaskSymbol in value) return "made by jsTask";
    return /^class\b/.test(Function.prototype.toString.call(value)) ? "a class" : "a function";
  }
  if (typeof value === "symbol") return "a symbol";
  if (typeof value !== "object" || value === null) return `a ${typeof value}`;
  if (notPortable in value) return String(value[notPortable]);
  if (value instanceof Task) return "a task";
  if (isTaskInput(value)) return "id" in value ? "a future" : "data of a running function";
  if (types.isProxy(value)) return "a Proxy";
  if (types.isModuleNamespaceObject(value)) return "an imported module";
  const name = classOf(value);
  if (name === "") return "an object with a prototype of its own";
  return name === "Object" ? "an object" : `an instance of ${name}`;
}

function classOf(value: object): string {
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name;
  return typeof name === "string" ? name : "";
}
