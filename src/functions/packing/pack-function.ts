/**
 * From a function to the bytes that workers load: its text alone if it uses nothing around it,
 * else a module made of its file. Owns the decision and the module of a lone function. Called
 * by `jsTask` for the first call of each builder; loads what it needs then.
 */
import { serialize } from "node:v8";
import { encodeFunctionObject } from "../function-object.js";
import { bundle } from "./bundle.js";
import { findFunction } from "./find-function.js";
import {
  type AnyFunction,
  expressionAround,
  type FunctionSource,
  readFunction,
  refused,
} from "./function-source.js";
import { type InspectedFunction, inspectFunction } from "./inspect-function.js";
import { isGlobalOfNode, selectCode } from "./select-code.js";
import {
  encodeMappings,
  inlineMapComment,
  MappedText,
  offsetOf,
  positionsIn,
  type Segment,
} from "./source-map.js";
import { walk } from "./syntax.js";
import { findUserFile, originOf, PACKED_MARK } from "./user-file.js";

export interface PackOptions {
  /** "": the function's own, or that of the variable it is made for. */
  readonly name: string;
  readonly context: boolean;
  readonly external: readonly string[];
}

export interface PackedFunction {
  /** The function object. */
  readonly bytes: Uint8Array;
  /** "" if it has none. */
  readonly name: string;
  /** Infinity: any number. */
  readonly maxArguments: number;
}

/**
 * Equal functions give equal bytes.
 * @throws LoomError("usage") saying what can't travel and what to do
 */
export function packFunction(fn: AnyFunction, options: PackOptions): PackedFunction {
  const given = options.name || fn.name;
  const source = readFunction(fn, given);
  const inspected = inspectFunction(fn);
  const name = given || (inspected === undefined ? "" : nameBefore(inspected, source.text));
  const { context } = options;
  const { maxArguments } = source;

  if (isAlone(source, inspected)) {
    const { code, url } = loneModule(source, inspected);
    const bytes = encodeFunctionObject({ name, context, url, code, captured: undefined });
    return { bytes, name, maxArguments };
  }
  if (inspected === undefined) {
    const names = [...source.freeNames].filter((one) => !isGlobalOfNode(one));
    throw refused(
      name,
      `uses what is around it (${names.join(", ") || "import"}), which can be found only with Node's inspector, and that can't be used here; let it use only its arguments`,
    );
  }
  const { file, stretch } = findUserFile(inspected, name);
  const found = findFunction(file, stretch, source, name);
  const selection = selectCode(file, found, inspected.scopes, name);
  const expression = expressionAround(source.shape.kind === "method" ? "method" : "function");
  const { code, captured } = bundle(file, found, expression, selection, options.external, name);
  const bytes = encodeFunctionObject({
    name,
    context,
    url: file.url,
    code,
    captured: captured && serialize(captured),
  });
  return { bytes, name, maxArguments };
}

/** Put into functions by esbuild, as tsx calls it: gives functions their names back. */
const NAME_HELPER = "__name";

/** Whether it uses nothing but what every Node process has. */
function isAlone(source: FunctionSource, inspected: InspectedFunction | undefined): boolean {
  if (source.usesImport) return false;
  return [...source.freeNames].every((name) => {
    if (name === NAME_HELPER) return true;
    const hidden = inspected?.scopes.some((scope) => Object.hasOwn(scope, name));
    return isGlobalOfNode(name) && hidden !== true;
  });
}

function loneModule(
  source: FunctionSource,
  inspected: InspectedFunction | undefined,
): { code: string; url: string | undefined } {
  const origin = inspected && traceText(source, inspected);
  const module = new MappedText().add(`${PACKED_MARK}\n`);
  if (source.freeNames.has(NAME_HELPER)) {
    module.add(
      `const ${NAME_HELPER} = (fn, value) => Object.defineProperty(fn, "name", { value, configurable: true });\n`,
    );
  }
  module.add(`module.exports.default = ${source.before}`);
  module.addRange(source.text, origin?.mappings ?? [], 0, source.text.length);
  module.add(`${source.after};\n`);
  if (origin === undefined) return { code: module.text, url: undefined };
  const comment = inlineMapComment(origin.sources, encodeMappings(module.mappings));
  return { code: module.text + comment, url: origin.url };
}

/** Where the function's text comes from, syntax node by syntax node. */
function traceText(source: FunctionSource, inspected: InspectedFunction) {
  const start = findStart(inspected, source.text);
  if (start === undefined) return undefined;
  const origin = originOf(inspected.script);
  const positionOf = positionsIn(source.text);
  const offsets = new Set([0]);
  walk(source.syntax.program, (node) => {
    const offset = node.start - source.before.length;
    if (offset > 0 && offset < source.text.length) offsets.add(offset);
    return undefined;
  });
  const mappings: Segment[][] = [];
  for (const offset of [...offsets].sort((a, b) => a - b)) {
    const { line, column } = positionOf(offset);
    while (mappings.length <= line) mappings.push([]);
    const executedColumn = line === 0 ? start.column + column : column;
    const segment = origin.find(start.line + line, executedColumn);
    if (segment !== undefined) mappings[line].push({ ...segment, column });
  }
  const index = origin.find(start.line, start.column)?.source ?? 0;
  return { url: origin.sources[index], sources: origin.sources, mappings };
}

/** Where the function's text begins in its script. The engine knows a place in its head. */
function findStart({ script, line, column }: InspectedFunction, text: string) {
  const offset = offsetOf(script.source, line, column);
  const start = script.source.lastIndexOf(text, offset);
  if (start === -1 || offset > start + text.length) return undefined;
  return positionsIn(script.source)(start);
}

/** The name of what the function is made for: `const NAME = jsTask(`, however a loader wrote it. */
function nameBefore(inspected: InspectedFunction, text: string): string {
  const { source } = inspected.script;
  const offset = offsetOf(source, inspected.line, inspected.column);
  const start = source.lastIndexOf(text, offset);
  const before = start === -1 ? "" : source.slice(Math.max(0, start - 200), start);
  return /([\w$]+)\s*[=:]\s*(?:\(\s*0\s*,\s*)?[\w$.]*jsTask\s*\)?\s*\(\s*$/.exec(before)?.[1] ?? "";
}
