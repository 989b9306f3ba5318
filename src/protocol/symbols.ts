/**
 * The dictionary: names (symbols) of task types, data types and resources, and their
 * numbers. A symbol's number is its position in the server's list; the built-in ones
 * come first and are there before any worker connects. `loom/` is reserved for them.
 */

/** Built-in symbols, in the order of their numbers. Append only. */
export const BUILTIN_SYMBOLS = [
  "loom/data",
  "loom/array",
  "loom/pyobj",
  "loom/resource/cpus",
  "loom/data/const",
  "loom/data/merge",
  "loom/data/open",
  "loom/data/split",
  "loom/data/save",
  "loom/base/get",
  "loom/base/slice",
  "loom/base/size",
  "loom/base/length",
  "loom/array/make",
  "loom/run/run",
  "loom/py/value",
  "loom/py/call",
  "loom/scheduler/dslice",
  "loom/scheduler/dget",
  "loom/index",
  "loom/file",
  "loom/jsobj",
  "loom/js/call",
] as const;

/** A built-in symbol's name. */
export type BuiltinSymbol = (typeof BUILTIN_SYMBOLS)[number];

const numbers = new Map<string, number>(BUILTIN_SYMBOLS.map((name, number) => [name, number]));

/** Number of a built-in symbol; the same on every server. */
export function builtinSymbol(name: BuiltinSymbol): number {
  return numbers.get(name)!;
}
