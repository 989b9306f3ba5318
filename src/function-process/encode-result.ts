/**
 * Writes what a function returned as the fields of a RESULT. Owns what may be returned; large
 * bytes go to files (result-files.ts). Called by call-runner.ts.
 */

import { PieceData } from "./array-data.js";
import type { Call } from "./call.js";
import { CallProblem } from "./call-problem.js";
import { DataObject } from "./data.js";
import { type Output, TooLargeError } from "./output.js";
import { Kind } from "./protocol.js";
import type { ResultFiles } from "./result-files.js";
import { WrappedData } from "./value-data.js";

/** More tasks can only be a mistake: shared ones are written again for each of their users. */
const MAX_TASKS = 100_000;

/** The worker reads what is nested with recursion, and refuses more. */
const MAX_NESTING = 1000;

/** What makes something a task, whichever copy of HyperLoom made it. */
interface TaskShape {
  readonly type: string;
  readonly config: Uint8Array;
  readonly inputs: readonly unknown[];
}

/** An array or the inputs of a task, some of them written. */
interface OpenList {
  readonly items: readonly unknown[];
  readonly count: number;
  next: number;
  readonly task: TaskShape | undefined;
}

export class ResultEncoder {
  private taskCount = 0;
  private files: string[] = [];

  constructor(
    private readonly output: Output,
    private readonly resultFiles: ResultFiles,
    private readonly inlineLimit: number,
  ) {}

  /**
   * Writes the result of `call`. When it throws, the caller drops what was written.
   * @throws CallProblem naming what can't be a result
   */
  encode(call: Call, value: unknown): void {
    try {
      if (!this.writePlain(value) && !this.writeData(call, value)) this.writeTree(call, value);
    } catch (error) {
      const { files } = this;
      this.files = [];
      if (files.length > 0) this.resultFiles.remove(files);
      if (error instanceof TooLargeError) {
        throw new CallProblem(
          `function "${call.entry.name}" returned ${error.message}; join them, or return less`,
        );
      }
      throw error;
    }
    if (this.files.length > 0) this.files = [];
    this.taskCount = 0;
  }

  private writePlain(value: unknown): boolean {
    if (typeof value === "string") {
      if (value.length * 3 <= this.inlineLimit || Buffer.byteLength(value) <= this.inlineLimit) {
        this.output.u8(Kind.bytes);
        this.output.text(value);
      } else {
        this.writeFile(Buffer.from(value));
      }
      return true;
    }
    if (value instanceof Uint8Array) {
      this.writeBytes(value);
      return true;
    }
    if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
      this.writeBytes(new Uint8Array(value));
      return true;
    }
    return false;
  }

  private writeBytes(bytes: Uint8Array): void {
    if (bytes.byteLength > this.inlineLimit) {
      this.writeFile(bytes);
    } else {
      this.output.u8(Kind.bytes);
      this.output.bytes(bytes);
    }
  }

  private writeFile(bytes: Uint8Array): void {
    const path = this.resultFiles.write(bytes);
    this.files.push(path);
    this.output.u8(Kind.file);
    this.output.text(path);
    this.output.u64(bytes.byteLength);
  }

  private writeData(call: Call, value: unknown): boolean {
    if (!(value instanceof DataObject)) return false;
    const { output } = this;
    if (value instanceof WrappedData) {
      output.u8(Kind.value);
      output.text(value.type);
      this.writeBytes(value.serialized);
      return true;
    }
    this.checkOwner(call, value);
    if (value instanceof PieceData) {
      output.u8(Kind.piece);
      output.u32(value.index.number);
      output.u64(value.piece);
    } else {
      output.u8(Kind.input);
      output.u32(value.number);
    }
    return true;
  }

  private checkOwner(call: Call, value: DataObject): void {
    if (value.owner === call) return;
    throw new CallProblem(
      `function "${call.entry.name}" returned Data that another call got; return a copy of its bytes (Buffer.from(data.bytes()))`,
    );
  }

  /** Arrays and tasks, in preorder, with a stack of its own: they may be nested deeply. */
  private writeTree(call: Call, value: unknown): void {
    this.taskCount = 0;
    const open: OpenList[] = [];
    /** Arrays that are open, to find one that contains itself. */
    const around = new Set<unknown>();
    const begin = (item: unknown) => {
      const list = this.beginList(call, item, open);
      if (list.task === undefined) {
        if (around.has(item)) throw wrongResult(call, open, "an array that contains itself");
        around.add(item);
      }
      open.push(list);
    };
    begin(value);
    for (;;) {
      const list = open[open.length - 1];
      if (list.next === list.count) {
        open.pop();
        around.delete(list.items);
        if (open.length === 0) return;
        continue;
      }
      const item = list.items[list.next++];
      if (this.writeData(call, item)) continue;
      if (list.task === undefined && this.writePlain(item)) continue;
      begin(item);
    }
  }

  /** Writes the head of an array or task. */
  private beginList(call: Call, item: unknown, open: readonly OpenList[]): OpenList {
    const { output } = this;
    const parent = open.at(-1);
    if (open.length >= MAX_NESTING) {
      throw new CallProblem(
        `function "${call.entry.name}" returned ${parent?.task === undefined ? "arrays" : "tasks"} nested over ${MAX_NESTING} deep: return a flat array, or ctx.wrap(value)`,
      );
    }
    if (Array.isArray(item) && parent?.task === undefined) {
      output.u8(Kind.array);
      output.u32(item.length);
      return { items: item, count: item.length, next: 0, task: undefined };
    }
    const task = asTask(item);
    if (task === undefined || (parent !== undefined && parent.task === undefined)) {
      throw wrongResult(call, open, describeWrong(item));
    }
    if (++this.taskCount > MAX_TASKS) {
      throw new CallProblem(
        `function "${call.entry.name}" returned a task with more than ${MAX_TASKS} tasks among its inputs ` +
          "(a task that several others use counts once for each); submit them from the client instead",
      );
    }
    const { inputs } = task;
    output.u8(Kind.task);
    output.text(task.type);
    output.bytes(task.config);
    output.u32(inputs.length);
    return { items: inputs, count: inputs.length, next: 0, task };
  }
}

function asTask(value: unknown): TaskShape | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { type, config, inputs } = value as Partial<TaskShape>;
  return typeof type === "string" && config instanceof Uint8Array && Array.isArray(inputs)
    ? { type, config, inputs }
    : undefined;
}

function wrongResult(call: Call, open: readonly OpenList[], what: string): CallProblem {
  const inTask = open.findLastIndex((list) => list.task !== undefined);
  const name = `function "${call.entry.name}"`;
  if (inTask !== -1) {
    const { task, next } = open[inTask];
    return new CallProblem(
      `${name} returned a task "${task?.type}" whose input ${next - 1} is ${what}: ` +
        "inputs are Data, tasks (tasks.const for a string or bytes) and ctx.wrap(value)",
    );
  }
  const path = open.map(({ next }) => `[${next - 1}]`);
  const deep = path.length > 5 ? [...path.slice(0, 4), "...", path.at(-1)] : path;
  const where = path.length === 0 ? "" : `an array whose element ${deep.join("")} is `;
  return new CallProblem(
    `${name} returned ${where}${what}: return a string, Uint8Array, array, Data, Task or ctx.wrap(value)`,
  );
}

/** Names what can't be a result, with what to do where that is known. */
function describeWrong(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "undefined";
  if (typeof value === "function")
    return `a function${value.name === "" ? "" : ` (${value.name})`}`;
  if (typeof value !== "object")
    return typeof value === "object" ? "an object" : `a ${typeof value}`;
  if (Array.isArray(value)) return "an array";
  if (asTask(value) !== undefined)
    return "a task (a task can't be in an array: use tasks.arrayMake)";
  if (ArrayBuffer.isView(value)) {
    const name = value.constructor.name;
    return `a ${name} (use ctx.wrap, or Buffer.from(x.buffer, x.byteOffset, x.byteLength) for its bytes)`;
  }
  if (typeof (value as { then?: unknown }).then === "function") {
    return "a promise (await it, or all of them: await Promise.all(...))";
  }
  const { id, gather } = value as { id?: unknown; gather?: unknown };
  if (typeof id === "number" && typeof gather === "function") {
    return "a future (it belongs to a client and means nothing on a worker)";
  }
  const name = value.constructor?.name;
  return name === undefined || name === "Object" ? "an object" : `an object of class ${name}`;
}
