/**
 * Tasks as a client describes them. Owns the type and its fluent copies; which task types
 * exist and what their configs mean is not known here. Made by client/tasks, read by
 * build-plan.
 */
import { LoomError } from "../base/index.js";
import { cpus, type ResourceRequest } from "./resource-request.js";

/** Key of the phantom member that carries a task's result type; never set. */
declare const resultType: unique symbol;

/** The result of a task submitted earlier: the client's `Future`. */
export interface SubmittedResult {
  /** The task's id on its client's connection. */
  readonly id: number;
}

/** Key of the member that marks {@link LocalObject}s. */
export const localObject: unique symbol = Symbol.for("hyperloom.localObject") as never;

/**
 * An object that a running function was given (its `Data`): an input only of a task that this
 * function returns.
 */
export interface LocalObject {
  readonly [localObject]: true;
}

/** What may stand in {@link Task.inputs}. */
export type TaskInput = Task | SubmittedResult | LocalObject;

/**
 * What to do when a task was lost with its worker while it may have been running, or its result
 * was: "repeat" executes it again elsewhere; "once" lets it fail, for tasks whose effects must not
 * happen twice.
 */
export type TaskPolicy = "repeat" | "once";

/** What {@link Task} can carry besides its type, config and inputs. */
export interface TaskOptions {
  /** What it holds while it runs. Default: nothing (a light task). */
  readonly request?: ResourceRequest | undefined;
  /** Shown in errors, traces and status instead of the task type. */
  readonly label?: string | undefined;
  /** Absolute path at which the worker stores the result. */
  readonly checkpointPath?: string | undefined;
  /** Kept in traces; usually JSON. */
  readonly metadata?: Uint8Array | undefined;
  /** Default "repeat". */
  readonly policy?: TaskPolicy | undefined;
}

/**
 * A description of work: nothing happens until it is submitted. Tasks are not changed
 * after they were made; `with…` methods return copies. `T` is the type of the result.
 */
export class Task<T = unknown> {
  /** Type-level only: what `gather` of its future gives. */
  declare readonly [resultType]?: T;

  readonly request: ResourceRequest | undefined;
  readonly label: string | undefined;
  readonly checkpointPath: string | undefined;
  readonly metadata: Uint8Array | undefined;
  readonly policy: TaskPolicy;

  /**
   * Scratch space of build-plan: the plan that last met this task and the task's number in
   * it (-1 while its inputs are being numbered). Far cheaper than a Map of a million tasks.
   * @internal
   */
  planSerial = 0;
  /** @internal */
  planNumber = 0;

  /**
   * @param type symbol of the task type, e.g. "loom/data/merge"
   * @param config bytes that the task type defines; not copied, must not be changed
   * @param inputs the same one may occur several times
   */
  constructor(
    readonly type: string,
    readonly config: Uint8Array,
    readonly inputs: readonly TaskInput[],
    options?: TaskOptions,
  ) {
    this.request = options?.request;
    this.label = options?.label;
    this.checkpointPath = options?.checkpointPath;
    this.metadata = options?.metadata;
    this.policy = options?.policy ?? "repeat";
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

  /** A copy with metadata for traces; a string is stored as it is, anything else as JSON. */
  withMetadata(metadata: unknown): Task<T> {
    const text = typeof metadata === "string" ? metadata : JSON.stringify(metadata);
    if (text === undefined) {
      throw new LoomError("usage", `metadata of ${describeTask(this)} can't be written as JSON`);
    }
    return this.copy({ metadata: new TextEncoder().encode(text) });
  }

  /** A copy that is executed again when it was lost with its worker, or must not be. */
  withPolicy(policy: TaskPolicy): Task<T> {
    return this.copy({ policy });
  }

  private copy(change: TaskOptions): Task<T> {
    const { request, label, checkpointPath, metadata, policy } = this;
    const options = { request, label, checkpointPath, metadata, policy, ...change };
    return new Task<T>(this.type, this.config, this.inputs, options);
  }
}

/** How messages name a task: `task "label" (type)` or `task of type "type"`. */
export function describeTask(task: { type: string; label?: string | undefined }): string {
  return task.label === undefined || task.label === ""
    ? `task of type "${task.type}"`
    : `task "${task.label}" (${task.type})`;
}
