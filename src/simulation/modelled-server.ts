/**
 * The server of the simulation: the production core, fed with messages turn by turn as the real
 * one's event loop does. A turn takes all messages that have come, makes one scheduling pass, sends one
 * frame to each worker concerned, and takes modelled time. Called by the simulation.
 */
import type { ConcreteRequest } from "../graph/index.js";
import { type FailureDetails, ServerCore, type ServerOutbox } from "../server-core/index.js";
import { writeAssignment, writeHolders } from "./assigned-task.js";
import { type MessageStream, ToServer, ToWorker } from "./message-stream.js";
import type { Network } from "./network.js";
import { type Information, planColumns } from "./plan-columns.js";
import type { SimulationCore } from "./simulation-core.js";
import { SYMBOLS, THIS_WORKER } from "./wire-numbers.js";
import type { WorkerSpec } from "./worker-spec.js";
import type { Workload } from "./workload.js";

const CLIENT = 1;
/** Bytes of every result that travels inside messages: nobody looks at them. */
const INLINE_BYTES = new Uint8Array(64);

export class ModelledServer implements ServerOutbox {
  readonly core: ServerCore;
  /** Its event loop is busy until then. */
  busyUntilMs = 0;
  /** Sums for the report. */
  busyMs = 0;
  turns = 0;
  assignments = 0;
  retractions = 0;
  prefetches = 0;
  cancellations = 0;
  messagesIn = 0;
  framesIn = 0;
  framesOut = 0;
  failedTasks = 0;
  firstFailure = "";
  /** Why tasks wait for workers that are not there; the last thing said. */
  unableNotice = "";
  /** Real time spent in the core's calls, by the clock that was given. */
  coreMs = 0;

  private readonly inboxWorkers: number[] = [];
  private readonly inboxStreams: number[] = [];
  private readonly gone: number[] = [];
  /** By worker: the stream being written, -1: none. */
  private readonly streams: number[] = [];
  private readonly dirty: number[] = [];
  /** By worker: the requests that it was told, by id. */
  private readonly told: Map<number, ConcreteRequest>[] = [];
  readonly requests = new Map<number, ConcreteRequest>();
  /** Effects of this turn. */
  private effects = 0;
  private submittedTasks = 0;

  constructor(
    private readonly simulation: SimulationCore,
    private readonly clock: (() => number) | undefined,
  ) {
    this.core = new ServerCore(
      this,
      {
        isTaskType: (symbol) => symbol >= 0 && symbol < SYMBOLS,
        nameOf: (symbol) => `number ${symbol}`,
        findReasonNotOffered: () => undefined,
      },
      { maxLosses: 1_000_000 },
    );
    this.core.addClient(CLIENT, false);
  }

  addWorker(index: number, spec: WorkerSpec, network: Network): void {
    network.addWorker(index);
    this.streams[index] = -1;
    this.told[index] = new Map();
    const types = Array.from({ length: SYMBOLS }, (_, i) => i);
    this.core.addWorker(index, `worker ${index}`, spec, types);
  }

  /** @throws Error when the core refuses the plan */
  submit(workload: Workload, information: Information): void {
    const refusal = this.core.submitPlan(CLIENT, planColumns(workload, information));
    if (refusal !== undefined) throw new Error(refusal.message);
    this.submittedTasks += workload.taskCount;
  }

  /** The worker's connection is closed. */
  workerGone(index: number): void {
    this.gone.push(index);
  }

  /** Messages have come. */
  receive(worker: number, stream: number): void {
    this.inboxWorkers.push(worker);
    this.inboxStreams.push(stream);
  }

  /** One turn of the event loop. Returns how many effects it had, and whether another turn is wanted. */
  turn(nowMs: number): { effects: number; more: boolean } {
    const { inboxWorkers, inboxStreams, core, simulation } = this;
    const { costs, pool } = simulation;
    this.turns++;
    this.effects = 0;
    const assignedBefore = this.assignments;
    const startedMs = this.clock?.() ?? 0;
    for (let i = 0; i < inboxStreams.length; i++) {
      this.read(inboxWorkers[i], pool.get(inboxStreams[i]));
      pool.give(inboxStreams[i]);
    }
    for (const worker of this.gone) core.removeWorker(worker, `worker ${worker} is gone`);
    const more = core.schedule(nowMs);
    this.coreMs += (this.clock?.() ?? 0) - startedMs;
    const tasks = this.assignments - assignedBefore;
    const frames = inboxStreams.length + this.dirty.length;
    const us =
      costs.serverTurnUs +
      frames * costs.serverFrameUs +
      tasks * costs.serverTaskUs +
      this.submittedTasks * costs.serverSubmitUs;
    this.busyMs += us / 1000;
    this.busyUntilMs = nowMs + us / 1000;
    this.framesIn += inboxStreams.length;
    this.framesOut += this.dirty.length;
    this.submittedTasks = 0;
    inboxWorkers.length = 0;
    inboxStreams.length = 0;
    this.gone.length = 0;
    for (const worker of this.dirty) {
      simulation.sendToWorker(this.busyUntilMs, worker, this.streams[worker]);
      this.streams[worker] = -1;
    }
    this.dirty.length = 0;
    return { effects: this.effects, more };
  }

  private read(worker: number, stream: MessageStream): void {
    const { core } = this;
    // A worker that was given up may still talk for a moment.
    if (!core.workers.has(worker)) return;
    while (stream.hasMore) {
      this.messagesIn++;
      const op = stream.read();
      const row = stream.read();
      if (op === ToServer.fetched) {
        core.objectFetched(worker, row, stream.read() / 1000);
      } else if (op === ToServer.memory) {
        core.memoryReported(worker, row);
      } else if (op === ToServer.pong) {
        core.ponged(worker, row);
      } else {
        const attempt = stream.read();
        if (op === ToServer.finished) {
          const size = stream.read();
          const durationUs = stream.read();
          const inline = stream.read();
          core.taskFinished(worker, row, attempt, size, durationUs, INLINE_BYTES, 0, inline);
        } else if (op === ToServer.started) {
          core.taskStarted(worker, row, attempt);
        } else if (op === ToServer.retracted) {
          core.taskRetracted(worker, row, attempt);
        } else if (op === ToServer.inputLost) {
          const input = stream.read();
          const holder = stream.read();
          const at = holder === THIS_WORKER ? worker : holder;
          core.inputLost(worker, row, attempt, input, at);
        } else {
          core.taskFailed(worker, row, attempt, { message: "its worker could never start it" });
        }
      }
    }
  }

  // Effects of the core.

  assignTask(worker: number, row: number): void {
    this.assignments++;
    const stream = this.streamTo(worker);
    const request = this.core.requestOf(row);
    if (request !== undefined && this.told[worker].get(request.id) !== request) {
      this.told[worker].set(request.id, request);
      this.requests.set(request.id, request);
      stream.write(ToWorker.request);
      stream.write(request.id);
    }
    const priority = request === undefined ? 0 : this.core.priorityOf(row);
    writeAssignment(stream, this.core.table, worker, row, request, priority);
  }

  dropObject(worker: number, row: number): void {
    const stream = this.streamTo(worker);
    stream.write(ToWorker.drop);
    stream.write(row);
  }

  retractTask(worker: number, row: number, attempt: number): void {
    this.retractions++;
    this.writeAttempt(ToWorker.retract, worker, row, attempt);
  }

  cancelTask(worker: number, row: number, attempt: number): void {
    this.cancellations++;
    this.writeAttempt(ToWorker.cancel, worker, row, attempt);
  }

  prefetchObject(worker: number, row: number): void {
    this.prefetches++;
    const stream = this.streamTo(worker);
    stream.write(ToWorker.prefetch);
    stream.write(row);
    stream.write(this.core.table.size[row]);
    writeHolders(stream, this.core.table, row);
  }

  ping(worker: number, serial: number): void {
    const stream = this.streamTo(worker);
    stream.write(ToWorker.ping);
    stream.write(serial);
  }

  /** Tasks wait for a worker that can execute them. */
  tellUnable(_client: number, _shape: number, notice: string): void {
    this.unableNotice = notice;
  }

  tellFinished(): void {}
  resultChanged(): void {}

  tellFailed(_client: number, failure: FailureDetails): void {
    this.failedTasks++;
    if (this.firstFailure === "") this.firstFailure = failure.message;
  }

  private writeAttempt(op: number, worker: number, row: number, attempt: number): void {
    const stream = this.streamTo(worker);
    stream.write(op);
    stream.write(row);
    stream.write(attempt);
  }

  private streamTo(worker: number): MessageStream {
    this.effects++;
    if (this.streams[worker] === -1) {
      this.streams[worker] = this.simulation.pool.take();
      this.dirty.push(worker);
    }
    return this.simulation.pool.get(this.streams[worker]);
  }
}
