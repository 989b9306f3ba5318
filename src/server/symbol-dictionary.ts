/**
 * The server's dictionary: numbers of all symbols, which of them are task types. Built-in ones
 * first; those that workers bring are appended and keep their numbers for the server's life.
 */
import { BUILTIN_SYMBOLS } from "../protocol/index.js";
import type { SymbolTable } from "../server-core/index.js";

const NOT_TASK_TYPES = new Set<string>([
  "loom/data",
  "loom/array",
  "loom/pyobj",
  "loom/index",
  "loom/file",
  "loom/resource/cpus",
]);

export class SymbolDictionary implements SymbolTable {
  readonly names: string[] = [...BUILTIN_SYMBOLS];
  private readonly numbers = new Map<string, number>(this.names.map((name, i) => [name, i]));
  private readonly taskTypes: boolean[] = this.names.map((name) => !NOT_TASK_TYPES.has(name));

  isTaskType(symbol: number): boolean {
    return this.taskTypes[symbol] === true;
  }

  nameOf(symbol: number): string {
    return this.names[symbol] ?? `number ${symbol}`;
  }

  /** The symbol's number; a new one is appended. `loom/` is reserved for built-in symbols. */
  add(name: string, isTaskType: boolean): number {
    const known = this.numbers.get(name);
    if (known !== undefined) return known;
    const number = this.names.length;
    this.names.push(name);
    this.numbers.set(name, number);
    this.taskTypes.push(isTaskType);
    return number;
  }

  /** What is wrong with a symbol that a worker brings; undefined: nothing. */
  problemWith(name: string): string | undefined {
    if (this.numbers.has(name)) return undefined;
    if (name.startsWith("loom/")) return `symbol "${name}": loom/ is reserved for built-in ones`;
    if (!/^[^\s/]+(\/[^\s/]+)*$/.test(name)) {
      return `symbol "${name}" must be names separated by /, without white space`;
    }
    return undefined;
  }
}
