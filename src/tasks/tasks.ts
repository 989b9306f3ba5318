/**
 * `tasks`: functions that make tasks of the built-in types. Owns their configs and the
 * types of their results; nothing is sent from here.
 */
import { resolve } from "node:path";
import { LoomError } from "../base/index.js";
import {
  type LocalObject,
  Task,
  type TaskLike,
  type TaskOptions,
  type ValuesOf,
} from "../graph/index.js";
import type { BytesTask, InputTask, Pieces } from "./input-task.js";
import { pythonSourceTask, pythonTask } from "./python-task.js";
import { runTask } from "./run-task.js";

const NOTHING = new Uint8Array(0);
const MAX_U64 = 2n ** 64n - 1n;

function bytesOf(content: string | Uint8Array): Uint8Array {
  if (typeof content === "string") return Buffer.from(content);
  if (content instanceof Uint8Array) return content;
  throw new LoomError("usage", `expected a string or Uint8Array, got ${typeof content}`);
}

function indexBytes(...numbers: bigint[]): Uint8Array {
  const bytes = new Uint8Array(8 * numbers.length);
  const view = new DataView(bytes.buffer);
  numbers.forEach((number, i) => {
    view.setBigUint64(8 * i, number, true);
  });
  return bytes;
}

function checkIndex(name: string, index: number): bigint {
  if (!Number.isSafeInteger(index) || index < 0) {
    throw new LoomError("usage", `${name} must be a non-negative integer, got ${index}`);
  }
  return BigInt(index);
}

function constTask(content: string | Uint8Array): Task<Buffer> {
  return new Task("loom/data/const", bytesOf(content), []);
}

function merge(inputs: readonly BytesTask[], delimiter: string | Uint8Array = ""): Task<Buffer> {
  return new Task("loom/data/merge", bytesOf(delimiter), [...inputs]);
}

function open(path: string): Task<Buffer> {
  return new Task("loom/data/open", Buffer.from(resolve(path)), []);
}

function split(input: BytesTask, delimiter: string | Uint8Array = ""): Task<Pieces> {
  const bytes = bytesOf(delimiter);
  if (bytes.length > 1) {
    throw new LoomError(
      "usage",
      `the delimiter of tasks.split must be one byte, got ${bytes.length} bytes`,
    );
  }
  return new Task("loom/data/split", bytes, [input]);
}

function save(input: BytesTask, path: string): Task<Buffer> {
  return new Task("loom/data/save", Buffer.from(resolve(path)), [input]);
}

function get(input: LocalObject, index: number): Task;
function get<const T extends readonly unknown[], const I extends number>(
  input: TaskLike<T>,
  index: I,
): Task<T[I]>;
function get(input: InputTask, index: number): Task {
  return new Task("loom/base/get", indexBytes(checkIndex("index", index)), [input]);
}

function slice(input: TaskLike<Pieces>, start: number, end?: number): Task<Buffer>;
function slice<T>(input: TaskLike<readonly T[]>, start: number, end?: number): Task<T[]>;
function slice(input: LocalObject, start: number, end?: number): Task;
function slice(input: InputTask, start: number, end?: number): Task {
  const last = end === undefined ? MAX_U64 : checkIndex("end", end);
  return new Task("loom/base/slice", indexBytes(checkIndex("start", start), last), [input]);
}

function size(...inputs: readonly InputTask[]): Task<Buffer> {
  return new Task("loom/base/size", NOTHING, inputs);
}

function length(...inputs: readonly InputTask[]): Task<Buffer> {
  return new Task("loom/base/length", NOTHING, inputs);
}

function arrayMake<const T extends readonly InputTask[]>(inputs: T): Task<ValuesOf<T>> {
  return new Task("loom/array/make", NOTHING, [...inputs]);
}

function dslice(input: TaskLike<Pieces>): Task<Buffer>;
function dslice<T>(input: TaskLike<readonly T[]>): Task<T[]>;
function dslice(input: TaskLike): Task {
  return new Task("loom/scheduler/dslice", NOTHING, [input]);
}

function dget<T>(input: TaskLike<readonly T[]>): Task<T>;
function dget(input: TaskLike): Task {
  return new Task("loom/scheduler/dget", NOTHING, [input]);
}

function custom<T = Buffer>(
  type: string,
  config: string | Uint8Array,
  inputs: readonly InputTask[] = [],
  options?: TaskOptions,
): Task<T> {
  return new Task(type, bytesOf(config), [...inputs], options);
}

/**
 * Makes tasks; nothing happens until they are submitted. Wrong arguments throw
 * LoomError("usage") at once.
 * @example
 * const words = tasks.run("sort -u", { stdin: tasks.open("words.txt") });
 * const first = tasks.get(tasks.split(words), 0);
 */
export const tasks = {
  /** The given bytes (a string is UTF-8). They are not copied: do not change them. */
  const: constTask,
  /** All inputs' bytes one after another, with `delimiter` between them. */
  merge,
  /** The content of a file that the workers see; `path` is made absolute here. */
  open,
  /** Pieces that each end with the delimiter, one byte. Default: lines. */
  split,
  /** Writes the bytes to a file on the worker's machine (path made absolute here); gives no bytes. */
  save,
  /** Element `index` of an array or of pieces; out of range fails the task. */
  get,
  /** Elements [start, end), clamped. Of an array: an array; of pieces: their bytes joined. */
  slice,
  /** Sum of the inputs' sizes in bytes, as u64: `value.readBigUInt64LE()`. */
  size,
  /** Sum of the inputs' numbers of elements, as u64: `value.readBigUInt64LE()`. */
  length,
  /** An array of the inputs' results. What depends on a `dslice` or `dget` gives all its results. */
  arrayMake,
  /**
   * Stands for slices of an array or of pieces: what depends on it is executed once for each. The
   * server makes them when the length is known, some for each core of the cluster. `arrayMake`
   * collects what comes out, in order; nothing else that depends on it can be a result.
   * @example
   * const part = tasks.dslice(tasks.split(tasks.open("words.txt")));
   * const sorted = tasks.run("sort", { stdin: part });
   * const all: Task<Buffer[]> = tasks.arrayMake<Task<Buffer>[]>([sorted]);
   */
  dslice,
  /**
   * The same for each element: `dget` of an array with n elements stands for `get(input, 0)` to
   * `get(input, n - 1)`. An empty input fails the task.
   */
  dget,
  /**
   * Runs a program in a fresh directory. A string is split like a shell does (quotes, no
   * expansion of any kind); a task or future among the arguments stands for its content.
   * @example
   * tasks.run("grep -c error", { stdin: log });
   * tasks.run(["cc", "-o", "a.out", "main.c"], { inputs: { "main.c": source }, outputs: ["a.out"] });
   */
  run: runTask,
  /**
   * Calls a Python function that the worker's Python can import: "package.module:function". The
   * type parameter is the type of its result for the client; functions give bytes or lists of them.
   * @example tasks.python("statistics_app.words:count", { inputs: [text], args: [3, { by: "," }] })
   */
  python: pythonTask,
  /**
   * Calls a Python function of a source that is sent along: a whole module, executed once per
   * process.
   * @example
   * const source = "def shout(text): return text.read().decode().upper()";
   * tasks.pythonSource(source, { function: "shout", inputs: [tasks.const("hello")] });
   */
  pythonSource: pythonSourceTask,
  /** A task of any type, e.g. one that your worker offers. The type parameter is up to you. */
  custom,
} as const;
