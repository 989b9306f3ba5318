/**
 * Frames between the worker and its launchers (launcher/launcher.py, launcher/launcher.mjs):
 * layout, writer of requests, reader of replies. Owns no process and no meaning of outcomes;
 * used by launcher-process.ts.
 *
 * Every frame: u32 length of the rest, u8 kind, then (integers little-endian):
 *
 * | to the launcher | content                                                                   |
 * |-----------------|---------------------------------------------------------------------------|
 * | 1 configure     | `NAME=VALUE` of the environment, joined by NUL                            |
 * | 2 run           | u8 flags (1: make the directory, 2: keep it), u32 id, time limit in ms,   |
 * |                 | bytes of the text, numbers of arguments, variables, folders, links,       |
 * |                 | files, outputs; the text; the files' contents, end to end                 |
 * | 3 kill          | u32 id                                                                    |
 *
 * The text of `run` is joined by NUL: directory, standard input ("" = none), its expected
 * size ("" = any), cores and success codes (both numbers joined by ","), arguments,
 * `NAME=VALUE`s, folders, name + target + expected size of each link, name + size of each
 * file, outputs. No field can hold a NUL; mapping.ts has refused those.
 *
 * | from the launcher | content                                                                 |
 * |-------------------|-------------------------------------------------------------------------|
 * | 0 ready           | text: why it can't pin programs; empty: it can                          |
 * | 1 started         | u32 id, u32 process group                                               |
 * | 2 ended           | u32 id, u8 outcome, u8 flags (1: directory is left to the worker), i32  |
 * |                   | status or signal number, u32 number of parts; each: u8 kind, u32 length,|
 * |                   | bytes                                                                   |
 * | 3 pinning lost    | text: why                                                               |
 *
 * Parts of a success are the outputs in order, else one part with standard error or a text.
 * Plain text fields joined by NUL cost Python one `split`, and need no decoding: it takes
 * and gives names as bytes.
 */

import { ProtocolError } from "../../base/index.js";

const ToLauncher = { configure: 1, run: 2, kill: 3 } as const;
const FromLauncher = { ready: 0, started: 1, ended: 2, pinningLost: 3 } as const;

const FLAG_MAKE_DIRECTORY = 1;
const FLAG_KEEP_DIRECTORY = 2;
const FLAG_DIRECTORY_REMAINS = 1;
const RUN_HEAD = 4 + 1 + 1 + 9 * 4;

/** A field of a request's text. */
export type Field = string | Uint8Array;

/** A file that appears in the working directory as a symbolic link to it. */
export interface LinkedFile {
  readonly name: string;
  readonly target: string;
  /** Bytes it must have. */
  readonly sizeBytes: number;
}

/** A small file, written by the launcher. */
export interface WrittenFile {
  readonly name: string;
  readonly content: Uint8Array;
}

/** What a launcher needs to know to run one program. */
export interface RunRequest {
  readonly directory: string;
  /** False: the worker has made it already. */
  readonly makeDirectory: boolean;
  readonly keepDirectory: boolean;
  /** 0 = no limit. */
  readonly timeLimitMs: number;
  /** A path, absolute or relative to the directory; "" = nothing to read. */
  readonly stdin: string;
  /** Bytes that file must have; undefined: any number. */
  readonly stdinSizeBytes: number | undefined;
  readonly cores: readonly number[];
  /** Empty: only 0. */
  readonly successCodes: readonly number[];
  /** The program and its arguments. */
  readonly args: readonly Field[];
  /** Added to the environment, or replacing what is there. */
  readonly env: Readonly<Record<string, string>>;
  /** Relative folders to make, outer ones first. */
  readonly folders: readonly string[];
  readonly links: readonly LinkedFile[];
  readonly files: readonly WrittenFile[];
  /** Names of the files that are the result. */
  readonly outputs: readonly string[];
}

/** How a program ended, as the launchers number it. */
export const Outcome = {
  succeeded: 0,
  exited: 1,
  signalled: 2,
  timedOut: 3,
  notStarted: 4,
  failed: 5,
} as const;

/** Where an output is. */
export const PartKind = {
  /** In the reply. */
  inline: 0,
  /** Moved to {@link movedOutputPath}. */
  moved: 1,
  /** Still in the working directory, to be copied: it is a link or has other names. */
  inPlace: 2,
} as const;

export interface EndedPart {
  readonly kind: number;
  /** A copy: refers to no bigger buffer. */
  readonly bytes: Uint8Array;
}

export interface Ended {
  readonly outcome: number;
  /** Exit status or number of the signal. */
  readonly detail: number;
  readonly directoryRemains: boolean;
  readonly parts: readonly EndedPart[];
}

/** Told what a launcher replied. */
export interface ReplyHandler {
  ready(whyNoPinning: string): void;
  started(id: number, processGroup: number): void;
  ended(id: number, ended: Ended): void;
  pinningLost(reason: string): void;
}

/** Where a launcher moves output `index` of the task with that working directory. */
export function movedOutputPath(directory: string, index: number): string {
  return `${directory}.out${index}`;
}

/** Gathers requests, to be sent with one write. */
export class RequestWriter {
  #buffer = Buffer.allocUnsafeSlow(16 * 1024);
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** The environment that all programs get, unless their task changes it. */
  configure(env: Readonly<Record<string, string | undefined>>): void {
    const start = this.#begin(5);
    this.#buffer[start + 4] = ToLauncher.configure;
    for (const [name, value] of Object.entries(env)) {
      if (value !== undefined) this.#field(`${name}=${value}`);
    }
    this.#end(start);
  }

  run(id: number, request: RunRequest): void {
    const { args, folders, links, files, outputs } = request;
    const env = Object.entries(request.env);
    const start = this.#begin(RUN_HEAD);
    const textStart = this.#length;
    this.#field(request.directory);
    this.#field(request.stdin);
    this.#field(request.stdinSizeBytes === undefined ? "" : String(request.stdinSizeBytes));
    this.#field(request.cores.join(","));
    this.#field(request.successCodes.join(","));
    for (const arg of args) this.#field(arg);
    for (const [name, value] of env) this.#field(`${name}=${value}`);
    for (const folder of folders) this.#field(folder);
    for (const { name, target, sizeBytes } of links) {
      this.#field(name);
      this.#field(target);
      this.#field(String(sizeBytes));
    }
    for (const { name, content } of files) {
      this.#field(name);
      this.#field(String(content.length));
    }
    for (const name of outputs) this.#field(name);
    const textLength = this.#length - textStart;
    for (const { content } of files) {
      this.#reserve(content.length);
      this.#buffer.set(content, this.#length);
      this.#length += content.length;
    }
    const buffer = this.#buffer;
    buffer[start + 4] = ToLauncher.run;
    buffer[start + 5] =
      (request.makeDirectory ? FLAG_MAKE_DIRECTORY : 0) |
      (request.keepDirectory ? FLAG_KEEP_DIRECTORY : 0);
    const numbers = [
      id,
      request.timeLimitMs,
      textLength,
      args.length,
      env.length,
      folders.length,
      links.length,
      files.length,
      outputs.length,
    ];
    for (let i = 0; i < numbers.length; i++) buffer.writeUInt32LE(numbers[i], start + 6 + 4 * i);
    this.#end(start);
  }

  kill(id: number): void {
    const start = this.#begin(9);
    this.#buffer[start + 4] = ToLauncher.kill;
    this.#buffer.writeUInt32LE(id, start + 5);
    this.#end(start);
  }

  /** What was gathered; the writer begins anew. */
  take(): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  /** Makes room for a frame's head and gives its start. */
  #begin(headBytes: number): number {
    this.#reserve(headBytes);
    const start = this.#length;
    this.#length += headBytes;
    return start;
  }

  #end(start: number): void {
    this.#buffer.writeUInt32LE(this.#length - start - 4, start);
  }

  /** Each field ends with a NUL; the one after the last gives an empty field nobody reads. */
  #field(field: Field): void {
    if (typeof field === "string") {
      // A UTF-16 unit is at most three bytes in UTF-8.
      this.#reserve(field.length * 3 + 1);
      this.#length += this.#buffer.write(field, this.#length, "utf8");
    } else {
      this.#reserve(field.length + 1);
      this.#buffer.set(field, this.#length);
      this.#length += field.length;
    }
    this.#buffer[this.#length++] = 0;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const bigger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    bigger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = bigger;
  }
}

/** Cuts what a launcher writes into replies. */
export class ReplyReader {
  #rest: Buffer | undefined;

  constructor(private readonly handler: ReplyHandler) {}

  /** Takes the next bytes. Throws ProtocolError if they are not what a launcher sends. */
  push(chunk: Buffer): void {
    const data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (data.length - at >= 4) {
      const end = at + 4 + data.readUInt32LE(at);
      if (data.length < end) break;
      const frame = data.subarray(at + 4, end);
      try {
        this.#reply(frame);
      } catch (error) {
        // Reading beyond the end.
        if (!(error instanceof RangeError)) throw error;
        throw new ProtocolError(`malformed reply ${frame[0]} from a launcher`, { cause: error });
      }
      at = end;
    }
    this.#rest = at === data.length ? undefined : data.subarray(at);
  }

  #reply(frame: Buffer): void {
    switch (frame[0]) {
      case FromLauncher.ready:
        this.handler.ready(frame.toString("utf8", 1));
        break;
      case FromLauncher.started:
        this.handler.started(frame.readUInt32LE(1), frame.readUInt32LE(5));
        break;
      case FromLauncher.ended:
        this.handler.ended(frame.readUInt32LE(1), decodeEnded(frame));
        break;
      case FromLauncher.pinningLost:
        this.handler.pinningLost(frame.toString("utf8", 1));
        break;
      default:
        throw new ProtocolError(`unknown reply ${frame[0]} from a launcher`);
    }
  }
}

function decodeEnded(frame: Buffer): Ended {
  const count = frame.readUInt32LE(11);
  const parts: EndedPart[] = [];
  let at = 15;
  for (let i = 0; i < count; i++) {
    const start = at + 5;
    const end = start + frame.readUInt32LE(at + 1);
    if (end > frame.length) throw new RangeError("a part is longer than its frame");
    const bytes = new Uint8Array(end - start);
    bytes.set(frame.subarray(start, end));
    parts.push({ kind: frame[at], bytes });
    at = end;
  }
  return {
    outcome: frame[5],
    directoryRemains: (frame[6] & FLAG_DIRECTORY_REMAINS) !== 0,
    detail: frame.readInt32LE(7),
    parts,
  };
}
