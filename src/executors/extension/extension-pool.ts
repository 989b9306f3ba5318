/**
 * Task types of extensions that are executed in function processes (`pool: true`). Owns how such a
 * process is started and how a task becomes a call; the process's side is
 * src/function-process/extension-task.ts.
 */
import { fileURLToPath } from "node:url";
import type { LoadedExtension } from "../../extensions/index.js";
import { encodeArguments } from "../../functions/index.js";
import { type DataObject, plainObject } from "../../object-store/index.js";
import type { TaskExecution } from "../contract.js";
import type { FunctionKind } from "../functions/index.js";

const FOLDER = new URL("../../../dist/function-process/", import.meta.url);
const PRELOAD = new URL("extension-preload.js", FOLDER).href;
const TASK_MODULE = new URL("extension-task.js", FOLDER).href;
const LENGTH_BYTES = 4;

/** What a process for JavaScript functions is started with so that it knows the extensions. */
export interface ExtensionPreload {
  /** Options of node. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Extensions are loaded before anything else; nothing is done where there are none. */
export function extensionPreload(extensions: readonly LoadedExtension[]): ExtensionPreload {
  if (extensions.length === 0) return { args: [], env: {} };
  const specifiers = extensions.map(({ specifier }) => specifier);
  return {
    args: ["--import", PRELOAD],
    env: { LOOM_EXTENSIONS: JSON.stringify({ specifiers, folder: process.cwd() }) },
  };
}

/** How a pool executes the task types with `pool: true`; undefined: there are none. */
export function findExtensionPool(
  extensions: readonly LoadedExtension[],
): FunctionKind | undefined {
  const functions = new Map<string, DataObject>();
  for (const { extension } of extensions) {
    for (const [symbol, { pool }] of extension.taskTypes) {
      if (pool === true) functions.set(symbol, functionObject(symbol));
    }
  }
  if (functions.size === 0) return undefined;
  const { args, env } = extensionPreload(extensions);
  return {
    language: "extension",
    command: process.execPath,
    args: [...args, fileURLToPath(new URL("main.js", FOLDER))],
    env,
    taskTypes: [...functions.keys()],
    functionOf: ({ taskType }) => functions.get(taskType)!,
    firstArgument: 0,
    overlaps: true,
    configOf,
  };
}

/** What extension-task.ts's `run` takes between the context and the inputs. */
function configOf({ taskType, config, cpus, label }: TaskExecution): Uint8Array {
  const bytes = Buffer.from(config.buffer, config.byteOffset, config.byteLength);
  return encodeArguments([taskType, bytes, cpus, label]);
}

/** A function object that names a module: docs/function-processes.md. */
function functionObject(symbol: string): DataObject {
  const header = { name: symbol, hash: "", codeBytes: 0, context: true };
  const text = JSON.stringify({ ...header, module: TASK_MODULE, export: "run" });
  const bytes = Buffer.from(text);
  const object = new Uint8Array(LENGTH_BYTES + bytes.length);
  new DataView(object.buffer).setUint32(0, bytes.length, true);
  object.set(bytes, LENGTH_BYTES);
  return plainObject(object);
}
