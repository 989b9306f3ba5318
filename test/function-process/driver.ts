/** A worker's side of one real function process, for tests. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { serialize } from "node:v8";
import * as codec from "./codec.js";

export const MAIN = fileURLToPath(new URL("../../dist/function-process/main.js", import.meta.url));

export interface ProcessOptions {
  /** Flags of Node. */
  readonly flags?: readonly string[];
  readonly inlineLimit?: number;
  readonly directories?: readonly string[];
  readonly cwd?: string;
  /** It can't write files of more than so many KiB. */
  readonly fileLimitKiB?: number;
  /** Sent in place of CONFIGURE. */
  readonly first?: Buffer;
}

export interface CodeOptions {
  readonly name?: string;
  readonly context?: boolean;
  readonly captured?: object;
  readonly url?: string;
  readonly hash?: string;
}

/** The object of a function: a header and these bytes after it. */
export function functionObject(header: object, rest: codec.Bytes = ""): Buffer {
  return Buffer.concat([codec.sized(JSON.stringify(header)), Buffer.from(rest as Uint8Array)]);
}

/** @param code a CommonJS module */
export function codeObject(code: string, options: CodeOptions = {}): Buffer {
  const { name = "f", context = false, captured, url, hash } = options;
  const values = captured === undefined ? Buffer.alloc(0) : serialize(captured);
  const rest = Buffer.concat([Buffer.from(code), values]);
  const sha = hash ?? createHash("sha256").update(rest).digest("hex");
  const codeBytes = Buffer.byteLength(code);
  return functionObject({ name, hash: sha, codeBytes, context, url }, rest);
}

/** What a call may differ in from the simplest one. */
export type CallOptions = Omit<codec.CallFields, "serial" | "fn" | "inputs">;

export class CallFailed extends Error {}

const open = new Set<FunctionProcess>();

/** Kills what a test has left; for afterEach. */
export async function endProcesses(): Promise<void> {
  await Promise.all([...open].map((process) => process.kill()));
}

export class FunctionProcess {
  stdout = "";
  stderr = "";
  readonly logs: { serial: number; level: number; text: string }[] = [];
  /** Serials in the order of their answers. */
  readonly answered: number[] = [];
  /** Number of replies in each frame. */
  readonly frames: number[] = [];
  readonly replies: codec.Reply[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), "function-process-"));
  readonly ready: Promise<Record<string, string>>;
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly child: ChildProcess;
  readonly socket: Duplex;
  private serial = 100;
  private functions = 0;
  private received = Buffer.alloc(0);
  private readonly waiting: { isDone: () => boolean; resolve: () => void }[] = [];

  constructor(options: ProcessOptions = {}) {
    const { flags = [], inlineLimit = 65536, directories = [this.directory], cwd } = options;
    const command = [process.execPath, ...flags, MAIN];
    if (options.fileLimitKiB !== undefined) {
      // In blocks of 512 bytes.
      command.unshift("sh", "-c", `ulimit -f ${2 * options.fileLimitKiB}; exec "$0" "$@"`);
    }
    this.child = spawn(command[0], command.slice(1), {
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      cwd: cwd ?? this.directory,
    });
    open.add(this);
    this.socket = this.child.stdio[3] as Duplex;
    this.child.stdout?.on("data", (chunk) => this.note(() => (this.stdout += chunk)));
    this.child.stderr?.on("data", (chunk) => this.note(() => (this.stderr += chunk)));
    this.socket.on("data", (chunk: Buffer) => this.note(() => this.receive(chunk)));
    this.socket.on("error", () => {});
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code, signal) => {
        open.delete(this);
        rmSync(this.directory, { recursive: true, force: true });
        this.isOver = true;
        this.note(() => {});
        resolve({ code, signal });
      });
    });
    this.socket.write(codec.frame(options.first ?? codec.configure({ directories, inlineLimit })));
    this.ready = this.until(() => this.replies.length > 0).then(() => {
      const [first] = this.replies;
      if (first.op !== "ready") throw new Error(`the first reply is ${first.op}`);
      return JSON.parse(first.text);
    });
    this.ready.catch(() => {});
  }

  private isOver = false;

  /** Waits for what the process does; fails when it ends without. */
  async until(isDone: () => boolean): Promise<void> {
    if (isDone()) return;
    await new Promise<void>((resolve) => this.waiting.push({ isDone, resolve }));
    if (!isDone()) throw new Error(`the process has ended: ${this.stderr}`);
  }

  private note(change: () => void): void {
    change();
    for (const entry of [...this.waiting]) {
      if (!this.isOver && !entry.isDone()) continue;
      this.waiting.splice(this.waiting.indexOf(entry), 1);
      entry.resolve();
    }
  }

  private receive(chunk: Buffer): void {
    let bytes = Buffer.concat([this.received, chunk]);
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32LE()) {
      const end = 4 + bytes.readUInt32LE();
      const replies = codec.decodeReplies(bytes.subarray(4, end));
      this.frames.push(replies.length);
      for (const reply of replies) {
        this.replies.push(reply);
        if (reply.op === "log") this.logs.push(reply);
        else if (reply.op !== "ready") this.answered.push(reply.serial);
      }
      bytes = bytes.subarray(end);
    }
    this.received = Buffer.from(bytes);
  }

  send(...records: Buffer[]): void {
    this.socket.write(codec.frame(...records));
  }

  /** Defines a function by the text of a CommonJS module. */
  define(code: string, options: CodeOptions = {}): number {
    return this.defineObject(codec.bytesObject(codeObject(code, options)));
  }

  /** Defines a function whose code is this expression. */
  fn(expression: string, options: CodeOptions = {}): number {
    return this.define(`exports.default = ${expression};`, options);
  }

  defineObject(object: Buffer): number {
    const number = ++this.functions;
    this.send(codec.define(number, object));
    return number;
  }

  nextSerial(): number {
    return ++this.serial;
  }

  /** The result; rejects with CallFailed. */
  async call(
    fn: number,
    inputs: readonly (Buffer | string)[] = [],
    options: CallOptions = {},
  ): Promise<codec.Result> {
    const serial = this.nextSerial();
    this.send(codec.call({ serial, fn, inputs: inputs.map(asObject), ...options }));
    return this.answer(serial);
  }

  /** Waits for the answer of a call that was sent. */
  async answer(serial: number): Promise<codec.Result> {
    await this.until(() => this.answered.includes(serial));
    const reply = this.replies.find(
      (one) => (one.op === "result" || one.op === "failed") && one.serial === serial,
    );
    if (reply?.op === "result") return reply.result;
    throw new CallFailed(reply?.op === "failed" ? reply.message : "no answer");
  }

  /** The message of a call that fails. */
  async failure(
    fn: number,
    inputs: readonly (Buffer | string)[] = [],
    options: CallOptions = {},
  ): Promise<string> {
    return this.call(fn, inputs, options).then(
      (result) => {
        throw new Error(`the call did not fail but gave ${JSON.stringify(result)}`);
      },
      (error) => {
        if (error instanceof CallFailed) return error.message;
        throw error;
      },
    );
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
  }
}

function asObject(input: Buffer | string): Buffer {
  return typeof input === "string" ? codec.bytesObject(input) : input;
}

/** Direct arguments as clients send them. */
export const serializedConfig = (...values: unknown[]) =>
  Buffer.concat([codec.u8(1), serialize(values)]);
export const jsonConfig = (...values: unknown[]) =>
  Buffer.concat([codec.u8(2), Buffer.from(JSON.stringify(values))]);
