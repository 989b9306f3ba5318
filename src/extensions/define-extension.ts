/**
 * `defineExtension`: what the module of an extension exports. Owns the checks of a definition. Called
 * by extensions, and once more by load-extensions.ts.
 */
import { LoomError } from "../base/index.js";
import type { DataTypeDefinition, ExtensionDefinition, TaskTypeDefinition } from "./definition.js";

/** Marks what defineExtension gives, whichever copy of HyperLoom made it. */
const extensionMark: unique symbol = Symbol.for("hyperloom.extension") as never;

const PART = /^[A-Za-z0-9_.-]+$/;
const NAME = /^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/;
const NAME_RULE = "letters, digits, _, . and - only";
const RESERVED_PREFIX = "loom";

const MEMBERS = ["prefix", "taskTypes", "dataTypes"];
const TASK_TYPE_MEMBERS = ["run", "pool"];
const NEEDED_FUNCTIONS = ["serialize", "deserialize"];
const OPTIONAL_FUNCTIONS = ["size", "length", "get", "slice", "toBytes"];

/** What `defineExtension` gives, for the module's default export. */
export interface Extension {
  readonly prefix: string;
  /** By symbol. @internal */
  readonly taskTypes: ReadonlyMap<string, TaskTypeDefinition>;
  /** By symbol. @internal */
  readonly dataTypes: ReadonlyMap<string, DataTypeDefinition>;
  /** @internal */
  readonly [extensionMark]: true;
}

/**
 * Defines task types and data types that a worker gets with `loom worker --extension MODULE`; the
 * module exports the extension as its default.
 * @throws LoomError("usage") naming what is wrong with the definition
 * @example
 * export default defineExtension({
 *   prefix: "my",
 *   taskTypes: {
 *     // new Task({ type: "my/count", inputs: [data], config: "e" })
 *     count: {
 *       run({ inputs: [data], config }) {
 *         let count = 0;
 *         for (const byte of data.bytes()) if (byte === config[0]) count++;
 *         return String(count);
 *       },
 *     },
 *   },
 * });
 */
export function defineExtension<V extends object>(definition: ExtensionDefinition<V>): Extension {
  if (!isRecord(definition)) throw wrong("the definition", `is ${kindOf(definition)}, no object`);
  const { prefix } = definition as { prefix: unknown };
  if (typeof prefix !== "string" || !PART.test(prefix)) {
    throw wrong("the prefix", `is ${shown(prefix)}; it must be text with ${NAME_RULE}`);
  }
  const name = `extension "${prefix}"`;
  if (prefix === RESERVED_PREFIX) {
    throw wrong(name, `uses the prefix "loom", which is reserved for HyperLoom; choose another`);
  }
  checkMembers(name, definition, MEMBERS);
  const taskTypes = bySymbol<TaskTypeDefinition>(name, prefix, "taskTypes", definition.taskTypes);
  const dataTypes = bySymbol<DataTypeDefinition>(name, prefix, "dataTypes", definition.dataTypes);
  for (const [symbol, taskType] of taskTypes) checkTaskType(symbol, taskType);
  for (const [symbol, dataType] of dataTypes) checkDataType(symbol, dataType);
  const twice = [...dataTypes.keys()].find((symbol) => taskTypes.has(symbol));
  if (twice !== undefined) throw wrong(name, `has "${twice}" as a task type and as a data type`);
  if (taskTypes.size + dataTypes.size === 0) throw wrong(name, "has no task type and no data type");
  return Object.freeze({ prefix, taskTypes, dataTypes, [extensionMark]: true } as const);
}

/** Whether it was made by defineExtension. */
export function isExtension(value: unknown): value is Extension {
  return isRecord(value) && (value as Partial<Extension>)[extensionMark] === true;
}

/** How messages call a value that is something else than it should be. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function bySymbol<T>(
  name: string,
  prefix: string,
  member: string,
  given: object | undefined,
): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  if (given === undefined) return found;
  if (!isRecord(given)) throw wrong(name, `has ${kindOf(given)} as ${member}, not an object`);
  for (const [key, value] of Object.entries(given)) {
    if (!NAME.test(key)) {
      throw wrong(name, `has ${shown(key)} in ${member}; names have ${NAME_RULE}, parted by /`);
    }
    found.set(`${prefix}/${key}`, value as T);
  }
  return found;
}

function checkTaskType(symbol: string, taskType: TaskTypeDefinition): void {
  const name = `task type "${symbol}"`;
  if (!isRecord(taskType)) throw wrong(name, `is ${kindOf(taskType)}, not an object with run`);
  checkMembers(name, taskType, TASK_TYPE_MEMBERS);
  checkFunction(name, "run", taskType.run);
  const { pool } = taskType as { pool?: unknown };
  if (pool !== undefined && typeof pool !== "boolean") {
    throw wrong(name, `has ${kindOf(pool)} as pool, not true or false`);
  }
}

function checkDataType(symbol: string, dataType: DataTypeDefinition): void {
  const name = `data type "${symbol}"`;
  if (!isRecord(dataType)) throw wrong(name, `is ${kindOf(dataType)}, not an object`);
  checkMembers(name, dataType, [...NEEDED_FUNCTIONS, ...OPTIONAL_FUNCTIONS]);
  const functions = dataType as unknown as Record<string, unknown>;
  for (const member of NEEDED_FUNCTIONS) checkFunction(name, member, functions[member]);
  for (const member of OPTIONAL_FUNCTIONS) {
    if (functions[member] !== undefined) checkFunction(name, member, functions[member]);
  }
  if (dataType.length !== undefined) return;
  if (dataType.get !== undefined || dataType.slice !== undefined) {
    throw wrong(name, "has get or slice but no length, which they need");
  }
}

function checkFunction(name: string, member: string, value: unknown): void {
  if (typeof value === "function") return;
  const problem = value === undefined ? "has no" : `has ${kindOf(value)} as`;
  throw wrong(name, `${problem} ${member}, which must be a function`);
}

/** A misspelt member would be ignored in silence. */
function checkMembers(name: string, value: object, known: readonly string[]): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  throw wrong(name, `has the unknown member ${shown(unknown)}; known are ${known.join(", ")}`);
}

function isRecord(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : kindOf(value);
}

function wrong(name: string, problem: string): LoomError {
  return new LoomError("usage", `${name} ${problem}`);
}
