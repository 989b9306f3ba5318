/**
 * What extensions are made of, as their authors write it. Owns types only; define-extension.ts checks
 * them, the workers' executor and function processes carry them out.
 */
import type { Data, FunctionResult, TaskLog, TaskResources } from "../functions/index.js";

/** Makes results that are neither bytes nor text. `V`: the extension's data types. */
export interface ValueMaker<V extends object = Record<string, unknown>> {
  /**
   * A value of one of this extension's data types. It stays as it is, alive, in the worker that made it,
   * and must not be changed any more.
   * @throws TypeError for a name that is none of them
   */
  value<K extends keyof V & string>(name: K, value: V[K]): Data<V[K]>;
  /**
   * A copy of any value that can be cloned structurally; the next function gets it back by
   * `unwrap()`, the client as it is. Data comes back as it is.
   */
  wrap<T>(value: T): T extends Data<unknown> ? T : Data<T>;
}

/** What a task type's `run` gets. */
export interface ExtensionTask<V extends object = Record<string, unknown>> extends ValueMaker<V> {
  /** Symbol of the task type, e.g. "my/count". */
  readonly type: string;
  /** The objects themselves, nothing is copied; `unwrap()` gives the live value of a data type. */
  readonly inputs: readonly Data[];
  /** What the client gave, not to be changed; empty if it gave nothing. */
  readonly config: Buffer;
  /** Id of the task on its client's connection (`future.id`). */
  readonly taskId: number;
  /** 1 for the first execution; grows when the task is executed again. */
  readonly attempt: number;
  /** Cores that the task holds. */
  readonly cpus: number;
  /** All that it holds, by name: `{ cpus: { amount: 2, indices: ["0", "1"] } }`; empty for a light task. */
  readonly resources: TaskResources;
  readonly label: string | undefined;
  readonly log: TaskLog;
  /** Fires when nobody wants the result any more, or the time limit is over. */
  readonly signal: AbortSignal;
}

/** How tasks of one type are executed. */
export interface TaskTypeDefinition<V extends object = Record<string, unknown>> {
  /**
   * Executes a task. May throw, or reject: then the task fails with that message.
   * @returns a string (UTF-8) or bytes, which must not be changed any more; an input or a part of it;
   * what `task.value` and `task.wrap` make; an array of these; a Task, which is executed in place of
   * this one; or a promise of one of them
   */
  run(task: ExtensionTask<V>): FunctionResult | Promise<FunctionResult>;
  /**
   * True: in a process of its own, which may block, crash and leak. Default false: in the worker's
   * process, where nothing is copied and a call costs a microsecond, but nothing else happens while
   * it runs.
   */
  readonly pool?: boolean | undefined;
}

/** What is a part of a value: everything that a task type may give, but tasks. */
export type PartResult = string | Uint8Array | Data<unknown> | readonly PartResult[];

/** How values of one type travel and what can be asked of them. No function may change the value. */
export interface DataTypeDefinition<T = unknown, V extends object = Record<string, unknown>> {
  /** The value as bytes, or as several pieces to be joined; called when it leaves the worker. */
  serialize(value: T): Uint8Array | readonly Uint8Array[];
  /** The value from its bytes, which must not be changed and begin at a multiple of 8 in their buffer. */
  deserialize(bytes: Uint8Array): T;
  /** Bytes it takes, for `loom/base/size` and for placing tasks. Default: those of its serialized form. */
  size?(value: T): number;
  /** Its number of elements, for `loom/base/length`. Default: 0. */
  length?(value: T): number;
  /** Element `index`, for `loom/base/get`; needs `length`. */
  get?(value: T, index: number, make: ValueMaker<V>): PartResult;
  /** Elements [start, end), for `loom/base/slice`; needs `length`. */
  slice?(value: T, start: number, end: number, make: ValueMaker<V>): PartResult;
  /** What clients get when they fetch it. Default: its serialized form. */
  toBytes?(value: T): Uint8Array | readonly Uint8Array[];
}

/** An extension of workers: see {@link defineExtension}. */
export interface ExtensionDefinition<V extends object = Record<string, unknown>> {
  /** First part of all its symbols: letters, digits, `_`, `.`, `-`; not "loom". */
  readonly prefix: string;
  /** By name: the task type `count` of the prefix `my` has the symbol "my/count". */
  readonly taskTypes?:
    | { readonly [name: string]: TaskTypeDefinition<NoInfer<V>> | undefined }
    | undefined;
  /** By name, likewise. */
  readonly dataTypes?:
    | { readonly [K in keyof V]: DataTypeDefinition<V[K], NoInfer<V>> }
    | undefined;
}
