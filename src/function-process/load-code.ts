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
import { CallProblem, INSTALL_MODULE } from "./call-problem.js";
import { registerCode } from "./code-files.js";
import { type FunctionHeader, type FunctionObject, JS_TASK } from "./function-object.js";

/** A function of the user. */
export type UserFunction = (...args: unknown[]) => unknown;

export interface LoadedCode {
  readonly run: UserFunction;
  /** The first argument is the context; undefined: the header says. */
  readonly context: boolean | undefined;
}

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
  const require = makeRequire(header.name, hyperloom);
  main.call(module.exports, module.exports, require, module, path, dirname(path));
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
  useDefaultLoader();
  return compileWithImport(code, parameters, file);
}

function compileWithImport(code: string, parameters: string[], file: string): UserFunction {
  return compileFunction(code, parameters, {
    filename: file,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  }) as UserFunction;
}

let defaultLoaderIsUsed = false;

/** Node 20 warns, at the first import() only, that this loader is experimental here. */
function useDefaultLoader(): void {
  if (defaultLoaderIsUsed) return;
  defaultLoaderIsUsed = true;
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    compileWithImport('import("node:path")', [], "hyperloom-import.js")();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function makeRequire(functionName: string, hyperloom: object | undefined): NodeJS.Require {
  workerRequire ??= createRequire(join(workerDirectory, "function.js"));
  const resolveFrom = workerRequire;
  const load = (specifier: string): unknown => {
    if (specifier === "hyperloom" && hyperloom !== undefined) return hyperloom;
    try {
      return resolveFrom(specifier);
    } catch (error) {
      throw explained(error, functionName, specifier, specifier);
    }
  };
  const { resolve, cache, extensions } = resolveFrom;
  return Object.assign(load, { resolve, cache, extensions, main: undefined }) as NodeJS.Require;
}

async function loadModule(header: FunctionHeader, specifier: string): Promise<LoadedCode> {
  const load = compile("return import(specifier)", ["specifier"], "hyperloom-import.js");
  const url = moduleUrl(specifier);
  let exports: Record<string, unknown>;
  try {
    exports = (await load(url)) as Record<string, unknown>;
  } catch (error) {
    const resolved = url.startsWith("file:") ? fileURLToPath(url) : url;
    throw explained(error, header.name, specifier, resolved);
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

/**
 * Says what to do about a module that can't be loaded here; other errors as they are.
 * @param resolved how Node's message names it
 */
function explained(
  error: unknown,
  functionName: string,
  specifier: string,
  resolved: string,
): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  const name = `module "${specifier}", which function "${functionName}" needs,`;
  const isMissing = code === "MODULE_NOT_FOUND" || code === "ERR_MODULE_NOT_FOUND";
  if (isMissing && message.includes(`'${resolved}'`)) {
    return new CallProblem(
      `${name} is not found on the worker (from ${workerDirectory}): ${INSTALL_MODULE}`,
    );
  }
  if (code === "ERR_REQUIRE_ESM") {
    return new CallProblem(
      `${name} is an ES module, which require() can't load: ` +
        "use await import() within the function, or let the function be bundled with it",
    );
  }
  return error;
}
