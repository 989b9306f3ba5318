/**
 * The conversation with the worker: reads records and hands them on. Owns the meaning of
 * records; what comes in wrong is a ProtocolError, as the worker is at fault. Called by main.ts.
 */
import { ProtocolError } from "../base/index.js";
import { Call } from "./call.js";
import { CallRunner } from "./call-runner.js";
import { readData, readPlain } from "./data-reader.js";
import { ResultEncoder } from "./encode-result.js";
import { FrameReader } from "./frame-reader.js";
import { FunctionTable } from "./function-table.js";
import { NOTHING_HELD, readHeld } from "./held-resources.js";
import type { Output } from "./output.js";
import { RecordCursor, Request } from "./protocol.js";
import { ResultFiles } from "./result-files.js";

export class Session {
  private readonly functions = new FunctionTable();
  private readonly reader = new FrameReader((frame) => this.readFrame(frame));
  private configured: CallRunner | undefined;
  /** What calls that are not light hold. */
  private held = NOTHING_HELD;

  constructor(private readonly output: Output) {}

  /** Undefined before CONFIGURE. */
  findRunner(): CallRunner | undefined {
    return this.configured;
  }

  /** @throws ProtocolError */
  push(chunk: Buffer): void {
    this.reader.push(chunk);
    this.configured?.beginTurn();
  }

  private get runner(): CallRunner {
    if (this.configured === undefined) throw new ProtocolError("the first record is no CONFIGURE");
    return this.configured;
  }

  private readFrame(frame: Buffer): void {
    const cursor = new RecordCursor(frame);
    while (cursor.position < cursor.end) {
      const op = cursor.u8();
      switch (op) {
        case Request.configure:
          this.configure(cursor.text());
          break;
        case Request.define:
          this.functions.define(cursor.u32(), readPlain(cursor, undefined));
          break;
        case Request.forget:
          this.functions.forget(cursor.u32());
          break;
        case Request.call:
          this.runner.add(this.readCall(cursor));
          break;
        case Request.cancel: {
          const serial = cursor.u32();
          this.runner.cancel(serial, cursor.u8());
          break;
        }
        case Request.hold:
          this.held = readHeld(cursor.text());
          break;
        default:
          throw new ProtocolError(`unknown op ${op} at byte ${cursor.position - 1} of a frame`);
      }
    }
  }

  private configure(json: string): void {
    if (this.configured !== undefined) throw new ProtocolError("CONFIGURE comes a second time");
    let config: { directories?: unknown; inlineLimit?: unknown } | null;
    try {
      config = JSON.parse(json);
    } catch (cause) {
      throw new ProtocolError("CONFIGURE is no JSON", { cause });
    }
    const { directories, inlineLimit } = config ?? {};
    const isList =
      Array.isArray(directories) && directories.every((item) => typeof item === "string");
    if (!isList || typeof inlineLimit !== "number" || !(inlineLimit >= 0)) {
      throw new ProtocolError(`CONFIGURE needs directories and inlineLimit, got ${json}`);
    }
    const files = new ResultFiles(directories);
    const encoder = new ResultEncoder(this.output, files, inlineLimit);
    this.configured = new CallRunner(this.functions, encoder, this.output);
  }

  private readCall(cursor: RecordCursor): Call {
    const serial = cursor.u32();
    const taskId = cursor.u32() | 0;
    const attempt = cursor.u32();
    const flags = cursor.u8();
    const entry = this.functions.get(cursor.u32());
    const configBytes = cursor.u32();
    const configStart = cursor.skip(configBytes);
    const call = new Call(
      serial,
      taskId,
      attempt,
      flags,
      entry,
      cursor.frame,
      configStart,
      configBytes,
      this.held,
    );
    const count = cursor.u32();
    let number = 0;
    for (let i = 0; i < count; i++) {
      const input = readData(cursor, call, number);
      number += input.objectCount;
      call.inputs.push(input);
    }
    return call;
  }
}
