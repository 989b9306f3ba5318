/**
 * The server's dictionary: numbers of all symbols, which of them are task types. Built-in ones
 * first; those that workers bring are appended and keep their numbers for the server's life.
 */
import { BUILTIN_SYMBOLS } from "../protocol/index.js";
import type { SymbolTable } from "../server-core/index.js";

/** A symbol's number has 16 bits in the task table and in messages to workers. */
const MAX_SYMBOLS = 65_536;

const NOT_TASK_TYPES = new Set<string>([
  "loom/data",
  "loom/array",
  "loom/pyobj",
  "loom/index",
  "loom/file",
  "loom/jsobj",
  "loom/resource/cpus",
]);

export class SymbolDictionary implements SymbolTable {
  readonly names: string[] = [...BUILTIN_SYMBOLS];
  private readonly numbers = new Map<string, number>(this.names.map((name, i) => [name, i]));
  private readonly taskTypes: boolean[] = this.names.map((name) => !NOT_TASK_TYPES.has(name));

  /** By worker: what it does not offer though it could, and why. */
  private readonly reasons = new Map<number, ReadonlyMap<string, string>>();

  isTaskType(symbol: number): boolean {
    return this.taskTypes[symbol] === true;
  }

  nameOf(symbol: number): string {
    return this.names[symbol] ?? `number ${symbol}`;
  }

  /** The symbol's number; a new one is appended. `loom/` is reserved for built-in symbols. */
  add(name: string, isTaskType: boolean): number {
    const known = this.numbers.get(name);
    if (known !== undefined) {
      // What one worker has as a data type may be a task type of another.
      if (isTaskType && known >= BUILTIN_SYMBOLS.length) this.taskTypes[known] = true;
      return known;
    }
    const number = this.names.length;
    this.names.push(name);
    this.numbers.set(name, number);
    this.taskTypes.push(isTaskType);
    return number;
  }

  findReasonNotOffered(symbol: number): string | undefined {
    const name = this.names[symbol];
    for (const reasons of this.reasons.values()) {
      const reason = reasons.get(name);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  /** What a worker does not offer: "TYPE: reason" each. */
  setReasons(worker: number, reasons: readonly string[]): void {
    if (reasons.length === 0) return;
    this.reasons.set(
      worker,
      new Map(
        reasons.map((text) => {
          const end = text.indexOf(": ");
          // One line, whatever a worker says.
          return [text.slice(0, end), text.slice(end + 2).replace(/\s+/g, " ")];
        }),
      ),
    );
  }

  forgetReasons(worker: number): void {
    this.reasons.delete(worker);
  }

  /** What is wrong with the symbols that a worker brings; undefined: nothing. */
  problemWith(names: readonly string[]): string | undefined {
    const fresh = new Set(names.filter((name) => !this.numbers.has(name)));
    for (const name of fresh) {
      // Quoted, for the message has one line whatever the symbol has.
      const symbol = `symbol ${JSON.stringify(name)}`;
      if (name.startsWith("loom/")) return `${symbol}: loom/ is reserved for built-in ones`;
      if (!/^[^\s/]+(\/[^\s/]+)*$/.test(name)) {
        return `${symbol} must be names separated by /, without white space`;
      }
    }
    if (this.names.length + fresh.size > MAX_SYMBOLS) {
      return `with its ${fresh.size} new symbols there would be more than ${MAX_SYMBOLS}`;
    }
    return undefined;
  }
}
