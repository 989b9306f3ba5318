/**
 * Runs made-up plans through a server of its own, with a made-up client and worker in place of
 * sockets, before the real one listens: so the code is compiled when the first real plan comes.
 * A small first plan gains most (see docs/benchmarks.md, chain-5k cold).
 */
import { pino } from "pino";
import {
  type AssignRecord,
  builtinSymbol,
  ClientRequestType,
  encodeClientRequest,
  encodeRegister,
  PlanEncoder,
  RegisterType,
  type ServerToWorkerHandler,
  ServerToWorkerReader,
  WORKER_PROTOCOL_VERSION,
  WorkerToServerWriter,
} from "../protocol/index.js";
import type { Connection } from "../transport/index.js";
import { LoomServer } from "./loom-server.js";

const PLANS = 6;
const GROUPS_PER_PLAN = 150;
const TASKS_PER_GROUP = 5;
const TYPES = ["loom/data/const", "loom/data/merge", "loom/array/make", "loom/base/get"] as const;

/** Takes about 50 ms. Leaves nothing behind. */
export async function warmUp(): Promise<void> {
  const server = new LoomServer({ logger: pino({ level: "silent" }) });
  const worker = new InstantWorker();
  const workerEnd = server.connections.accept(worker.connection);
  const clientEnd = server.connections.accept(connectionTo(() => {}));
  clientEnd.frame(
    frame(encodeRegister({ protocolVersion: 2, type: RegisterType.CLIENT, clientFeatures: 1 })),
  );
  workerEnd.frame(
    frame(
      encodeRegister({
        protocolVersion: 2,
        type: RegisterType.WORKER,
        port: 1,
        cpus: 1,
        taskTypes: [...TYPES],
        workerProtocol: WORKER_PROTOCOL_VERSION,
      }),
    ),
  );
  let idBase = 0;
  for (let i = 0; i < PLANS; i++) {
    const result = idBase + GROUPS_PER_PLAN * TASKS_PER_GROUP;
    clientEnd.frame(frame(makePlan(idBase)));
    for (let open = true; open; open = server.core.hasOpenTasks) {
      await new Promise((resolve) => setImmediate(resolve));
      const batch = worker.takeBatch();
      if (batch !== undefined) workerEnd.frame(frame(batch));
    }
    clientEnd.frame(frame(encodeClientRequest({ type: ClientRequestType.RELEASE, id: result })));
    idBase = result + 1;
  }
  clientEnd.closed(undefined);
  workerEnd.closed(undefined);
}

/** Groups of const, const, merge, array, get in a chain; an array of all is the result. */
function makePlan(idBase: number): Uint8Array {
  const plan = new PlanEncoder(idBase);
  const [constant, merge, array, get] = TYPES.map(builtinSymbol);
  const bytes = Uint8Array.of(1, 2, 3);
  const none = new Uint8Array(0);
  const ends: number[] = [];
  for (let group = 0; group < GROUPS_PER_PLAN; group++) {
    const first = plan.addTask(constant, bytes, []);
    const second = plan.addTask(constant, bytes, []);
    const both = plan.addTask(merge, none, [first, second]);
    const before = ends.at(-1);
    const pair = plan.addTask(array, none, before === undefined ? [both] : [both, before]);
    ends.push(plan.addTask(get, new Uint8Array(8), [pair]));
  }
  plan.addTask(array, none, ends, { result: true });
  return plan.finish();
}

/** Reports every task that it is assigned as finished. */
class InstantWorker implements ServerToWorkerHandler {
  readonly connection = connectionTo((batch) => this.reader.read(batch));
  private readonly reader = new ServerToWorkerReader(this);
  private readonly writer = new WorkerToServerWriter();
  private readonly small = Uint8Array.of(1, 2, 3);
  private readonly array = builtinSymbol("loom/array/make");

  takeBatch(): Uint8Array | undefined {
    return this.writer.take();
  }

  assign({ row, attempt, taskType }: AssignRecord): void {
    this.writer.finished(row, attempt, 3, 0, taskType === this.array ? undefined : this.small);
  }

  ping(serial: number): void {
    this.writer.pong(serial);
  }

  request(): void {}
  prefetch(): void {}
  drop(): void {}
  retract(): void {}
  cancel(): void {}
  peer(): void {}
  symbols(): void {}
  readOutput(): void {}
  observe(): void {}
  shutdown(): void {}
}

/** A Buffer, as frames from sockets are: code compiled for other types would be thrown away. */
function frame(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function connectionTo(receive: (frame: Uint8Array) => void): Connection {
  return {
    remote: "warm-up",
    remoteHost: "127.0.0.1",
    localHost: "127.0.0.1",
    bufferedBytes: 0,
    send: receive,
    sendParts: () => {},
    sendFramed: () => {},
    flush: () => {},
    setMaxFrameBytes: () => {},
    drained: () => Promise.resolve(),
    pause: () => {},
    resume: () => {},
    close: () => {},
    destroy: () => {},
  };
}
