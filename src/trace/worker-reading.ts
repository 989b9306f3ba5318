/** A worker's file of a trace → columns, in terms of rows and of its clock. Called by read-trace.ts. */
import { DamagedTrace } from "./damaged-trace.js";
import { RunOutcome } from "./format.js";
import { GrowingColumns } from "./growing-columns.js";
import type { TraceVisitor } from "./trace-decoder.js";

const FIRST_CAPACITY = 1024;
/** A clock that is further from the server's is damage. */
const MAX_AWAY_MS = 50 * 365 * 86_400_000;

/** Times are relative to the start of the trace, but by the worker's clock. */
export class WorkerReading implements TraceVisitor {
  readonly runs = new GrowingColumns({
    row: new Uint32Array(FIRST_CAPACITY),
    attempt: new Uint32Array(FIRST_CAPACITY),
    startMs: new Float64Array(FIRST_CAPACITY),
    durationMs: new Float64Array(FIRST_CAPACITY),
    outcome: new Uint8Array(FIRST_CAPACITY),
    core: new Uint16Array(FIRST_CAPACITY),
    cores: new Uint16Array(FIRST_CAPACITY),
  });
  readonly transfers = new GrowingColumns({
    row: new Uint32Array(FIRST_CAPACITY),
    from: new Uint16Array(FIRST_CAPACITY),
    startMs: new Float64Array(FIRST_CAPACITY),
    durationMs: new Float64Array(FIRST_CAPACITY),
    sizeBytes: new Float64Array(FIRST_CAPACITY),
    came: new Uint8Array(FIRST_CAPACITY),
  });
  readonly light = new GrowingColumns({
    startMs: new Float64Array(FIRST_CAPACITY),
    durationMs: new Float32Array(FIRST_CAPACITY),
    tasks: new Uint32Array(FIRST_CAPACITY),
  });

  /** @param startMs of the trace */
  constructor(private readonly startMs: number) {}

  ran(
    row: number,
    attempt: number,
    startMs: number,
    durationUs: number,
    outcome: number,
    firstCore: number,
    cores: number,
  ): void {
    if (outcome > RunOutcome.cancelled) throw new DamagedTrace(`there is no outcome ${outcome}`);
    const began = this.since(startMs);
    const at = this.runs.add();
    const { columns } = this.runs;
    columns.row[at] = row;
    columns.attempt[at] = attempt;
    columns.startMs[at] = began;
    columns.durationMs[at] = durationUs / 1000;
    columns.outcome[at] = outcome;
    columns.core[at] = firstCore;
    columns.cores[at] = cores;
  }

  transfer(
    row: number,
    from: number,
    startMs: number,
    durationUs: number,
    sizeBytes: number,
    came: boolean,
  ): void {
    const began = this.since(startMs);
    const at = this.transfers.add();
    const { columns } = this.transfers;
    columns.row[at] = row;
    columns.from[at] = from;
    columns.startMs[at] = began;
    columns.durationMs[at] = durationUs / 1000;
    columns.sizeBytes[at] = sizeBytes;
    columns.came[at] = came ? 1 : 0;
  }

  lightRun(startMs: number, durationUs: number, count: number): void {
    const began = this.since(startMs);
    const at = this.light.add();
    const { columns } = this.light;
    columns.startMs[at] = began;
    columns.durationMs[at] = durationUs / 1000;
    columns.tasks[at] = count;
  }

  private since(timeMs: number): number {
    const since = timeMs - this.startMs;
    if (Math.abs(since) <= MAX_AWAY_MS) return since;
    throw new DamagedTrace(`${timeMs} is not a time of this trace`);
  }
}
