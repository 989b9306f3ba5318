/**
 * The functions that the worker has defined, and their code: loaded when first called, once per
 * process for equal code. Owns nothing of calls.
 */
import { CallProblem } from "./call-problem.js";
import { forgetCode } from "./code-files.js";
import { describeError } from "./describe-error.js";
import { parseFunctionObject } from "./function-object.js";
import { type LoadedCode, loadCode, type UserFunction } from "./load-code.js";
import type { PlainData } from "./plain-data.js";

/** Code that nobody uses is kept for so many functions: often it is soon defined again. */
const MAX_UNUSED = 32;

/** Code shared by the functions of one hash. */
export interface SharedCode {
  /** Its place in `FunctionTable.codes`; "": it is not shared. */
  readonly hash: string;
  users: number;
  loaded: LoadedCode | Promise<LoadedCode> | undefined;
  /** The name under which code-files.ts knows it. */
  file: string | undefined;
  /** The last call of one of these functions. */
  lastSerial: number;
}

/** A function as the worker has defined it. */
export class FunctionEntry {
  name: string;
  /** Set when the function can be called. */
  run: UserFunction | undefined;
  hasContext = false;
  /** How long the last call took: infinitely when there was none. */
  lastMs = Number.POSITIVE_INFINITY;
  code: SharedCode | undefined;
  loading: Promise<void> | undefined;
  /** Calls that came before may still have to load it. */
  isForgotten = false;
  /** Why it can't be called. */
  problem: CallProblem | undefined;

  /** @param object undefined when it is loaded */
  constructor(
    number: number,
    public object: PlainData | undefined,
  ) {
    this.name = `number ${number}`;
  }
}

export class FunctionTable {
  private readonly entries = new Map<number, FunctionEntry>();
  /** By hash; the one used last is at the end. */
  private readonly codes = new Map<string, SharedCode>();

  define(number: number, object: PlainData): void {
    this.forget(number);
    this.entries.set(number, new FunctionEntry(number, object));
  }

  /** For a number that is not defined: an entry whose calls fail. */
  get(number: number): FunctionEntry {
    let entry = this.entries.get(number);
    if (entry === undefined) {
      entry = new FunctionEntry(number, undefined);
      entry.problem = new CallProblem(`function ${number} is not defined in this process`);
    }
    return entry;
  }

  forget(number: number): void {
    const entry = this.entries.get(number);
    if (entry === undefined) return;
    this.entries.delete(number);
    entry.isForgotten = true;
    if (entry.run !== undefined && entry.code !== undefined) this.release(entry.code);
  }

  /**
   * Afterwards, or when the promise is fulfilled, the entry has `run`.
   * @throws CallProblem, or rejects with it
   */
  load(entry: FunctionEntry): void | Promise<void> {
    if (entry.problem !== undefined) throw entry.problem;
    if (entry.loading !== undefined) return entry.loading;
    try {
      const object = parseFunctionObject((entry.object as PlainData).bytes());
      const { header } = object;
      entry.name = header.name;
      const code = this.shareCode(header.hash);
      entry.code = code;
      code.loaded ??= loadCode(object, code, (file) => {
        code.file = file;
      });
      if (!(code.loaded instanceof Promise)) {
        return this.loaded(entry, code, header.context, code.loaded);
      }
      entry.loading = code.loaded.then(
        (loaded) => {
          code.loaded = loaded;
          this.loaded(entry, code, header.context, loaded);
        },
        (error) => {
          throw this.failed(entry, error);
        },
      );
      return entry.loading;
    } catch (error) {
      throw this.failed(entry, error);
    }
  }

  private shareCode(hash: string): SharedCode {
    let code = this.codes.get(hash);
    if (code === undefined) {
      code = { hash, users: 0, loaded: undefined, file: undefined, lastSerial: -1 };
      if (hash !== "") this.codes.set(hash, code);
    }
    code.users++;
    return code;
  }

  private release(code: SharedCode): void {
    if (--code.users > 0) return;
    if (this.codes.get(code.hash) !== code) {
      this.drop(code);
      return;
    }
    this.codes.delete(code.hash);
    this.codes.set(code.hash, code);
    const unused = [...this.codes.values()].filter(({ users }) => users === 0);
    if (unused.length > MAX_UNUSED) this.drop(unused[0]);
  }

  private drop(code: SharedCode): void {
    if (this.codes.get(code.hash) === code) this.codes.delete(code.hash);
    if (code.file !== undefined) forgetCode(code.file);
  }

  private loaded(
    entry: FunctionEntry,
    code: SharedCode,
    context: boolean,
    loaded: LoadedCode,
  ): void {
    entry.run = loaded.run;
    entry.hasContext = loaded.context ?? context;
    entry.object = undefined;
    entry.loading = undefined;
    if (entry.isForgotten) this.release(code);
  }

  private failed(entry: FunctionEntry, error: unknown): CallProblem {
    const { code } = entry;
    const reason = describeError(error);
    entry.problem = new CallProblem(`function "${entry.name}" can't be loaded: ${reason}`);
    entry.object = undefined;
    entry.code = undefined;
    // What is defined anew may be loaded then.
    if (code !== undefined) this.drop(code);
    return entry.problem;
  }
}
