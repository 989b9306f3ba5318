/**
 * The resources that tasks may hold: cores, numbered from 0 (the outside pins programs by these
 * numbers), and any others. Owns who holds what. Called by the worker's core and its queue.
 */
import type { ConcreteRequest, WorkerResource } from "../graph/index.js";
import { type HeldAmount, type ResourcePool, resourcePool } from "./resource-pool.js";
import { TaskHolding } from "./task-holding.js";
import { resolveRequest, type WorkerRequest } from "./worker-request.js";
import type { WorkerTask } from "./worker-task.js";

const NO_AMOUNTS: readonly HeldAmount[] = [];

export class ResourceSlots {
  /** Who holds each core; undefined = free. */
  readonly cores: (TaskHolding | undefined)[];
  readonly pools: ReadonlyMap<string, ResourcePool>;
  /** Holdings with more than cores. For checks. */
  readonly mixed = new Set<TaskHolding>();
  private freeCores: number;

  constructor(cpus: number, resources: readonly WorkerResource[]) {
    this.cores = new Array(cpus).fill(undefined);
    this.freeCores = cpus;
    this.pools = new Map(resources.map((resource) => [resource.name, resourcePool(resource)]));
  }

  /** Cores that nobody holds. */
  get free(): number {
    return this.freeCores;
  }

  resolve(request: ConcreteRequest): WorkerRequest {
    return resolveRequest(request, this.cores.length, this.pools);
  }

  /** Whether all that is asked for is free. */
  fits(request: WorkerRequest): boolean {
    if (request.cpus > this.freeCores) return false;
    const { asks } = request;
    for (let i = 0; i < asks.length; i++) if (!asks[i].pool.fits(asks[i])) return false;
    return true;
  }

  /**
   * By resource, cores first: the limits of what fits (no request that needs more does), and what is wholly
   * free, of which those that come behind must leave what is claimed.
   */
  measureFree(limits: number[], free: number[]): void {
    limits[0] = this.freeCores;
    free[0] = this.freeCores;
    let d = 1;
    for (const pool of this.pools.values()) {
      limits[d] = pool.mostFree;
      free[d++] = pool.whollyFree;
    }
  }

  /** Whether `other` has to wait (longer) when `request`, which fits, takes what it asks for. */
  delays(request: WorkerRequest, other: WorkerRequest): boolean {
    const bothNeedCores = request.cpus > 0 && other.cpus > 0;
    if (bothNeedCores && this.freeCores - request.cpus < other.cpus) return true;
    for (const ask of request.asks) {
      for (const theirs of other.asks) {
        if (ask.pool === theirs.pool && !ask.pool.leavesEnough(ask, theirs)) return true;
      }
    }
    return false;
  }

  /** Gives the task what it asks for, of cores the lowest; it must fit. */
  take(task: WorkerTask): void {
    const { cpus, asks } = task.request!;
    const numbers: number[] = [];
    const amounts = asks.length === 0 ? NO_AMOUNTS : asks.map((ask) => ask.pool.take(ask));
    const held = new TaskHolding(numbers, amounts);
    for (let i = 0; numbers.length < cpus; i++) {
      if (this.cores[i] !== undefined) continue;
      this.cores[i] = held;
      numbers.push(i);
    }
    this.freeCores -= cpus;
    if (amounts.length > 0) this.mixed.add(held);
    task.held = held;
  }

  /** Gives the task what another one with the same request holds. */
  share(task: WorkerTask, held: TaskHolding): void {
    held.tasks++;
    task.held = held;
  }

  /** Takes back what the task holds; it is free when no other task holds it. False: it is not. */
  release(task: WorkerTask): boolean {
    const { held } = task;
    if (held === undefined) return false;
    task.held = undefined;
    if (--held.tasks > 0) return false;
    for (const core of held.cores) this.cores[core] = undefined;
    this.freeCores += held.cores.length;
    if (held.amounts.length > 0) {
      this.mixed.delete(held);
      for (const amount of held.amounts) amount.pool.release(amount);
    }
    return true;
  }
}
