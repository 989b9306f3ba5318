/**
 * Executes tasks of extensions with `pool: true`. Owns the task that `run` gets here; it is called
 * like any function, by its export `run` (src/executors/extension/extension-pool.ts names it).
 */
import { type ExtensionTask, joinedBytes, type ValueMaker } from "../extensions/index.js";
import type { Context, Data, TaskLog, TaskResources } from "../functions/index.js";
import type { DataOwner } from "./data.js";
import { extensions } from "./extension-preload.js";
import { WrappedData } from "./value-data.js";

/** A value of an extension's type that was made here: it is serialized at once, as results are. */
class TypedData extends WrappedData {
  constructor(
    private readonly symbol: string,
    value: unknown,
    serialized: Buffer,
  ) {
    super(OWNER, value, serialized);
  }

  override get type(): string {
    return this.symbol;
  }
}

/** Its function makes `v8.serialize` refuse Data. */
const OWNER: DataOwner & { refuseClone(): void } = { isOver: false, refuseClone() {} };

class PoolTask implements ExtensionTask {
  constructor(
    private readonly context: Context,
    readonly type: string,
    readonly config: Buffer,
    readonly cpus: number,
    readonly label: string | undefined,
    readonly inputs: readonly Data[],
    readonly value: ValueMaker["value"],
  ) {}

  get taskId(): number {
    return this.context.taskId;
  }

  get attempt(): number {
    return this.context.attempt;
  }

  get resources(): TaskResources {
    return this.context.resources;
  }

  get log(): TaskLog {
    return this.context.log;
  }

  get signal(): AbortSignal {
    return this.context.signal;
  }

  get wrap(): ValueMaker["wrap"] {
    return this.context.wrap;
  }
}

/** Executes the task; what it returns is a result as of any function. */
export function run(
  context: Context,
  type: string,
  config: Buffer,
  cpus: number,
  label: string | undefined,
  ...inputs: Data[]
): unknown {
  const prefix = type.slice(0, type.indexOf("/"));
  const extension = extensions.find((loaded) => loaded.extension.prefix === prefix)?.extension;
  const taskType = extension?.taskTypes.get(type);
  if (extension === undefined || taskType === undefined) {
    throw new TypeError(
      `${type}: the module of its extension has changed since the worker started`,
    );
  }
  const value = (name: string, live: unknown): Data<never> => {
    const symbol = `${prefix}/${name}`;
    const dataType = extension.dataTypes.get(symbol);
    if (dataType === undefined) {
      const known = [...extension.dataTypes.keys()].map((key) => key.slice(prefix.length + 1));
      throw new TypeError(
        `value("${name}"): extension "${prefix}" has ${known.length === 0 ? "no data types" : `only the data types ${known.join(", ")}`}`,
      );
    }
    const bytes = joinedBytes(`serialize of "${symbol}"`, dataType.serialize(live));
    const serialized = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return new TypedData(symbol, live, serialized) as unknown as Data<never>;
  };
  return taskType.run(
    new PoolTask(context, type, config, cpus, label, inputs, value as ValueMaker["value"]),
  );
}
