/**
 * What a task needs of a worker while it runs. Owns the type and its comparison; what a
 * resource means is the scheduler's business.
 */
import { LoomError } from "../base/index.js";

/** Resources a task holds while it runs. Tasks without one are light: they need no core. */
export interface ResourceRequest {
  readonly resources: readonly ResourceAmount[];
}

/** One resource of a {@link ResourceRequest}. */
export interface ResourceAmount {
  /** Symbol of the resource, e.g. "loom/resource/cpus". */
  readonly name: string;
  /** How much of it; a positive integer. */
  readonly value: number;
}

const MAX_CPUS = 65_535;
const requests = new Map<number, ResourceRequest>();

/**
 * A request for `count` cores of one worker. Equal counts give the same object.
 * @throws LoomError("usage") unless `count` is an integer from 1 to 65,535
 * @example tasks.custom("app/solve", config, [], { request: cpus(4) })
 */
export function cpus(count: number): ResourceRequest {
  let request = requests.get(count);
  if (request === undefined) {
    if (!Number.isInteger(count) || count < 1 || count > MAX_CPUS) {
      throw new LoomError("usage", `cpus must be an integer from 1 to ${MAX_CPUS}, got ${count}`);
    }
    request = { resources: [{ name: "loom/resource/cpus", value: count }] };
    requests.set(count, request);
  }
  return request;
}
