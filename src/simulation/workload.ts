/**
 * The tasks to simulate, as columns. Filled by the generators, from graph files, and by whoever
 * has tasks to replay. Owns the shape and a builder; says nothing of where tasks run.
 */
import { LoomError } from "../base/index.js";

/** What a task holds while it runs. */
export interface TaskRequest {
  /** 0: a light task, if there are no other amounts either. */
  readonly cpus: number;
  /** Other resources by name, such as gpus. */
  readonly amounts: readonly { readonly name: string; readonly amount: number }[];
}

/** What a built-in light task of a worker asks for: nothing. */
export const LIGHT: TaskRequest = { cpus: 0, amounts: [] };

/** Tasks with the same label and request. Durations of one label are learned together. */
export interface TaskKind {
  readonly label: string;
  readonly request: TaskRequest;
}

/**
 * Tasks in an order in which each comes after its inputs; task i is `i` in all columns. Each makes
 * one object, its result. Results of tasks that nobody uses are wanted by the client.
 */
export interface Workload {
  readonly name: string;
  readonly taskCount: number;
  /** True execution times on a worker of speed 1. */
  readonly durationMs: Float64Array;
  readonly outputBytes: Float64Array;
  readonly kinds: readonly TaskKind[];
  /** By task: index into `kinds`. */
  readonly kind: Uint16Array;
  /** Inputs of task i: `inputs[inputStart[i] .. inputStart[i + 1]]`, numbers of tasks. */
  readonly inputStart: Uint32Array;
  readonly inputs: Uint32Array;
  /** Estimates of a user; NaN: none. Undefined: of no task. */
  readonly expectedMs?: Float32Array;
  readonly expectedBytes?: Float64Array;
  /** -100 to 100, higher first. Undefined: all 0. */
  readonly priority?: Int8Array;
}

const MAX_KINDS = 65_535;

/**
 * Builds a workload task by task.
 *
 * @example
 * const builder = new WorkloadBuilder("pair");
 * const kind = builder.kind("step", { cpus: 1, amounts: [] });
 * const first = builder.task(kind, 1000, 1e6);
 * builder.task(kind, 500, 0, first);
 * const workload = builder.finish();
 */
export class WorkloadBuilder {
  private readonly kinds: TaskKind[] = [];
  private taskTotal = 0;
  private inputTotal = 0;
  private durations = new Float64Array(1024);
  private sizes = new Float64Array(1024);
  private kindColumn = new Uint16Array(1024);
  private starts = new Uint32Array(1025);
  private inputColumn = new Uint32Array(1024);

  constructor(private readonly name: string) {}

  /** The number of tasks so far, and so that of the next one. */
  get taskCount(): number {
    return this.taskTotal;
  }

  /** A number for task(). */
  kind(label: string, request: TaskRequest): number {
    if (this.kinds.length === MAX_KINDS) {
      throw new LoomError("usage", `${this.name}: more than ${MAX_KINDS} kinds of tasks`);
    }
    return this.kinds.push({ label, request }) - 1;
  }

  /** Adds a task; returns its number. Further inputs with input(). */
  task(kind: number, durationMs: number, outputBytes: number, firstInput = -1): number {
    const task = this.taskTotal++;
    if (task === this.durations.length) {
      this.durations = enlarged(this.durations, new Float64Array(2 * task));
      this.sizes = enlarged(this.sizes, new Float64Array(2 * task));
      this.kindColumn = enlarged(this.kindColumn, new Uint16Array(2 * task));
      this.starts = enlarged(this.starts, new Uint32Array(2 * task + 1));
    }
    this.durations[task] = durationMs;
    this.sizes[task] = outputBytes;
    this.kindColumn[task] = kind;
    this.starts[task + 1] = this.inputTotal;
    if (firstInput >= 0) this.input(firstInput);
    return task;
  }

  /** One more input of the task that was added last. */
  input(producer: number): void {
    if (this.inputTotal === this.inputColumn.length) {
      this.inputColumn = enlarged(this.inputColumn, new Uint32Array(2 * this.inputTotal));
    }
    this.inputColumn[this.inputTotal++] = producer;
    this.starts[this.taskTotal] = this.inputTotal;
  }

  /** Changes the duration of a task that was added. */
  setDuration(task: number, durationMs: number): void {
    this.durations[task] = durationMs;
  }

  finish(): Workload {
    const count = this.taskTotal;
    return {
      name: this.name,
      taskCount: count,
      durationMs: this.durations.subarray(0, count),
      outputBytes: this.sizes.subarray(0, count),
      kinds: this.kinds,
      kind: this.kindColumn.subarray(0, count),
      inputStart: this.starts.subarray(0, count + 1),
      inputs: this.inputColumn.subarray(0, this.inputTotal),
    };
  }
}

function enlarged<T extends { set(source: ArrayLike<number>): void }>(
  source: ArrayLike<number>,
  target: T,
): T {
  target.set(source);
  return target;
}
