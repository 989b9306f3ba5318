/**
 * What the worker does with each record from the server: hands it to the core, the runner or
 * the fetcher. Owns no socket. Called by the worker for every frame, and by the warm-up.
 */
import type { Logger } from "pino";
import { LoomError, messageOf } from "../base/index.js";
import type { Executor, OutputPart } from "../executors/index.js";
import {
  type AssignRecord,
  ObserveFlag,
  type ServerToWorkerHandler,
  ServerToWorkerReader,
} from "../protocol/index.js";
import type { TaskRunner } from "./task-runner.js";

/** More of a program's output is not sent at once, whatever is asked for. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

export interface ServerSessionOptions {
  readonly runner: TaskRunner;
  readonly executors: readonly Executor[];
  readonly logger: Logger;
  /** Worker `index` serves its objects at host:port. */
  setPeer(index: number, host: string, port: number): void;
  /** The server wants to be told of this worker each second, or no more. */
  setSampling(wanted: boolean): void;
  /** This worker is to write a trace into that directory (empty: not given), or no more. */
  onTrace?(directory: string | undefined): void;
  /** The server says stop. */
  shutdown(): void;
}

export class ServerSession implements ServerToWorkerHandler {
  private readonly reader = new ServerToWorkerReader(this);
  private readonly runner: TaskRunner;
  private readonly symbolNumbers = new Map<string, number>();

  constructor(private readonly options: ServerSessionOptions) {
    this.runner = options.runner;
  }

  /** Throws a ProtocolError at a malformed frame. */
  read(frame: Uint8Array): void {
    this.reader.read(frame);
    this.runner.schedule();
  }

  /** Number of a symbol in the server's dictionary. */
  symbol(name: string): number {
    const number = this.symbolNumbers.get(name);
    if (number !== undefined) return number;
    throw new LoomError("task", `the server does not know the type "${name}" of an object`);
  }

  request(request: Parameters<ServerToWorkerHandler["request"]>[0]): void {
    this.runner.core.defineRequest(request);
  }

  prefetch(row: number, sizeBytes: number, holders: number[]): void {
    this.runner.core.prefetch(row, sizeBytes, holders);
  }

  assign(record: AssignRecord): void {
    this.runner.core.assign(record);
  }

  drop(row: number): void {
    this.runner.core.drop(row);
  }

  retract(row: number, attempt: number): void {
    this.runner.core.retract(row, attempt);
  }

  cancel(row: number, attempt: number): void {
    this.runner.core.cancel(row, attempt);
  }

  peer(index: number, host: string, port: number): void {
    this.options.setPeer(index, host, port);
  }

  symbols(first: number, names: string[]): void {
    names.forEach((name, i) => {
      this.symbolNumbers.set(name, first + i);
    });
    this.runner.addSymbols(first, names);
  }

  ping(serial: number): void {
    this.runner.writer.pong(serial);
  }

  readOutput(
    requestId: number,
    row: number,
    attempt: number,
    stream: number,
    offset: number,
    maxBytes: number,
  ): void {
    const name = stream === 2 ? "stderr" : "stdout";
    const limit = Math.min(maxBytes, MAX_OUTPUT_BYTES);
    void this.findOutput(row, attempt, name, offset, limit).then((part) => {
      this.runner.writer.output(requestId, part.totalSize, part.ended, part.bytes);
      this.runner.schedule();
    });
  }

  observe(flags: number, traceDirectory: string): void {
    this.options.setSampling((flags & ObserveFlag.samples) !== 0);
    this.options.onTrace?.((flags & ObserveFlag.trace) !== 0 ? traceDirectory : undefined);
  }

  shutdown(): void {
    this.options.shutdown();
  }

  /** Of a task that does not run here: nothing, ended. */
  private async findOutput(
    row: number,
    attempt: number,
    stream: "stdout" | "stderr",
    offset: number,
    maxBytes: number,
  ): Promise<OutputPart> {
    try {
      for (const executor of this.options.executors) {
        const part = await executor.readOutput?.(row, attempt, stream, offset, maxBytes);
        if (part !== undefined) return part;
      }
    } catch (error) {
      this.options.logger.warn({ row }, `output not read: ${messageOf(error)}`);
    }
    return { bytes: new Uint8Array(0), totalSize: 0, ended: true };
  }
}
