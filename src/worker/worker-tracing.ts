/**
 * Begins and ends the tracing of a worker, as the server says. Writes to a file in the directory of the
 * trace, or, where that is not to be found (another file system), sends its records to the server, which
 * writes them. Called by the session with the server.
 */
import { access } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type { Logger } from "pino";
import { messageOf, VERSION } from "../base/index.js";
import { TRACE_FILE_SUFFIX, TraceFile, WorkerTraceWriter } from "../trace/index.js";
import { TaskTrace } from "./task-trace.js";

const FLUSH_INTERVAL_MS = 200;

/** Whose tasks are traced. */
interface Traced {
  trace: TaskTrace | undefined;
}

export class WorkerTracing {
  private current: TraceSession | undefined;
  private instruction: string | undefined;

  /**
   * @param runner its tasks are traced
   * @param sendToServer takes records that can't be written here
   */
  constructor(
    private readonly runner: Traced,
    private readonly logger: Logger,
    private readonly sendToServer: (records: Uint8Array) => void,
  ) {}

  /**
   * Traces from this moment on, or no more.
   * @param instruction three lines: number of this worker, id of the run, directory; undefined: no trace
   */
  set(instruction: string | undefined): void {
    if (instruction === this.instruction) return;
    this.instruction = instruction;
    void this.end();
    if (instruction === undefined) return;
    const session = new TraceSession(instruction, this.logger, this.sendToServer, () => {
      if (this.current === session) this.runner.trace = undefined;
    });
    this.current = session;
    this.runner.trace = session.trace;
  }

  close(): Promise<void> {
    this.instruction = undefined;
    return this.end();
  }

  private async end(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    this.runner.trace = undefined;
    await current?.end();
  }
}

/** From the server's word until it ends, or nothing can be written any more. */
class TraceSession {
  readonly trace: TaskTrace;
  private readonly writer: WorkerTraceWriter;
  /** Undefined: the records go to the server. */
  private readonly file: Promise<TraceFile | undefined>;
  private readonly timer: NodeJS.Timeout;

  constructor(
    instruction: string,
    private readonly logger: Logger,
    private readonly sendToServer: (records: Uint8Array) => void,
    private readonly onFailure: () => void,
  ) {
    this.file = this.createFile(instruction);
    // What is written before the file is there waits for it.
    const send = (records: Uint8Array): void => {
      void this.file.then((file) => {
        if (file === undefined) sendToServer(records);
        else file.write(records);
      });
    };
    this.writer = new WorkerTraceWriter(send);
    this.trace = new TaskTrace(this.writer);
    this.timer = setInterval(() => this.writer.flush(), FLUSH_INTERVAL_MS);
  }

  async end(): Promise<void> {
    clearInterval(this.timer);
    this.writer.flush();
    const file = await this.file;
    await file?.close();
    // The server waits for this: all is written.
    this.sendToServer(new Uint8Array(0));
  }

  private async createFile(instruction: string): Promise<TraceFile | undefined> {
    const [worker, run, ...rest] = instruction.split("\n");
    const directory = rest.join("\n");
    const name = (role: string): string =>
      join(directory, `${role}-${run.slice(0, 8)}${TRACE_FILE_SUFFIX}`);
    const header = {
      role: "worker",
      run,
      software: VERSION,
      hostname: hostname(),
      pid: process.pid,
      startMs: performance.timeOrigin + performance.now(),
      worker: Number(worker),
    } as const;
    try {
      // The server's file is there before: else it is another directory of this name.
      await access(name("server"));
      return await TraceFile.create(name(`worker-${worker}`), header, (problem) => {
        this.logger.warn(`this worker's part of the trace has ended, tasks go on: ${problem}`);
        clearInterval(this.timer);
        this.onFailure();
      });
    } catch (error) {
      this.logger.info(`the server writes this worker's trace: ${messageOf(error)}`);
      return undefined;
    }
  }
}
