/**
 * What tasks may hold besides cores, where the worker was not told: the memory of the machine or of
 * the control group that the worker is in, and the GPUs of NVIDIA's driver. Called by start-worker.ts.
 */
import { readdirSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import type { WorkerCoreOptions } from "../worker-core/index.js";
import { MemoryGroups } from "./memory-groups.js";

/** A resource as the core takes it. */
export type OfferedResource = NonNullable<WorkerCoreOptions["resources"]>[number];

/** Which part of what is detected is this worker's. */
export interface ResourceShare {
  /** From 1 to `of`. */
  readonly part: number;
  /** Workers among which it is divided. */
  readonly of: number;
}

export interface DetectionOptions {
  readonly share?: ResourceShare | undefined;
  /** Where /proc and /sys are, for tests. */
  readonly root?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly totalBytes?: number;
}

/**
 * What the worker offers: the given ones, and those detected that were not given. An amount of 0
 * says that there is none, whatever is detected.
 */
export function offeredResources(
  given: readonly OfferedResource[],
  options: DetectionOptions = {},
): OfferedResource[] {
  const { part, of } = options.share ?? { part: 1, of: 1 };
  const known = new Set(given.map(({ name }) => name));
  const offered = given.filter(({ amount }) => amount > 0);
  if (!known.has("mem")) {
    const amount = Math.floor(detectMemory(options) / of);
    offered.push({ name: "mem", amount, indices: [] });
  }
  if (!known.has("gpus")) {
    const indices = detectGpus(options).filter((_, i) => i % of === part - 1);
    if (indices.length > 0) offered.push({ name: "gpus", amount: indices.length, indices });
  }
  return offered;
}

/** Bytes of memory that processes here may use. */
export function detectMemory({ root = "/", totalBytes = totalmem() }: DetectionOptions): number {
  return Math.min(totalBytes, new MemoryGroups(root).findLimit() ?? totalBytes);
}

/** Indices, as CUDA_VISIBLE_DEVICES would have them. */
export function detectGpus({ root = "/", env = process.env }: DetectionOptions): string[] {
  const visible = env.CUDA_VISIBLE_DEVICES;
  if (visible === undefined) {
    return findNames(join(root, "proc/driver/nvidia/gpus")).map((_, i) => String(i));
  }
  const indices = visible.split(",").map((index) => index.trim());
  // What comes after one that is none is not visible either.
  const end = indices.findIndex((index) => index === "" || index === "-1");
  return [...new Set(end < 0 ? indices : indices.slice(0, end))];
}

function findNames(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
