/**
 * A worker that does what a test says, right or wrong, over a plain socket. It has no data port:
 * results are small and travel inside the records. What the server sends is read with our
 * reader, which throws at anything malformed.
 */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { ConcreteRequest } from "../../src/graph/index.js";
import { Register_Type, RegisterSchema } from "../../src/protocol/generated/loom_pb.js";
import {
  decodeTaskExtras,
  encodeFailureInfo,
  ServerToWorkerReader,
  type TaskExtras,
  WORKER_PROTOCOL_VERSION,
  WorkerToServerWriter,
} from "../../src/protocol/index.js";
import { within } from "./deadline.js";
import { FrameSocket } from "./frame-socket.js";

export interface Assigned {
  readonly row: number;
  readonly attempt: number;
  readonly type: string;
  readonly config: string;
  readonly extras: TaskExtras | undefined;
}

type RegisterInit = MessageInitShape<typeof RegisterSchema>;

/** The Register of a worker that is all right. */
export function workerRegister(init: RegisterInit = {}): RegisterInit {
  return {
    protocolVersion: 2,
    type: Register_Type.WORKER,
    workerProtocol: WORKER_PROTOCOL_VERSION,
    port: 1,
    cpus: 1,
    taskTypes: ["test/own"],
    dataTypes: ["loom/data"],
    ...init,
  };
}

export class ScriptedWorker {
  readonly writer = new WorkerToServerWriter();
  socket!: FrameSocket;
  /** Finish whatever is assigned at once, with an empty result. */
  finishesAll = false;
  answersPings = true;
  /** Pings received. */
  pings = 0;
  /** A malformed frame from the server. */
  broken: unknown;
  readonly symbols: string[] = [];
  readonly peers: string[] = [];
  /** What the server has defined, by id. */
  readonly requests = new Map<number, ConcreteRequest>();
  private readonly assigned: Assigned[] = [];
  private readonly cancelled: { row: number; attempt: number }[] = [];
  private readonly history: string[] = [];
  private wake = () => {};
  private readonly reader = new ServerToWorkerReader({
    request: (request) => this.requests.set(request.id, request),
    prefetch: (row) => this.note(`prefetch ${row}`),
    assign: (record) => {
      const { frame, row, attempt, configStart, configLength, extrasStart, extrasLength } = record;
      const extras = frame.subarray(extrasStart, extrasStart + extrasLength);
      this.note(`assign ${row} ${attempt}`);
      this.assigned.push({
        row,
        attempt,
        type: this.symbols[record.taskType],
        config: Buffer.from(frame.subarray(configStart, configStart + configLength)).toString(),
        extras: extrasLength === 0 ? undefined : decodeTaskExtras(extras),
      });
    },
    drop: (row) => this.note(`drop ${row}`),
    retract: (row, attempt) => this.note(`retract ${row} ${attempt}`),
    cancel: (row, attempt) => {
      this.note(`cancel ${row} ${attempt}`);
      this.cancelled.push({ row, attempt });
    },
    peer: (index, host, port) => this.peers.push(`${index} ${host}:${port}`),
    symbols: (first, names) => this.symbols.splice(first, names.length, ...names),
    ping: (serial) => {
      this.pings++;
      if (!this.answersPings) return;
      this.writer.pong(serial);
      this.flush();
    },
    readOutput: () => {},
    observe: (flags, directory) => this.note(`observe ${flags} ${directory}`),
    shutdown: () => this.note("shutdown"),
  });

  /** Joins; resolves when the server has accepted it. */
  static async join(port: number, init: RegisterInit = {}): Promise<ScriptedWorker> {
    const worker = new ScriptedWorker();
    worker.socket = await FrameSocket.open(
      port,
      (frame) => worker.frame(frame),
      () => worker.note("closed"),
      true,
    );
    const message = workerRegister(init);
    worker.socket.sendFrame(toBinary(RegisterSchema, create(RegisterSchema, message)));
    await worker.until(() => worker.symbols.length > 0, "acceptance");
    return worker;
  }

  /** The next task that it is to execute. */
  async takeAssigned(): Promise<Assigned> {
    await this.until(() => this.assigned.length > 0, "a task");
    return this.assigned.shift()!;
  }

  /** The next task that it is to stop. */
  async takeCancelled(): Promise<{ row: number; attempt: number }> {
    await this.until(() => this.cancelled.length > 0, "a cancellation");
    return this.cancelled.shift()!;
  }

  /** What is assigned and was not taken. */
  get untaken(): readonly Assigned[] {
    return this.assigned;
  }

  finish({ row, attempt }: { row: number; attempt: number }, content: string): void {
    this.writer.finished(row, attempt, content.length, 0, Buffer.from(content));
    this.flush();
  }

  fail({ row, attempt }: { row: number; attempt: number }, message: string): void {
    this.writer.failed(row, attempt, encodeFailureInfo({ message }));
    this.flush();
  }

  /** Sends the records written. */
  flush(): void {
    const batch = this.writer.take();
    if (batch !== undefined) this.socket.sendFrame(batch);
  }

  /** The server has ended the connection. */
  untilEnded(): Promise<void> {
    return this.until(() => this.socket.peerEnded || this.socket.isClosed, "the end");
  }

  close(): void {
    this.socket.destroy();
  }

  private frame(frame: Buffer): void {
    try {
      this.reader.read(frame);
    } catch (error) {
      this.broken = error;
      this.note(`malformed: ${error}`);
      this.socket.destroy();
      return;
    }
    if (this.finishesAll) {
      for (const { row, attempt } of this.assigned.splice(0)) {
        this.writer.finished(row, attempt, 0, 0, new Uint8Array(0));
      }
      this.flush();
    }
    this.wake();
  }

  private note(what: string): void {
    this.history.push(what);
    this.wake();
  }

  private async until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) {
      const change = new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      await within(change, `worker waits for ${what}`, () => this.history.slice(-60).join("\n"));
    }
  }
}
