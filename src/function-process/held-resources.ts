/**
 * What calls hold (HOLD records), and the variable that shows libraries their GPUs. Called by
 * session.ts and call-runner.ts.
 */
import { ProtocolError } from "../base/index.js";
import type { TaskResources } from "../functions/index.js";

export interface HeldByCall {
  /** As the context shows it; frozen, as many calls have the same. */
  readonly resources: TaskResources;
  /** Indices of its GPUs, joined by commas; undefined: it holds none. */
  readonly gpus: string | undefined;
}

export const NOTHING_HELD: HeldByCall = { resources: Object.freeze({}), gpus: undefined };

/** Reads the JSON of a HOLD. @throws ProtocolError */
export function readHeld(json: string): HeldByCall {
  let resources: TaskResources | null;
  try {
    resources = JSON.parse(json);
  } catch (cause) {
    throw new ProtocolError("HOLD is no JSON", { cause });
  }
  if (typeof resources !== "object" || resources === null || Array.isArray(resources)) {
    throw new ProtocolError(`HOLD needs resources by name, got ${json}`);
  }
  for (const [name, resource] of Object.entries(resources)) {
    if (typeof resource?.amount !== "number" || !Array.isArray(resource.indices)) {
      throw new ProtocolError(`HOLD needs amount and indices of ${name}, got ${json}`);
    }
    Object.freeze(resource.indices);
    Object.freeze(resource);
  }
  const indices = resources.gpus?.indices ?? [];
  const gpus = indices.length === 0 ? undefined : indices.join(",");
  return { resources: Object.freeze(resources), gpus };
}

const VARIABLE = "CUDA_VISIBLE_DEVICES";

/**
 * The variable while calls that hold GPUs run; for others it is what it was. Light calls leave it
 * alone: they may run beside one that holds GPUs.
 */
export class VisibleGpus {
  private shown: string | undefined = undefined;
  private before: string | undefined = undefined;

  show(gpus: string | undefined): void {
    if (gpus === this.shown) return;
    if (this.shown === undefined) this.before = process.env[VARIABLE];
    this.shown = gpus;
    const value = gpus ?? this.before;
    if (value === undefined) delete process.env[VARIABLE];
    else process.env[VARIABLE] = value;
  }
}
