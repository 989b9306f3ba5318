/**
 * Loads packed functions as docs/function-processes.md says, and stands in for the rest of the
 * process that runs them: data with nothing but text.
 */
import { createRequire, Module, SourceMap } from "node:module";
import { join } from "node:path";
import { deserialize } from "node:v8";
import {
  type FunctionHeader,
  parseFunctionObject,
} from "../../src/function-process/function-object.js";
import { localObject, type Task } from "../../src/graph/index.js";
import * as hyperloom from "../../src/index.js";

/** No file has this name. */
const FILE = join(import.meta.dirname, "packed-function.cjs");
const load = createRequire(import.meta.url);

export interface LoadedFunction {
  readonly header: FunctionHeader;
  readonly code: string;
  readonly captured: unknown;
  readonly fn: (...parameters: unknown[]) => unknown;
}

export function loadFunction(bytes: Uint8Array): LoadedFunction {
  const { header, code, captured } = parseFunctionObject(Buffer.from(bytes));
  const values = captured.length === 0 ? undefined : (deserialize(captured) as unknown);
  const module = new Module(FILE) as Module & {
    captured: unknown;
    _compile(code: string, file: string): void;
  };
  module.captured = values;
  module.require = ((id: string) => (id === "hyperloom" ? hyperloom : load(id))) as NodeJS.Require;
  const text = code.toString();
  module._compile(text, FILE);
  const { default: fn } = module.exports as { default: LoadedFunction["fn"] };
  return { header, code: text, captured: values, fn };
}

/** The function in a task made by a builder. */
export function functionOf(task: Task): LoadedFunction {
  return loadFunction((task.inputs[0] as Task).config);
}

/** Data of a running function, as far as the functions of these tests look at it. */
export function someData(text: string) {
  return { text: () => text, size: text.length, [localObject]: true as const };
}

/** Where the error that the function throws was made, as its author sees it: `file:line`. */
export function placeOfError(loaded: LoadedFunction, ...parameters: unknown[]): string {
  let stack = "";
  try {
    loaded.fn(...parameters);
  } catch (error) {
    stack = (error as Error).stack ?? "";
  }
  const found = /packed-function\.cjs:(\d+):(\d+)/.exec(stack);
  const data = /MappingURL=data:.*;base64,(\S+)/.exec(loaded.code);
  if (found === null || data === null) return `nowhere: ${stack}`;
  const map = new SourceMap(JSON.parse(Buffer.from(data[1], "base64").toString()));
  const entry = map.findEntry(Number(found[1]) - 1, Number(found[2]) - 1);
  if (!("originalSource" in entry)) return `nowhere: ${found[0]}`;
  return `${entry.originalSource}:${entry.originalLine + 1}`;
}
