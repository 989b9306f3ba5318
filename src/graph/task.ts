/**
 * Tasks as a client describes them. Owns the type and its fluent copies; which task types
 * exist and what their configs mean is not known here. Made by the room `tasks` and by `jsTask`,
 * read by build-plan.
 */
import { LoomError } from "../base/index.js";
import { describeTask } from "./describe-task.js";
import { checkMetadata, encodeMetadata } from "./metadata.js";
import { cpus, type ResourceRequest } from "./resource-request.js";
import { checkHints, hintsOf, type TaskHints } from "./task-hints.js";

/** Key of the phantom member that carries a task's result type; never set. */
export declare const resultType: unique symbol;

/** Key of the member that marks {@link SubmittedResult}s. */
export const submittedResult: unique symbol = Symbol.for("hyperloom.submittedResult") as never;

/** The result of a task submitted earlier: the client's `Future`. */
export interface SubmittedResult<T = unknown> {
  /** The task's id on its client's connection. */
  readonly id: number;
  readonly [submittedResult]: true;
  /** Type-level only. */
  readonly [resultType]?: T;
}

/** Key of the member that marks {@link LocalObject}s. */
export const localObject: unique symbol = Symbol.for("hyperloom.localObject") as never;

/**
 * An object that a running function was given (its `Data`): an input only of a task that this
 * function returns.
 */
export interface LocalObject<T = unknown> {
  readonly [localObject]: true;
  /** Type-level only. */
  readonly [resultType]?: T;
}

/**
 * Key under which objects that mean something only in their process say what they are ("a Client"):
 * they are refused as values of functions.
 */
export const notPortable: unique symbol = Symbol.for("hyperloom.notPortable") as never;

/** What may stand in {@link Task.inputs}. */
export type TaskInput = Task | SubmittedResult | LocalObject;

/**
 * What to do when a task was lost with its worker while it may have been running, or its result
 * was: "repeat" executes it again elsewhere; "once" lets it fail, for tasks whose effects must not
 * happen twice.
 */
export type TaskPolicy = "repeat" | "once";

/** A task, or the future of a submitted one: what can be an input. */
export type TaskLike<T = unknown> = Task<T> | SubmittedResult<T>;

/** What `gather` gives for a task or future; for data of a running function what its task gives. */
export type ValueOf<C> =
  C extends Task<infer T>
    ? T
    : C extends SubmittedResult<infer T>
      ? T
      : C extends LocalObject<infer T>
        ? T
        : never;

/** What `gather` gives for a tuple (or array) of tasks or futures. */
export type ValuesOf<C extends readonly unknown[]> = { -readonly [K in keyof C]: ValueOf<C[K]> };

/** What {@link Task} can carry besides its type, config and inputs. */
export interface TaskOptions extends TaskHints {
  /** What it holds while it runs. Default: nothing (a light task). */
  readonly request?: ResourceRequest | undefined;
  /** Shown in errors, traces and status instead of the task type. */
  readonly label?: string | undefined;
  /** Absolute path at which the worker stores the result. */
  readonly checkpointPath?: string | undefined;
  /** As {@link Task.withMetadata} makes it: JSON in UTF-8, at most 1 MiB. */
  readonly metadata?: Uint8Array | undefined;
  /** Default "repeat". */
  readonly policy?: TaskPolicy | undefined;
  /** It fails when it has run for so many milliseconds; a positive integer. Default 0: no limit. */
  readonly timeLimitMs?: number | undefined;
}

/** A task as one object: `new Task({ type: "my/count", inputs: [words] })`. */
export interface TaskDescription extends TaskOptions {
  /** Symbol of the task type, e.g. "my/count". */
  readonly type: string;
  /** Bytes that the task type defines, not copied; a string is UTF-8. Default: empty. */
  readonly config?: Uint8Array | string | undefined;
  /** The same one may occur several times. Default: none. */
  readonly inputs?: readonly TaskInput[] | undefined;
}

const NO_CONFIG = new Uint8Array(0);
const NO_INPUTS: readonly TaskInput[] = [];

/**
 * A description of work: nothing happens until it is submitted. Tasks are not changed
 * after they were made; `with…` methods return copies. `T` is the type of the result.
 */
export class Task<T = unknown> {
  /** Type-level only: what `gather` of its future gives. */
  declare readonly [resultType]?: T;

  readonly type: string;
  readonly config: Uint8Array;
  readonly inputs: readonly TaskInput[];
  readonly request: ResourceRequest | undefined;
  readonly label: string | undefined;
  readonly checkpointPath: string | undefined;
  readonly metadata: Uint8Array | undefined;
  readonly policy: TaskPolicy;
  /** Milliseconds; undefined = no limit. */
  readonly timeLimitMs: number | undefined;
  /** Undefined: none is given. @internal */
  readonly hints: TaskHints | undefined;

  /**
   * Its client submits it once, as a result of its own, and refers to that from then on. For
   * large constants that many plans share: the code of functions.
   * @internal
   */
  kept = false;
  /**
   * Scratch space of build-plan: the plan that last met this task and the task's number in
   * it (see there for others). Far cheaper than a Map of a million tasks.
   * @internal
   */
  planSerial = 0;
  /** @internal */
  planNumber = 0;

  /**
   * @example new Task({ type: "my/count", inputs: [words], request: cpus(2) })
   * @throws LoomError("usage") for a time limit that is no positive integer, a priority or an
   * estimate out of range, metadata above 1 MiB
   */
  constructor(description: TaskDescription);
  /**
   * @param type symbol of the task type, e.g. "loom/data/merge"
   * @param config bytes that the task type defines; not copied, must not be changed
   * @param inputs the same one may occur several times
   */
  constructor(
    type: string,
    config: Uint8Array,
    inputs: readonly TaskInput[],
    options?: TaskOptions,
  );
  constructor(
    what: string | TaskDescription,
    config: Uint8Array = NO_CONFIG,
    inputs: readonly TaskInput[] = NO_INPUTS,
    more?: TaskOptions,
  ) {
    let options = more;
    if (typeof what === "object" && what !== null) {
      this.type = what.type;
      this.config =
        typeof what.config === "string"
          ? new TextEncoder().encode(what.config)
          : (what.config ?? NO_CONFIG);
      this.inputs = what.inputs ?? NO_INPUTS;
      options = what;
    } else {
      this.type = what;
      this.config = config;
      this.inputs = inputs;
    }
    this.request = options?.request;
    this.label = options?.label;
    this.checkpointPath = options?.checkpointPath;
    this.metadata = options?.metadata;
    this.policy = options?.policy ?? "repeat";
    this.timeLimitMs = options?.timeLimitMs || undefined;
    if (this.timeLimitMs !== undefined) checkTimeLimit(this, this.timeLimitMs);
    this.hints = options === undefined ? undefined : hintsOf(options);
    if (this.hints !== undefined) checkHints(this.hints, this);
    if (this.metadata !== undefined) checkMetadata(this.metadata, this);
  }

  /** Higher comes first; 0 unless given. */
  get priority(): number {
    return this.hints?.priority ?? 0;
  }

  /** Estimate of its execution in milliseconds; undefined: none is given. */
  get expectedMs(): number | undefined {
    return this.hints?.expectedMs;
  }

  /** Estimate of its result's size in bytes; undefined: none is given. */
  get expectedBytes(): number | undefined {
    return this.hints?.expectedBytes;
  }

  /** A copy with a label, which errors, traces and status show. */
  withLabel(label: string): Task<T> {
    return this.copy({ label });
  }

  /**
   * A copy whose result the worker also stores at `path` (absolute, on a file system that
   * workers and server share). Submitted with `load: true`, a task whose file exists is not
   * computed again.
   * @throws LoomError("usage") if the path is not absolute
   */
  withCheckpoint(path: string): Task<T> {
    if (!/^(\/|\\\\|[A-Za-z]:[\\/])/.test(path)) {
      throw new LoomError(
        "usage",
        `checkpoint path "${path}" of ${describeTask(this)} is relative; give an absolute path`,
      );
    }
    return this.copy({ checkpointPath: path });
  }

  /** A copy that holds `count` cores while it runs. */
  withCpus(count: number): Task<T> {
    return this.copy({ request: cpus(count) });
  }

  /** A copy that holds these resources while it runs, see `resources()` and `anyOf()`. */
  withRequest(request: ResourceRequest): Task<T> {
    return this.copy({ request });
  }

  /**
   * A copy that comes before tasks of lower priority, and after those of higher.
   * @param priority integer from -100 to 100
   */
  withPriority(priority: number): Task<T> {
    return this.copy({ priority });
  }

  /**
   * A copy with estimates, which the scheduler uses until it has measured tasks with the same label:
   * milliseconds of execution, bytes of the result. What is left out stays as it is.
   */
  withEstimate(estimate: { ms?: number | undefined; bytes?: number | undefined }): Task<T> {
    const { ms = this.expectedMs, bytes = this.expectedBytes } = estimate;
    return this.copy({ expectedMs: ms, expectedBytes: bytes });
  }

  /**
   * A copy with metadata: any JSON value, kept with the task for traces and explanations.
   * @throws LoomError("usage") if it is no JSON value, or has more than 1 MiB as JSON
   * @example task.withMetadata({ sample: 17, lane: "L003" })
   */
  withMetadata(metadata: unknown): Task<T> {
    return this.copy({ metadata: encodeMetadata(metadata, this) });
  }

  /** A copy that is executed again when it was lost with its worker, or must not be. */
  withPolicy(policy: TaskPolicy): Task<T> {
    return this.copy({ policy });
  }

  /** A copy that fails when it has run for `ms` milliseconds; 0 = no limit. */
  withTimeLimit(ms: number): Task<T> {
    return this.copy({ timeLimitMs: ms });
  }

  private copy(change: TaskOptions): Task<T> {
    const { request, label, checkpointPath, metadata, policy, timeLimitMs } = this;
    const options = { request, label, checkpointPath, metadata, policy, timeLimitMs };
    return new Task<T>(this.type, this.config, this.inputs, {
      ...options,
      ...this.hints,
      ...change,
    });
  }
}

/** Whether it can be an input: a task, a future, or data of a running function. */
export function isTaskInput(value: unknown): value is TaskInput {
  if (typeof value !== "object" || value === null) return false;
  return value instanceof Task || submittedResult in value || localObject in value;
}

const MAX_TIME_LIMIT_MS = 0xffffffff;

function checkTimeLimit(task: Task, ms: number): void {
  if (Number.isInteger(ms) && ms > 0 && ms <= MAX_TIME_LIMIT_MS) return;
  throw new LoomError(
    "usage",
    `timeLimitMs of ${describeTask(task)} must be an integer from 1 to 2^32 - 1 (0: no limit), got ${ms}`,
  );
}
