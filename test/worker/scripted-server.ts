/**
 * A server that does what a test says: takes workers' registrations, sends records, collects
 * what comes back. Real sockets. Used by the tests of the worker.
 */
import {
  BUILTIN_SYMBOLS,
  type BuiltinSymbol,
  builtinSymbol,
  decodeFailureInfo,
  decodeRegister,
  type FailureInfo,
  type RegisterMessage,
  readWorkerToServer,
  ServerToWorkerWriter,
  type WorkerSample,
} from "../../src/protocol/index.js";
import { type Connection, type Listener, listen } from "../../src/transport/index.js";

const NO_BYTES = new Uint8Array(0);

/** One record from a worker. */
export type WorkerEvent =
  | {
      kind: "finished";
      row: number;
      attempt: number;
      sizeBytes: number;
      durationUs: number;
      inline: Uint8Array | undefined;
    }
  | { kind: "failed"; row: number; attempt: number; failure: FailureInfo }
  | { kind: "started" | "retracted"; row: number; attempt: number }
  | { kind: "inputLost"; row: number; attempt: number; inputRow: number; holder: number }
  | { kind: "fetched"; row: number }
  | { kind: "memory"; bytes: number }
  | { kind: "sample"; sample: WorkerSample }
  | { kind: "trace"; records: Uint8Array }
  | { kind: "pong"; serial: number }
  | { kind: "log"; row: number; attempt: number; level: number; text: string }
  | { kind: "output"; requestId: number; totalSize: number; ended: boolean; bytes: Uint8Array }
  | { kind: "closed"; error: Error | undefined };

type Input =
  | { local: number }
  | { inline: number; bytes: Uint8Array }
  | { remote: number; sizeBytes?: number; holders: number[] };

export interface TaskToAssign {
  row: number;
  attempt?: number;
  type: BuiltinSymbol | number;
  cpus?: number;
  /** Id of a request that was sent; instead of cpus. */
  request?: number;
  config?: Uint8Array | string;
  inputs?: Input[];
  extras?: Uint8Array;
}

/** The server's side of one worker. */
export class WorkerEnd {
  readonly writer = new ServerToWorkerWriter();
  readonly events: WorkerEvent[] = [];
  /** Frames received. */
  frames = 0;
  private readonly waiting: {
    match: (event: WorkerEvent) => boolean;
    resolve: (event: WorkerEvent) => void;
  }[] = [];

  constructor(
    readonly connection: Connection,
    readonly register: RegisterMessage,
  ) {}

  assign(task: TaskToAssign): void {
    const { row, attempt = 1, type, cpus = 0, inputs = [], extras } = task;
    const config =
      typeof task.config === "string"
        ? new TextEncoder().encode(task.config)
        : (task.config ?? NO_BYTES);
    const number = typeof type === "number" ? type : builtinSymbol(type);
    const { length } = config;
    if (cpus > 0) this.writer.request({ id: cpus, cpus, amounts: [] });
    const request = task.request ?? cpus;
    this.writer.assign(row, attempt, number, request, 0, inputs.length, config, 0, length, extras);
    for (const input of inputs) {
      if ("local" in input) this.writer.inputLocal(input.local);
      else if ("inline" in input)
        this.writer.inputInline(input.inline, input.bytes, 0, input.bytes.length);
      else this.writer.inputRemote(input.remote, input.sizeBytes ?? 0, input.holders);
    }
  }

  /** Sends the records written since the last time. */
  flush(): void {
    const frame = this.writer.take();
    if (frame !== undefined) this.connection.send(frame);
  }

  /** Resolves with the first event, past or to come, that matches. */
  waitFor(match: (event: WorkerEvent) => boolean): Promise<WorkerEvent> {
    const found = this.events.find(match);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => this.waiting.push({ match, resolve }));
  }

  /** Sends what is written and resolves with the first event of that kind (and row). */
  async next<K extends WorkerEvent["kind"]>(
    kind: K,
    row?: number,
  ): Promise<Extract<WorkerEvent, { kind: K }>> {
    this.flush();
    const event = await this.waitFor(
      (event) =>
        event.kind === kind && (row === undefined || ("row" in event && event.row === row)),
    );
    return event as Extract<WorkerEvent, { kind: K }>;
  }

  /** Resolves when the worker has dealt with everything sent so far. */
  async settled(): Promise<void> {
    const serial = this.events.length + 1_000_000;
    this.writer.ping(serial);
    this.flush();
    await this.waitFor((event) => event.kind === "pong" && event.serial === serial);
  }

  /** @internal */
  add(event: WorkerEvent): void {
    this.events.push(event);
    const index = this.waiting.findIndex(({ match }) => match(event));
    if (index >= 0) this.waiting.splice(index, 1)[0].resolve(event);
  }

  /** @internal */
  read(frame: Uint8Array): void {
    this.frames++;
    readWorkerToServer(frame, {
      finished: (row, attempt, sizeBytes, durationUs, frame, start, length) => {
        const inline = length < 0 ? undefined : frame.slice(start, start + length);
        this.add({ kind: "finished", row, attempt, sizeBytes, durationUs, inline });
      },
      failed: (row, attempt, failure) =>
        this.add({ kind: "failed", row, attempt, failure: decodeFailureInfo(failure) }),
      started: (row, attempt) => this.add({ kind: "started", row, attempt }),
      retracted: (row, attempt) => this.add({ kind: "retracted", row, attempt }),
      inputLost: (row, attempt, inputRow, holder) =>
        this.add({ kind: "inputLost", row, attempt, inputRow, holder }),
      fetched: (row) => this.add({ kind: "fetched", row }),
      memory: (bytes) => this.add({ kind: "memory", bytes }),
      sample: (sample) => this.add({ kind: "sample", sample }),
      trace: (records) => this.add({ kind: "trace", records: records.slice() }),
      pong: (serial) => this.add({ kind: "pong", serial }),
      output: (requestId, totalSize, ended, bytes) =>
        this.add({ kind: "output", requestId, totalSize, ended, bytes: bytes.slice() }),
      log: (row, attempt, level, text) => this.add({ kind: "log", row, attempt, level, text }),
    });
  }
}

/** What to answer to a Register: undefined accepts it, bytes are sent before closing. */
type Answer = (register: RegisterMessage) => Uint8Array | undefined;

export class ScriptedServer {
  readonly workers: WorkerEnd[] = [];
  private readonly waiting: ((worker: WorkerEnd) => void)[] = [];
  private readonly connections = new Set<Connection>();

  private constructor(
    private readonly listener: Listener,
    readonly port: number,
  ) {}

  static async start(answer: Answer = () => undefined): Promise<ScriptedServer> {
    let server: ScriptedServer | undefined;
    const listener = await listen("127.0.0.1", 0, (connection) =>
      server!.accept(connection, answer),
    );
    server = new ScriptedServer(listener, listener.port);
    return server;
  }

  /** Resolves with the next worker that registers. */
  nextWorker(): Promise<WorkerEnd> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  async close(): Promise<void> {
    await this.listener.close();
    for (const connection of this.connections) connection.destroy();
  }

  private accept(connection: Connection, answer: Answer) {
    this.connections.add(connection);
    let worker: WorkerEnd | undefined;
    return {
      frame: (frame: Uint8Array) => {
        if (worker !== undefined) {
          worker.read(frame);
          return;
        }
        const register = decodeRegister(frame);
        const refusal = answer(register);
        if (refusal !== undefined) {
          connection.send(refusal);
          connection.close();
          return;
        }
        worker = new WorkerEnd(connection, register);
        worker.writer.symbols(0, [...BUILTIN_SYMBOLS]);
        worker.flush();
        this.workers.push(worker);
        this.waiting.shift()?.(worker);
      },
      closed: (error: Error | undefined) => {
        this.connections.delete(connection);
        worker?.add({ kind: "closed", error });
      },
    };
  }
}
