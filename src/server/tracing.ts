/**
 * Tracing of a server: begins and ends it, and writes what comes in larger pieces (plans, workers,
 * clients). What is written once or twice per task goes from where it happens (LoomServer,
 * WorkerSession) straight to the writer, `server.trace`, which is undefined while nothing is traced.
 */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { LoomError, messageOf, systemReason, VERSION } from "../base/index.js";
import { type PlanColumns, PlanTaskFlag, type WorkerSample } from "../protocol/index.js";
import { TaskState } from "../scheduler/index.js";
import { type PlanRecord, tasksInCopies } from "../server-core/index.js";
import {
  makeDirectories,
  ServerTraceWriter,
  sampleOf,
  TRACE_FILE_SUFFIX,
  TraceFile,
} from "../trace/index.js";
import type { LoomServer } from "./loom-server.js";
import type { WorkerLink } from "./worker-link.js";

const FLUSH_INTERVAL_MS = 200;
/** A worker takes no longer to write the rest of its part, unless it hangs. */
const WORKER_END_TIMEOUT_MS = 5_000;

export class Tracing {
  /** Where it is written; undefined: nothing is traced. */
  directory: string | undefined;
  private writer: ServerTraceWriter | undefined;
  private file: TraceFile | undefined;
  private run = "";
  private timer: NodeJS.Timeout | undefined;
  /** Numbers of plans in the trace. */
  private planNumbers = new Map<PlanRecord, number>();
  private plans = 0;
  /** The classes that were told, by number. */
  private classes: { readonly index: number }[] = [];
  private symbols = 0;
  /** Files that workers can't write themselves, by worker. */
  private readonly workerFiles = new Map<number, Promise<TraceFile | undefined>>();
  /** Where the trace is that was begun last, though it may have ended: workers may still have some of it. */
  private lastDirectory: string | undefined;
  /** Workers that still write their parts, by number: to be called when they have. */
  private readonly ending = new Map<number, () => void>();
  /** One change after the other. */
  private changing: Promise<void> = Promise.resolve();

  constructor(private readonly server: LoomServer) {}

  /**
   * Writes a trace into the directory from now on, which is created if need be; what was traced elsewhere
   * ends. Undefined: ends it. Rejects with a LoomError if it can't be written there; then nothing is changed.
   */
  set(directory: string | undefined): Promise<void> {
    const change = this.changing.then(async () => {
      if (directory === this.directory) return;
      const begun = directory === undefined ? undefined : await this.create(directory);
      await this.end();
      if (begun !== undefined) this.begin(directory!, begun.file, begun.run);
    });
    this.changing = change.catch(() => {});
    return change;
  }

  private async create(directory: string): Promise<{ file: TraceFile; run: string }> {
    try {
      makeDirectories(directory);
    } catch (error) {
      throw new LoomError(
        "usage",
        `the trace directory ${directory} cannot be made: ${systemReason(error)}`,
      );
    }
    const run = randomUUID();
    const path = join(directory, `server-${run.slice(0, 8)}${TRACE_FILE_SUFFIX}`);
    const header = {
      role: "server",
      run,
      software: VERSION,
      hostname: hostname(),
      pid: process.pid,
      startMs: nowMs(),
    } as const;
    const file = await TraceFile.create(path, header, (problem) => this.failed(problem));
    return { file, run };
  }

  private begin(directory: string, file: TraceFile, run: string): void {
    const { server } = this;
    this.directory = directory;
    this.lastDirectory = directory;
    this.file = file;
    this.run = run;
    this.planNumbers = new Map();
    this.plans = 0;
    this.classes = [];
    this.symbols = 0;
    const writer = new ServerTraceWriter((piece) => file.write(piece));
    this.writer = writer;
    server.trace = writer;
    writer.setTime(nowMs());
    for (const link of server.workers.values()) this.workerJoined(link);
    for (const link of server.clients.values()) {
      this.clientJoined(link.handle, link.connection.remote);
    }
    for (const plan of server.core.plans) if (plan !== undefined) this.planThere(plan);
    this.timer = setInterval(() => writer.flush(), FLUSH_INTERVAL_MS);
    server.observeWorkers();
    server.logger.info(`tracing to ${file.path}`);
  }

  private async end(): Promise<void> {
    const { file, writer, server } = this;
    if (file === undefined || writer === undefined) return;
    clearInterval(this.timer);
    server.trace = undefined;
    this.writer = undefined;
    this.file = undefined;
    this.directory = undefined;
    const workersDone = this.untilWorkersEnd();
    server.observeWorkers();
    writer.setTime(nowMs());
    writer.end();
    await file.close();
    await workersDone;
    const others = [...this.workerFiles.values()];
    this.workerFiles.clear();
    for (const other of others) await (await other)?.close();
  }

  /** Resolves when all workers have written what they have, or one of them does not answer. */
  private async untilWorkersEnd(): Promise<void> {
    const { server, ending } = this;
    const ends = [...server.workers.keys()].map(
      (worker) => new Promise<void>((resolve) => ending.set(worker, resolve)),
    );
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, WORKER_END_TIMEOUT_MS);
    });
    await Promise.race([Promise.all(ends), tooLong]);
    clearTimeout(timer);
    for (const worker of ending.keys()) {
      const address = server.workers.get(worker)?.address ?? `number ${worker}`;
      server.logger.warn(`worker ${address} has not said that its part of the trace is written`);
    }
    ending.clear();
  }

  private workerEnded(worker: number): void {
    this.ending.get(worker)?.();
    this.ending.delete(worker);
  }

  /** Nothing can be written any more: the plans go on. */
  private failed(problem: string): void {
    const { server } = this;
    server.logger.warn(`tracing to ${this.directory} has ended, the plans go on: ${problem}`);
    clearInterval(this.timer);
    server.trace = undefined;
    this.writer = undefined;
    this.file = undefined;
    this.directory = undefined;
    server.observeWorkers();
  }

  /** What a worker is told: its number, the id of the run, and where to write. */
  instructionFor(worker: number): string | undefined {
    const { directory } = this;
    return directory === undefined ? undefined : `${worker}\n${this.run}\n${directory}`;
  }

  /** Records of a worker that can't write to the directory; none: all of its part is written. */
  workerPiece(link: WorkerLink, piece: Uint8Array): void {
    const { index } = link.identity;
    const { lastDirectory: directory } = this;
    if (piece.length === 0) this.workerEnded(index);
    if (piece.length === 0 || directory === undefined) return;
    let file = this.workerFiles.get(index);
    if (file === undefined) {
      const path = join(directory, `worker-${index}-${this.run.slice(0, 8)}${TRACE_FILE_SUFFIX}`);
      const { hostname: host, pid, version } = link.identity;
      const header = {
        role: "worker",
        run: this.run,
        software: version,
        hostname: host,
        pid,
        startMs: nowMs(),
        worker: index,
      } as const;
      file = TraceFile.create(path, header, (problem) => this.failed(problem)).catch(
        (error: unknown) => {
          this.server.logger.warn(
            `what worker ${link.address} traces is lost: ${messageOf(error)}`,
          );
          return undefined;
        },
      );
      this.workerFiles.set(index, file);
    }
    void file.then((open) => open?.write(piece));
  }

  // --- what is written ---------------------------------------------------------------------

  workerJoined(link: WorkerLink): void {
    const { writer, server } = this;
    if (writer === undefined) return;
    const { index, hostname: host, pid, version, cpus } = link.identity;
    const resources = server.core.workers.get(index)?.resources.resources ?? [];
    writer.worker({
      event: "joined",
      worker: index,
      address: link.address,
      hostname: host,
      pid,
      version,
      cpus,
      resources: resources.map(({ name, amount }) => ({ name, amount })),
    });
  }

  workerGone(worker: number, reason: string): void {
    this.workerEnded(worker);
    this.writer?.worker({ event: "gone", worker, reason });
  }

  clientJoined(client: number, address: string): void {
    this.writer?.client({ event: "joined", client, address });
  }

  clientGone(client: number, address: string): void {
    this.writer?.client({ event: "gone", client, address });
  }

  sample(link: WorkerLink, sample: WorkerSample): void {
    const { index, cpus } = link.identity;
    this.writer?.sample({ worker: index, ...sampleOf(sample, cpus) });
  }

  /** The client's plan was accepted; its rows are as they were filled. */
  planSubmitted(client: number, columns: PlanColumns): void {
    const plan = this.server.core.clients.get(client)?.plans.at(-1);
    if (this.writer === undefined || plan === undefined || columns.taskCount === 0) return;
    this.rows(plan, plan.firstRow, plan.taskCount);
    this.texts(plan, columns);
  }

  /** Copies have been made in the place of tasks with dynamic inputs. */
  copiesMade(plan: PlanRecord, firstRow: number, count: number): void {
    if (this.writer !== undefined) this.rows(plan, firstRow, count);
  }

  /** The task has other inputs than before. */
  inputsReplaced(row: number): void {
    const { table } = this.server.core;
    const start = table.inputStart[row];
    this.writer?.inputs(row, table.edgeInput.subarray(start, start + table.inputCount[row]));
  }

  /** A plan that was there before tracing began. */
  private planThere(plan: PlanRecord): void {
    if (plan.copies === undefined) {
      this.rows(plan, plan.firstRow, plan.taskCount);
      if (plan.messages !== undefined) this.textsOfMessages(plan);
    } else {
      const { firstRows } = plan.copies;
      const end = plan.firstRow + plan.taskCount;
      firstRows.forEach((first, i) => {
        this.rows(plan, first, (firstRows[i + 1] ?? end) - first);
      });
    }
  }

  private rows(plan: PlanRecord, firstRow: number, count: number): void {
    const { table } = this.server.core;
    const writer = this.writer!;
    this.tellNames(plan);
    const end = firstRow + count;
    const inputCount = table.inputCount.subarray(firstRow, end);
    let edges = 0;
    for (let i = 0; i < count; i++) edges += inputCount[i];
    const firstEdge = table.inputStart[firstRow];
    // Neighbours, unless some are taken from checkpoints.
    let inputs = table.edgeInput.subarray(firstEdge, firstEdge + edges);
    const last = end - 1;
    if (table.inputStart[last] + table.inputCount[last] - firstEdge !== edges) {
      inputs = new Uint32Array(edges);
      let at = 0;
      for (let row = firstRow; row < end; row++) {
        const start = table.inputStart[row];
        inputs.set(table.edgeInput.subarray(start, start + table.inputCount[row]), at);
        at += table.inputCount[row];
      }
    }
    const origin = plan.copies?.origin ?? plan;
    let number = this.planNumbers.get(origin);
    if (number === undefined) {
      number = this.plans++;
      this.planNumbers.set(origin, number);
    }
    writer.rows({
      plan: number,
      client: origin.client.handle,
      idBase: origin.idBase,
      firstRow,
      taskType: table.taskType.subarray(firstRow, end),
      taskClass: table.taskClass.subarray(firstRow, end),
      state: statesOf(table.state, firstRow, end),
      inputCount,
      inputs,
      templates:
        plan.copies === undefined ? undefined : tasksInCopies(plan.copies, firstRow, count),
    });
  }

  /** Symbols that have come since the last time, and classes of the plan under numbers that were told of others. */
  private tellNames(plan: PlanRecord): void {
    const { server } = this;
    const writer = this.writer!;
    const { names } = server.symbols;
    if (names.length > this.symbols) {
      writer.symbols({ first: this.symbols, names: names.slice(this.symbols) });
      this.symbols = names.length;
    }
    for (const taskClass of server.core.classesOf(plan)) {
      const { index } = taskClass;
      if (this.classes[index] === taskClass) continue;
      this.classes[index] = taskClass;
      const { label, priority, variants } = server.core.getTaskClass(index);
      writer.class({
        class: index,
        label,
        priority,
        variants: variants.map(({ cpus, amounts }) => ({
          cpus,
          amounts: amounts.map(({ name, amount }) => ({ name, amount })),
        })),
      });
    }
  }

  private texts(plan: PlanRecord, columns: PlanColumns): void {
    const writer = this.writer!;
    const { labelStart, labelLength, bytes, flags, taskCount } = columns;
    if (labelStart !== undefined && labelLength !== undefined) {
      writer.labels(plan.firstRow, bytes, labelStart, labelLength, taskCount);
    }
    for (let i = 0; i < taskCount; i++) {
      if (flags[i] & PlanTaskFlag.metadata) this.metadata(plan.firstRow + i);
    }
  }

  private textsOfMessages(plan: PlanRecord): void {
    const { core } = this.server;
    const starts = new Uint32Array(1);
    for (let row = plan.firstRow; row < plan.firstRow + plan.taskCount; row++) {
      const { label } = core.rareFieldsOf(row) ?? {};
      if (label) {
        const bytes = new TextEncoder().encode(label);
        this.writer!.labels(row, bytes, starts, Uint32Array.of(bytes.length), 1);
      }
      this.metadata(row);
    }
  }

  private metadata(row: number): void {
    const metadata = this.server.core.rareFieldsOf(row)?.metadata;
    if (metadata !== undefined && metadata.length > 0) this.writer!.metadata(row, metadata);
  }
}

/** 0 open, 1 finished (also if its object is gone by now), 2 failed. */
function statesOf(state: Uint8Array, firstRow: number, end: number): Uint8Array {
  const states = new Uint8Array(end - firstRow);
  for (let row = firstRow; row < end; row++) {
    const now = state[row];
    if (now === TaskState.finished || now === TaskState.released) states[row - firstRow] = 1;
    else if (now === TaskState.failed) states[row - firstRow] = 2;
  }
  return states;
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}
