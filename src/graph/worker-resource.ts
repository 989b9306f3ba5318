/**
 * Resources as amounts: what a worker has, and what one task takes of it. Owns the types only; which
 * worker has enough is the scheduler's business, who holds what the worker core's.
 */

/** A resource that a worker has, besides its cpus. */
export interface WorkerResource {
  /** Without "loom/resource/": "gpus", "mem" (bytes). */
  readonly name: string;
  /** The number of `indices` if there are any. */
  readonly amount: number;
  /** Names of the single ones of an indexed resource, e.g. "0", "1"; else empty. */
  readonly indices: readonly string[];
}

/** An amount of a resource that a task takes. */
export interface RequestedAmount {
  /** Without "loom/resource/". */
  readonly name: string;
  readonly amount: number;
  /** These single ones of an indexed resource; empty: any. */
  readonly indices: readonly string[];
}

/** What a task holds while it runs: one of the variants of its request, chosen by the server. */
export interface ConcreteRequest {
  /** From 1 to 65,535; the same for the same amounts. */
  readonly id: number;
  /** 0 to 65,535. */
  readonly cpus: number;
  /** Without cpus; each name once. */
  readonly amounts: readonly RequestedAmount[];
}
