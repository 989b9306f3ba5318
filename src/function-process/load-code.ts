/**
 * Makes a callable of a function's code, or imports it from a module of the worker. Owns how
 * code is compiled and what its `require` gives. Called by function-table.ts, once per code.
 */
import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { deserialize } from "node:v8";
import { compileFunction, constants } from "node:vm";
import { CallProblem } from "./call-problem.js";
import { registerCode } from "./code-files.js";
import type { FunctionHeader, FunctionObject } from "./function-object.js";

/** A function of the user. */
export type UserFunction = (...args: unknown[]) => unknown;

export interface LoadedCode {
  readonly run: UserFunction;
  /** The first argument is the context; undefined: the header says. */
  readonly context: boolean | undefined;
}

/** Carries the plain function of what `jsTask` gives: `{ fn, context }`. */
const JS_TASK = Symbol.for("hyperloom.jsTask");
const REQUIRES_HYPERLOOM = /["'`]hyperloom["'`]/;

/** The worker's: functions may change the current directory. */
const workerDirectory = process.cwd();
let workerRequire: NodeJS.Require | undefined;

/**
 * Runs the code's top level. A promise only where something must be imported.
 * @param owner what errors in this code are traced back to
 * @param onFile gets the file name under which the code is registered
 */
export function loadCode(
  object: FunctionObject,
  owner: object,
  onFile: (file: string) => void,
): LoadedCode | Promise<LoadedCode> {
  const { header } = object;
  if (header.module !== undefined) return loadModule(header, header.module);
  const code = object.code.toString();
  const file = registerCode(header.name, code, header.url, owner);
  onFile(file);
  const run = (hyperloom?: object) => runCode(object, code, file, hyperloom);
  if (!REQUIRES_HYPERLOOM.test(code)) return run();
  return import("./hyperloom-api.js").then(({ hyperloom }) => run(hyperloom));
}

function runCode(
  { header, captured }: FunctionObject,
  code: string,
  file: string,
  hyperloom: object | undefined,
): LoadedCode {
  const module = {
    exports: {} as Record<string, unknown>,
    id: file,
    filename: file,
    loaded: false,
    captured: captured.length === 0 ? undefined : (deserialize(captured) as unknown),
  };
  const path = header.url?.startsWith("file:")
    ? fileURLToPath(header.url)
    : join(workerDirectory, file);
  const parameters = ["exports", "require", "module", "__filename", "__dirname"];
  const main = compile(code, parameters, file);
  main.call(module.exports, module.exports, makeRequire(hyperloom), module, path, dirname(path));
  module.loaded = true;
  return asLoaded(module.exports.default, () => {
    const names = Object.keys(module.exports ?? {}).join(", ");
    return `its code exports no function as "default"${names === "" ? "" : ` (only ${names})`}`;
  });
}

/** `import()` in it is resolved from the current directory, as the file name is relative. */
function compile(code: string, parameters: string[], file: string): UserFunction {
  if (!/\bimport\s*\(/.test(code)) {
    return compileFunction(code, parameters, { filename: file }) as UserFunction;
  }
  // Node 20 warns on standard error that this constant is experimental.
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return compileFunction(code, parameters, {
      filename: file,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    }) as UserFunction;
  } finally {
    process.emitWarning = emitWarning;
  }
}

function makeRequire(hyperloom: object | undefined): NodeJS.Require {
  workerRequire ??= createRequire(join(workerDirectory, "function.js"));
  const resolveFrom = workerRequire;
  const load = (specifier: string): unknown => {
    if (specifier === "hyperloom" && hyperloom !== undefined) return hyperloom;
    try {
      return resolveFrom(specifier);
    } catch (error) {
      throw explained(error, specifier);
    }
  };
  const { resolve, cache, extensions } = resolveFrom;
  return Object.assign(load, { resolve, cache, extensions, main: undefined }) as NodeJS.Require;
}

async function loadModule(header: FunctionHeader, specifier: string): Promise<LoadedCode> {
  const load = compile("return import(specifier)", ["specifier"], "hyperloom-import.js");
  let exports: Record<string, unknown>;
  try {
    exports = (await load(moduleUrl(specifier))) as Record<string, unknown>;
  } catch (error) {
    throw explained(error, specifier);
  }
  return asLoaded(exports[header.export], () => {
    const names = Object.keys(exports).join(", ") || "nothing";
    return `module "${specifier}" exports no function as "${header.export}" (it exports ${names})`;
  });
}

/** Paths are relative to the worker's directory; a name without a file there is a package. */
function moduleUrl(specifier: string): string {
  if (/^[a-z]+:/.test(specifier)) return specifier;
  const path = resolve(workerDirectory, specifier);
  const isPath = /^\.{0,2}\//.test(specifier) || (existsSync(path) && statSync(path).isFile());
  return isPath ? pathToFileURL(path).href : specifier;
}

function asLoaded(value: unknown, problem: () => string): LoadedCode {
  const wrapped = (value as { [JS_TASK]?: { fn?: unknown; context?: unknown } } | undefined)?.[
    JS_TASK
  ];
  const run = wrapped === undefined ? value : wrapped.fn;
  if (typeof run !== "function") throw new CallProblem(problem());
  const context = wrapped === undefined ? undefined : wrapped.context === true;
  return { run: run as UserFunction, context };
}

/** Says what to do about a module that can't be loaded here; other errors as they are. */
function explained(error: unknown, specifier: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  const isMissing = code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND";
  if (isMissing && message.includes(specifier)) {
    return new CallProblem(
      `module "${specifier}" is not found on the worker (from ${workerDirectory}): ` +
        "install it where the worker runs, or let the function be bundled with it",
    );
  }
  if (code === "ERR_REQUIRE_ESM") {
    return new CallProblem(
      `module "${specifier}" is an ES module, which require() can't load: ` +
        "use await import() within the function, or let the function be bundled with it",
    );
  }
  return error;
}
