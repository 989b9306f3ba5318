/**
 * Lists of "name=value" with commas between, as in "worker=3,at=10s": what the readers of workers, faults and
 * generators have in common. A name may come once; one that nobody asks for is an error.
 */
import { LoomError } from "../base/index.js";

export class NamedValues {
  private readonly values = new Map<string, string>();

  /**
   * @param what begins the messages, e.g. "--fault die:worker=3"
   * @param known names that may come; undefined: any
   */
  constructor(
    text: string,
    readonly what: string,
    known: readonly string[] | undefined,
  ) {
    for (const part of text === "" ? [] : text.split(",")) {
      const [, name, value] = /^([^=]+)=(.*)$/.exec(part) ?? [];
      if (name === undefined) {
        throw new LoomError(
          "usage",
          `${what}: ${part || "nothing between two commas"} is not of the form name=value`,
        );
      }
      if (known !== undefined && !known.includes(name)) {
        throw new LoomError("usage", `${what}: ${name} is not known here; use ${known.join(", ")}`);
      }
      if (this.values.has(name)) throw new LoomError("usage", `${what}: ${name} is given twice`);
      this.values.set(name, value);
    }
  }

  /** All names with their values. */
  entries(): IterableIterator<[string, string]> {
    return this.values.entries();
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  /** The value as `read` understands it; `fallback` where it is not given. */
  get<T>(name: string, read: (text: string, what: string) => T, fallback: T): T {
    const text = this.values.get(name);
    return text === undefined ? fallback : read(text, `${this.what}: ${name}`);
  }

  /** The value; an error that names it when it is not given. */
  getRequired<T>(name: string, read: (text: string, what: string) => T): T {
    const text = this.values.get(name);
    if (text !== undefined) return read(text, `${this.what}: ${name}`);
    throw new LoomError("usage", `${this.what}: ${name} is missing`);
  }
}
