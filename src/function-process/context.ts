/** The context of a call. Made only for functions that ask for it. */
import { inspect } from "node:util";
import { serialize } from "node:v8";
import type { Context, Data, TaskLog, TaskResources } from "../functions/index.js";
import type { Call } from "./call.js";
import { DataObject, describeData } from "./data.js";
import { WrappedData } from "./value-data.js";

/** Levels of LOG records. */
export const LogLevel = { debug: 1, info: 2, warn: 3, error: 4, critical: 5 } as const;

/** Where `ctx.log` goes. */
export type WriteLog = (serial: number, level: number, text: string) => void;

export class CallContext implements Context {
  constructor(
    private readonly call: Call,
    private readonly writeLog: WriteLog,
  ) {}

  get taskId(): number {
    return this.call.taskId;
  }

  get attempt(): number {
    return this.call.attempt;
  }

  get resources(): TaskResources {
    return this.call.held.resources;
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }

  get log(): TaskLog {
    const write = (level: number) => (message: string) =>
      this.writeLog(
        this.call.serial,
        level,
        typeof message === "string" ? message : inspect(message),
      );
    return {
      debug: write(LogLevel.debug),
      info: write(LogLevel.info),
      warn: write(LogLevel.warn),
      error: write(LogLevel.error),
      critical: write(LogLevel.critical),
    };
  }

  /** An arrow function: `const { wrap } = ctx` works. */
  readonly wrap = <T>(value: T): T extends Data<unknown> ? T : Data<T> => {
    const data =
      value instanceof DataObject ? value : new WrappedData(this.call, value, serialized(value));
    return data as unknown as T extends Data<unknown> ? T : Data<T>;
  };
}

function serialized(value: unknown): Buffer {
  try {
    return serialize(value);
  } catch (error) {
    const problem = findProblem(value, "value", 0);
    if (problem === undefined) throw error;
    throw new TypeError(`ctx.wrap can't clone ${problem}`, { cause: error });
  }
}

/** Deeper than this nobody wants to know. */
const MAX_DEPTH = 50;

/** Names the part of a value that can't be cloned: the innermost one, each around it can't either. */
function findProblem(value: unknown, path: string, depth: number): string | undefined {
  if (value instanceof DataObject) {
    return `${path}, which is Data (${describeData(value)}): take its bytes(), text(), json() or unwrap()`;
  }
  if (canBeCloned(value) || depth > MAX_DEPTH) return undefined;
  if (typeof value === "object" && value !== null) {
    const parts: Iterable<[unknown, unknown]> =
      value instanceof Map
        ? value
        : value instanceof Set
          ? [...value].entries()
          : Object.entries(value);
    for (const [key, part] of parts) {
      const name = Array.isArray(value)
        ? `${path}[${key}]`
        : value instanceof Map
          ? `${path}.get(${inspect(key, { depth: 0 })})`
          : value instanceof Set
            ? `element ${key} of ${path}`
            : `${path}.${key}`;
      const problem = findProblem(part, name, depth + 1);
      if (problem !== undefined) return problem;
    }
  }
  const what = typeof value === "object" ? inspect(value, { depth: 0 }) : `a ${typeof value}`;
  return `${path}, which is ${what}`;
}

function canBeCloned(value: unknown): boolean {
  try {
    serialize(value);
    return true;
  } catch {
    return false;
  }
}
