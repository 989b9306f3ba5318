/**
 * The format of trace files. A trace is a directory: one file of the server, and one of each worker that
 * took part. docs/trace.md describes it for those who read traces with other tools.
 *
 * A file begins with two lines of text, {@link MAGIC} and a {@link TraceHeader} in JSON. Records follow,
 * little endian, one after the other without padding: an op, then for ops below {@link FIRST_LONG_OP} as
 * many bytes as {@link RECORD_BYTES} says, for others a u32 length and so many bytes. So what follows an
 * unknown long record can still be read, and a file that ends in the middle of a record up to that one.
 *
 * Tasks are named by rows of the server's table, which are used again when a plan is gone: a row is the
 * task that the last `rows` record before says. An attempt's number is never used again for a row.
 * Times are milliseconds since 1970 by the clock of the machine that writes.
 */

/** First line of every file; the number is the format's version. */
export const MAGIC = "LOOMTRACE 1\n";
export const TRACE_FILE_SUFFIX = ".loomtrace";

/** Second line of a file. */
export interface TraceHeader {
  readonly role: "server" | "worker";
  /** The same for all files of one trace; others are not of it. */
  readonly run: string;
  /** Version of HyperLoom. */
  readonly software: string;
  readonly hostname: string;
  readonly pid: number;
  /** When tracing began. */
  readonly startMs: number;
  /** Number of the worker; undefined: the server. */
  readonly worker?: number;
}

/** Records below have a fixed length. */
export const FIRST_LONG_OP = 128;

export const TraceOp = {
  // The server's. Their time is that of the last `time` record.
  /** f64 ms. */
  time: 1,
  /** Sent to a worker: u32 row, u32 attempt, u16 worker. */
  assigned: 2,
  /** The worker says that it runs (tasks with requests only): u32 row, u32 attempt. */
  started: 3,
  /** u32 row, u32 attempt, u32 duration in µs (0: not measured), f64 bytes of the result. */
  finished: 4,
  /** Taken back, it had not started: u32 row, u32 attempt. */
  retracted: 5,
  /** Given back, an input could not be had: u32 row, u32 attempt, u32 row of the input, u16 its holder. */
  inputLost: 6,
  /** Not wanted any more: u32 row, u32 attempt. */
  cancelled: 7,
  /** The worker has a copy of the object now: u32 row, u16 worker, u32 duration in µs (0: not measured). */
  fetched: 8,
  /** A scheduling pass: u32 duration in µs, u32 tasks that it assigned. */
  pass: 9,
  /** As `assigned`, of neighbouring rows: u32 first row, u32 count, u32 attempt of each, u16 worker. */
  assignedRun: 10,
  /** As `finished`: u32 first row, u32 count, u32 attempt, u32 duration, f64 bytes of each. */
  finishedRun: 11,
  /** A task that no worker had will not be executed: u32 row. */
  letGo: 12,

  // A worker's.
  /**
   * Execution of a task with a request: u32 row, u32 attempt, f64 start, u32 duration in µs,
   * u8 outcome, u16 first core, u16 number of cores.
   */
  ran: 32,
  /** u32 row of the object, u16 worker it came from, f64 start, u32 duration in µs, f64 bytes, u8 1: it came. */
  transfer: 33,
  /** Tasks without requests, executed one after the other: f64 start, u32 duration in µs, u32 how many. */
  light: 34,

  // The server's, of any length.
  /** u32 row, u32 attempt, an encoded FailureInfo (proto/worker.proto). */
  failed: 128,
  /**
   * Tasks have come: u32 number of the plan (counted from 0), u32 client, i32 id of the plan's first task, u32
   * first row, u32 count, u8 kind (0: tasks of the client; 1: copies in the place of a task with dynamic
   * inputs), then columns: u16 task type, u16 class, u8 state (0 open, 1 finished, 2 failed), u32 number of
   * inputs; if copies, u32 index in the client's plan; then u32 rows of all inputs, one task after the other.
   */
  rows: 129,
  /** u32 first row, u32 count, u32 length of each label, then all labels' UTF-8. */
  labels: 130,
  /** A task has other inputs now: u32 row, then u32 rows. */
  inputs: 131,
  /** u32 row, then the task's metadata. */
  metadata: 132,
  /** JSON {@link SymbolsRecord}: names of task types. */
  symbols: 133,
  /** JSON {@link WorkerRecord}. */
  worker: 134,
  /** JSON {@link ClientRecord}. */
  client: 135,
  /** JSON {@link ClassRecord}. A number that was told before is another class's from here on. */
  class: 136,
  /** JSON {@link SampleRecord}. */
  sample: 137,
  /** Tracing ended as it should: nothing is missing. JSON {}. */
  end: 138,
} as const;

/** Outcome in a `ran` record. */
export const RunOutcome = { finished: 0, failed: 1, cancelled: 2 } as const;

/** Number of a core that is not known, or of none. */
export const UNKNOWN_CORE = 0xffff;

/** Bytes of a short record without its op; 0: there is no such record. */
export const RECORD_BYTES = new Uint8Array(FIRST_LONG_OP);
RECORD_BYTES[TraceOp.time] = 8;
RECORD_BYTES[TraceOp.assigned] = 10;
RECORD_BYTES[TraceOp.started] = 8;
RECORD_BYTES[TraceOp.finished] = 20;
RECORD_BYTES[TraceOp.retracted] = 8;
RECORD_BYTES[TraceOp.inputLost] = 14;
RECORD_BYTES[TraceOp.cancelled] = 8;
RECORD_BYTES[TraceOp.fetched] = 10;
RECORD_BYTES[TraceOp.pass] = 8;
RECORD_BYTES[TraceOp.assignedRun] = 14;
RECORD_BYTES[TraceOp.finishedRun] = 24;
RECORD_BYTES[TraceOp.letGo] = 4;
RECORD_BYTES[TraceOp.ran] = 25;
RECORD_BYTES[TraceOp.transfer] = 27;
RECORD_BYTES[TraceOp.light] = 16;

export interface SymbolsRecord {
  /** Number of the first of the names. */
  readonly first: number;
  readonly names: readonly string[];
}

export interface WorkerRecord {
  readonly event: "joined" | "gone";
  readonly worker: number;
  /** Why it is gone. */
  readonly reason?: string;
  /** The following only if it joined. "host:port". */
  readonly address?: string;
  readonly hostname?: string;
  readonly pid?: number;
  readonly version?: string;
  readonly cpus?: number;
  /** Named resources. */
  readonly resources?: readonly { readonly name: string; readonly amount: number }[];
}

export interface ClientRecord {
  readonly event: "joined" | "gone";
  readonly client: number;
  readonly address: string;
}

/** What tasks of a class have in common. */
export interface ClassRecord {
  readonly class: number;
  /** The label up to its first ":"; "": none. */
  readonly label: string;
  /** The user's priority. */
  readonly priority: number;
  /** In order of preference; none: the tasks ask for nothing. */
  readonly variants: readonly {
    readonly cpus: number;
    readonly amounts: readonly { readonly name: string; readonly amount: number }[];
  }[];
}

/** What a worker measured in the last second. */
export interface SampleRecord {
  readonly worker: number;
  /** By the worker's clock. */
  readonly atMs: number;
  /** Cores used by the worker and all that it has started. */
  readonly cpus: number;
  /** Resident memory of these. */
  readonly memoryBytes: number;
  /** Memory that is left on its machine, or in its cgroup. */
  readonly freeMemoryBytes: number;
  /** Bytes of objects in memory. */
  readonly objectBytes: number;
  /** From and to other workers, since the last sample. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly runningTasks: number;
}
