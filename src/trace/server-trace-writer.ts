/**
 * Writes what the server sees. Its short records are written once or twice per task, on the server's hot
 * path: a few stores each. Called by src/server/tracing.ts.
 */
import {
  type ClassRecord,
  type ClientRecord,
  type SampleRecord,
  type SymbolsRecord,
  TraceOp,
  type WorkerRecord,
} from "./format.js";
import { RecordBuffer } from "./record-buffer.js";

/** Columns of neighbouring rows, each with an entry per task. */
export interface TracedRows {
  readonly plan: number;
  readonly client: number;
  /** Id of the first task of the client's plan. */
  readonly idBase: number;
  readonly firstRow: number;
  readonly taskType: Uint16Array;
  readonly taskClass: Uint16Array;
  /** 0 open, 1 finished, 2 failed. */
  readonly state: Uint8Array;
  readonly inputCount: Uint32Array;
  /** Rows; of all tasks, one after the other. */
  readonly inputs: Uint32Array;
  /** Rows that are copies: index in the client's plan of what each is a copy of. */
  readonly templates?: Uint32Array;
}

/** Which records a run will be. */
const NO_RUN = 0;
const ASSIGNED = 1;
const FINISHED = 2;

/**
 * Tiny tasks are assigned, and finish, a thousand at a time, in the order of their rows: such a run is
 * counted first and written as one record when something else comes.
 */
export class ServerTraceWriter extends RecordBuffer {
  private timeMs = 0;
  private writtenTimeMs = -1;
  private runKind = NO_RUN;
  private runRow = 0;
  /** The row with which it would go on. */
  private runEnd = 0;
  private runAttempt = 0;
  private runWorker = 0;
  private runDurationUs = 0;
  private runSizeBytes = 0;

  /** The time of what is written from now on, in ms since 1970. */
  setTime(timeMs: number): void {
    if (this.runKind !== NO_RUN) this.endRun();
    this.timeMs = timeMs;
  }

  assigned(row: number, attempt: number, worker: number): void {
    if (
      row === this.runEnd &&
      this.runKind === ASSIGNED &&
      worker === this.runWorker &&
      attempt === this.runAttempt
    ) {
      this.runEnd++;
      return;
    }
    this.beginRun(ASSIGNED, row, attempt);
    this.runWorker = worker;
  }

  finished(row: number, attempt: number, durationUs: number, sizeBytes: number): void {
    if (
      row === this.runEnd &&
      this.runKind === FINISHED &&
      durationUs === this.runDurationUs &&
      sizeBytes === this.runSizeBytes &&
      attempt === this.runAttempt
    ) {
      this.runEnd++;
      return;
    }
    this.beginRun(FINISHED, row, attempt);
    this.runDurationUs = durationUs;
    this.runSizeBytes = sizeBytes;
  }

  started(row: number, attempt: number): void {
    this.putTask(TraceOp.started, row, attempt);
  }

  retracted(row: number, attempt: number): void {
    this.putTask(TraceOp.retracted, row, attempt);
  }

  cancelled(row: number, attempt: number): void {
    this.putTask(TraceOp.cancelled, row, attempt);
  }

  letGo(row: number): void {
    this.begin();
    const at = this.reserve(5);
    this.view.setUint8(at, TraceOp.letGo);
    this.view.setUint32(at + 1, row, true);
  }

  inputLost(row: number, attempt: number, inputRow: number, holder: number): void {
    this.begin();
    const at = this.reserve(15);
    const { view } = this;
    view.setUint8(at, TraceOp.inputLost);
    view.setUint32(at + 1, row, true);
    view.setUint32(at + 5, attempt, true);
    view.setUint32(at + 9, inputRow, true);
    view.setUint16(at + 13, holder, true);
  }

  fetched(row: number, worker: number, durationUs: number): void {
    this.begin();
    const at = this.reserve(11);
    const { view } = this;
    view.setUint8(at, TraceOp.fetched);
    view.setUint32(at + 1, row, true);
    view.setUint16(at + 5, worker, true);
    view.setUint32(at + 7, durationUs, true);
  }

  pass(durationUs: number, assignedTasks: number): void {
    this.begin();
    const at = this.reserve(9);
    const { view } = this;
    view.setUint8(at, TraceOp.pass);
    view.setUint32(at + 1, durationUs, true);
    view.setUint32(at + 5, assignedTasks, true);
  }

  /** `failure`: an encoded FailureInfo. */
  failed(row: number, attempt: number, failure: Uint8Array): void {
    this.begin();
    const at = this.reserveLong(TraceOp.failed, 8 + failure.length);
    this.view.setUint32(at, row, true);
    this.view.setUint32(at + 4, attempt, true);
    this.bytes.set(failure, at + 8);
  }

  rows(rows: TracedRows): void {
    this.begin();
    const { taskType, templates, inputs } = rows;
    const count = taskType.length;
    const perTask = 2 + 2 + 1 + 4 + (templates === undefined ? 0 : 4);
    let at = this.reserveLong(TraceOp.rows, 21 + count * perTask + inputs.length * 4);
    const { view } = this;
    view.setUint32(at, rows.plan, true);
    view.setUint32(at + 4, rows.client, true);
    view.setInt32(at + 8, rows.idBase, true);
    view.setUint32(at + 12, rows.firstRow, true);
    view.setUint32(at + 16, count, true);
    view.setUint8(at + 20, templates === undefined ? 0 : 1);
    at = this.putColumn(taskType, at + 21);
    at = this.putColumn(rows.taskClass, at);
    at = this.putColumn(rows.state, at);
    at = this.putColumn(rows.inputCount, at);
    if (templates !== undefined) at = this.putColumn(templates, at);
    this.putColumn(inputs, at);
  }

  /** Labels of neighbouring rows: where each is in `bytes`; length 0: it has none. */
  labels(
    firstRow: number,
    bytes: Uint8Array,
    starts: Uint32Array,
    lengths: Uint32Array,
    count: number,
  ): void {
    let total = 0;
    for (let i = 0; i < count; i++) total += lengths[i];
    if (total === 0) return;
    this.begin();
    let at = this.reserveLong(TraceOp.labels, 8 + 4 * count + total);
    this.view.setUint32(at, firstRow, true);
    this.view.setUint32(at + 4, count, true);
    at = this.putColumn(lengths.subarray(0, count), at + 8);
    const target = this.bytes;
    for (let i = 0; i < count; i++) {
      const end = starts[i] + lengths[i];
      for (let k = starts[i]; k < end; k++) target[at++] = bytes[k];
    }
  }

  inputs(row: number, inputs: Uint32Array): void {
    this.begin();
    const at = this.reserveLong(TraceOp.inputs, 4 + 4 * inputs.length);
    this.view.setUint32(at, row, true);
    this.putColumn(inputs, at + 4);
  }

  metadata(row: number, metadata: Uint8Array): void {
    this.begin();
    const at = this.reserveLong(TraceOp.metadata, 4 + metadata.length);
    this.view.setUint32(at, row, true);
    this.bytes.set(metadata, at + 4);
  }

  symbols(record: SymbolsRecord): void {
    this.begin();
    this.putJson(TraceOp.symbols, record);
  }

  worker(record: WorkerRecord): void {
    this.begin();
    this.putJson(TraceOp.worker, record);
  }

  client(record: ClientRecord): void {
    this.begin();
    this.putJson(TraceOp.client, record);
  }

  class(record: ClassRecord): void {
    this.begin();
    this.putJson(TraceOp.class, record);
  }

  sample(record: SampleRecord): void {
    this.begin();
    this.putJson(TraceOp.sample, record);
  }

  /** Nothing comes after it. */
  end(): void {
    this.begin();
    this.putJson(TraceOp.end, {});
    this.flush();
  }

  private putTask(op: number, row: number, attempt: number): void {
    this.begin();
    const at = this.reserve(9);
    const { view } = this;
    view.setUint8(at, op);
    view.setUint32(at + 1, row, true);
    view.setUint32(at + 5, attempt, true);
  }

  override flush(): void {
    if (this.runKind !== NO_RUN) this.endRun();
    super.flush();
  }

  /** Before each record that is no run: the run there is ends, the time is written. */
  private begin(): void {
    if (this.runKind !== NO_RUN) this.endRun();
    if (this.timeMs !== this.writtenTimeMs) this.putTime();
  }

  private beginRun(kind: number, row: number, attempt: number): void {
    this.begin();
    this.runKind = kind;
    this.runRow = row;
    this.runEnd = row + 1;
    this.runAttempt = attempt;
  }

  private endRun(): void {
    const { runKind, runRow: row, runAttempt: attempt } = this;
    const count = this.runEnd - row;
    this.runKind = NO_RUN;
    if (runKind === ASSIGNED) this.putAssigned(row, count, attempt);
    else this.putFinished(row, count, attempt);
  }

  private putAssigned(row: number, count: number, attempt: number): void {
    let at = this.reserve(count === 1 ? 11 : 15);
    const { view } = this;
    view.setUint8(at, count === 1 ? TraceOp.assigned : TraceOp.assignedRun);
    view.setUint32(at + 1, row, true);
    if (count > 1) {
      view.setUint32(at + 5, count, true);
      at += 4;
    }
    view.setUint32(at + 5, attempt, true);
    view.setUint16(at + 9, this.runWorker, true);
  }

  private putFinished(row: number, count: number, attempt: number): void {
    let at = this.reserve(count === 1 ? 21 : 25);
    const { view } = this;
    view.setUint8(at, count === 1 ? TraceOp.finished : TraceOp.finishedRun);
    view.setUint32(at + 1, row, true);
    if (count > 1) {
      view.setUint32(at + 5, count, true);
      at += 4;
    }
    view.setUint32(at + 5, attempt, true);
    view.setUint32(at + 9, this.runDurationUs, true);
    view.setFloat64(at + 13, this.runSizeBytes, true);
  }

  private putTime(): void {
    this.writtenTimeMs = this.timeMs;
    const at = this.reserve(9);
    this.view.setUint8(at, TraceOp.time);
    this.view.setFloat64(at + 1, this.timeMs, true);
  }

  /** Bytes are copied as they are: HyperLoom runs on little-endian machines only. */
  private putColumn(column: Uint8Array | Uint16Array | Uint32Array, at: number): number {
    const { buffer, byteOffset, byteLength } = column;
    this.bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    return at + byteLength;
  }
}
