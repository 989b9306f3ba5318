/**
 * A process that is many workers at once, as far as a server can see: each connection registers,
 * and reports every task that it is assigned as finished at once, with one byte as the result. So the
 * server is measured alone, with numbers of connections for which real workers would be too many
 * processes. Started by zero-cluster.ts: `zero-workers.ts HOST PORT COUNT`. Over IPC it says when
 * all are registered, and answers each message with {@link WireCounts}.
 */
import {
  type AssignRecord,
  decodeClientResponse,
  encodeRegister,
  FRAME_LENGTH_BYTES,
  RegisterType,
  type ServerToWorkerHandler,
  ServerToWorkerReader,
  WORKER_PROTOCOL_VERSION,
  WorkerToServerWriter,
} from "../src/protocol/index.js";
import { type Connection, type ConnectionHandler, connect } from "../src/transport/index.js";

/** What went over all connections since the start, the frames' lengths included. */
export interface WireCounts {
  bytesFromServer: number;
  bytesToServer: number;
  framesFromServer: number;
  framesToServer: number;
  /** Tasks that were assigned. */
  assigned: number;
}

const TASK_TYPES = ["loom/data/const", "loom/data/merge", "loom/array/make", "loom/base/get"];
const RESULT = Uint8Array.of(0);
/** Never connected to: all results travel in the records. */
const UNUSED_PORT = 1;
/** First byte of an ERROR to somebody who wants to register; a frame of records begins otherwise. */
const RESPONSE_TAG = 8;

const counts: WireCounts = {
  bytesFromServer: 0,
  bytesToServer: 0,
  framesFromServer: 0,
  framesToServer: 0,
  assigned: 0,
};

class ZeroWorker implements ConnectionHandler, ServerToWorkerHandler {
  /** Resolves when the server has accepted the registration. */
  readonly accepted: Promise<void>;
  private readonly reader = new ServerToWorkerReader(this);
  private readonly writer = new WorkerToServerWriter();
  private connection: Connection | undefined;
  private accept: (() => void) | undefined;

  constructor() {
    this.accepted = new Promise((resolve) => {
      this.accept = resolve;
    });
  }

  register(connection: Connection): void {
    this.connection = connection;
    connection.send(
      encodeRegister({
        protocolVersion: 2,
        type: RegisterType.WORKER,
        port: UNUSED_PORT,
        cpus: 1,
        taskTypes: TASK_TYPES,
        workerProtocol: WORKER_PROTOCOL_VERSION,
      }),
    );
  }

  frame(frame: Uint8Array): void {
    if (this.accept !== undefined) {
      if (frame[0] === RESPONSE_TAG) {
        throw new Error(decodeClientResponse(frame).error?.errorMsg ?? "the server refuses");
      }
      this.accept();
      this.accept = undefined;
    }
    this.reader.read(frame);
    counts.framesFromServer++;
    counts.bytesFromServer += FRAME_LENGTH_BYTES + frame.length;
    const batch = this.writer.take();
    if (batch === undefined) return;
    this.connection?.send(batch);
    counts.framesToServer++;
    counts.bytesToServer += FRAME_LENGTH_BYTES + batch.length;
  }

  closed(error: Error | undefined): void {
    fail(error ?? new Error("the server closed the connection"));
  }

  assign({ row, attempt }: AssignRecord): void {
    counts.assigned++;
    this.writer.finished(row, attempt, RESULT.length, 0, RESULT);
  }

  ping(serial: number): void {
    this.writer.pong(serial);
  }

  // Whatever is assigned is finished: there is nothing to keep, to fetch or to give back.
  drop(): void {}
  retract(): void {}
  cancel(): void {}
  request(): void {}
  prefetch(): void {}
  peer(): void {}
  symbols(): void {}
  readOutput(): void {}
  observe(): void {}
  shutdown(): void {}
}

/** Says why, and ends. */
function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`zero-workers: ${message}`);
  process.send?.({ loom: "failed", message }, () => process.exit(1));
}

async function main(host: string, port: number, count: number): Promise<void> {
  const workers = Array.from({ length: count }, () => new ZeroWorker());
  for (const worker of workers) worker.register(await connect(host, port, worker));
  await Promise.all(workers.map(({ accepted }) => accepted));
  process.on("disconnect", () => process.exit(0));
  process.on("message", () => process.send?.(counts));
  process.send?.({ loom: "registered", address: `${host}:${port}` });
}

const [host, port, count] = process.argv.slice(2);
main(host, Number(port), Number(count)).catch(fail);
