/**
 * What a task holds while it runs, in the forms in which programs and functions are told. Owns these
 * forms; who holds what is the worker core's. Made by the worker.
 */
import type { TaskResources } from "../functions/index.js";

/** The resource that `CUDA_VISIBLE_DEVICES` is about. */
const GPUS = "gpus";

/** One for all tasks that hold the same things together. */
export class TaskGrant {
  private text: string | undefined = undefined;
  private variables: Readonly<Record<string, string>> | undefined = undefined;

  /** @param workerHasGpus tasks that hold none are not to see those of others */
  constructor(
    readonly resources: TaskResources,
    private readonly workerHasGpus: boolean,
  ) {}

  /** As `LOOM_RESOURCES` has it, and function processes get it. */
  get json(): string {
    this.text ??= JSON.stringify(this.resources);
    return this.text;
  }

  /** Indices of its GPUs, joined by commas; undefined: it holds none. */
  get gpus(): string | undefined {
    const indices = this.resources[GPUS]?.indices ?? [];
    return indices.length === 0 ? undefined : indices.join(",");
  }

  /** What programs find in their environment. */
  get environment(): Readonly<Record<string, string>> {
    if (this.variables === undefined) {
      const gpus = this.gpus ?? (this.workerHasGpus ? "" : undefined);
      this.variables = {
        LOOM_CPUS: String(this.resources.cpus?.amount ?? 0),
        LOOM_RESOURCES: this.json,
        ...(gpus === undefined ? {} : { CUDA_VISIBLE_DEVICES: gpus }),
      };
    }
    return this.variables;
  }
}
