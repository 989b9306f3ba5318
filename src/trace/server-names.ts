/**
 * What the server's file says of names, classes, workers and clients; and the time of its records. The part of
 * the reading that knows no task: server-reading.ts is the rest.
 */
import { ClockBounds } from "./clock-alignment.js";
import { DamagedTrace } from "./damaged-trace.js";
import type {
  ClassRecord,
  ClientRecord,
  SampleRecord,
  SymbolsRecord,
  TraceHeader,
  WorkerRecord,
} from "./format.js";
import { SampleColumns } from "./sample-columns.js";

const MAX_WORKERS = 32_767;
/** A class that was not told. */
const NO_CLASS = 0xffff_ffff;
/** A clock that says more is not read, but damage. */
const MAX_DURATION_MS = 50 * 365 * 86_400_000;

export interface ReadWorker {
  /** The server's number for it. */
  readonly number: number;
  readonly record: WorkerRecord;
  readonly joinedMs: number;
  goneMs: number;
  goneReason: string;
  readonly samples: SampleColumns;
  readonly clock: ClockBounds;
  /** Attempts that are there now. */
  assigned: number;
}

export interface ReadClient {
  readonly index: number;
  readonly address: string;
  readonly joinedMs: number;
  goneMs: number;
}

export abstract class ServerNames {
  readonly taskTypes: string[] = [];
  /** All that were told; columns name them by their place here, as the server uses numbers again. */
  readonly classes: ClassRecord[] = [];
  /** In the order in which they joined; columns name them by their place here. */
  readonly workers: ReadWorker[] = [];
  readonly clients: ReadClient[] = [];
  /** Time of the last record, since the start of the trace. */
  nowMs = 0;
  isComplete = false;
  private readonly placeOfClass: number[] = [];
  private readonly placeOfWorker = new Map<number, number>();
  private readonly startMs: number;

  constructor(readonly header: TraceHeader) {
    this.startMs = header.startMs;
  }

  /** The worker at this place has gone with all that it had. */
  protected abstract workerLost(place: number): void;

  /** Place in `workers` of the worker with the server's number. */
  findWorker(number: number): number | undefined {
    return this.placeOfWorker.get(number);
  }

  time(timeMs: number): void {
    const now = timeMs - this.startMs;
    if (!(now >= -MAX_DURATION_MS && now <= MAX_DURATION_MS)) {
      throw new DamagedTrace(`${timeMs} is not a time of this trace`);
    }
    this.nowMs = now;
  }

  symbols({ first, names }: SymbolsRecord): void {
    for (let i = this.taskTypes.length; i < first; i++) this.taskTypes[i] = `task type ${i}`;
    for (let i = 0; i < names.length; i++) this.taskTypes[first + i] = names[i];
  }

  class(record: ClassRecord): void {
    this.placeOfClass[record.class] = this.classes.push(record) - 1;
  }

  worker(record: WorkerRecord): void {
    const { worker: number } = record;
    if (record.event === "joined") {
      if (this.workers.length === MAX_WORKERS) throw new DamagedTrace("too many workers join");
      this.placeOfWorker.set(number, this.workers.length);
      this.workers.push({
        number,
        record,
        joinedMs: this.nowMs,
        goneMs: Number.NaN,
        goneReason: "",
        samples: new SampleColumns(),
        clock: new ClockBounds(),
        assigned: 0,
      });
      return;
    }
    const place = this.placeOf(number);
    const worker = this.workers[place];
    worker.goneMs = this.nowMs;
    worker.goneReason = record.reason ?? "";
    this.workerLost(place);
  }

  client({ event, client, address }: ClientRecord): void {
    if (event === "joined") {
      this.clients.push({
        index: client,
        address,
        joinedMs: this.nowMs,
        goneMs: Number.NaN,
      });
    } else {
      const known = this.clients.findLast(({ index }) => index === client);
      if (known !== undefined) known.goneMs = this.nowMs;
    }
  }

  sample(record: SampleRecord): void {
    const { samples, clock } = this.workers[this.placeOf(record.worker)];
    samples.add(record);
    clock.notAfter(record.atMs - this.startMs, this.nowMs);
  }

  end(): void {
    this.isComplete = true;
  }

  /** Place of the class that has the number at this point of the trace. */
  protected classAt(number: number): number {
    return this.placeOfClass[number] ?? NO_CLASS;
  }

  protected placeOf(worker: number): number {
    const place = this.placeOfWorker.get(worker);
    if (place === undefined) throw new DamagedTrace(`worker ${worker} has not joined`);
    return place;
  }
}
