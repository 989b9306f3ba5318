/** All that a worker has, as it is told to the server. */
import type { WorkerResource } from "./worker-resource.js";

export interface WorkerResources {
  readonly cpus: number;
  /** Besides cpus; each name once. */
  readonly resources: readonly WorkerResource[];
}
