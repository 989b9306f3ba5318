/** Which tasks of a plan have a checkpoint file already. */
import { stat } from "node:fs/promises";
import { decodeTaskMessage, type PlanColumns, PlanTaskFlag } from "../protocol/index.js";

/** How many files are looked at together. */
const PARALLEL = 64;

/** Paths (as bytes) of the checkpoint files that exist, by task index. */
export async function findCheckpoints(plan: PlanColumns): Promise<Map<number, Uint8Array>> {
  const found = new Map<number, Uint8Array>();
  if (!plan.loadCheckpoints) return found;
  const candidates: number[] = [];
  for (let i = 0; i < plan.taskCount; i++) {
    if (plan.flags[i] & PlanTaskFlag.checkpoint) candidates.push(i);
  }
  for (let start = 0; start < candidates.length; start += PARALLEL) {
    const some = candidates.slice(start, start + PARALLEL);
    await Promise.all(
      some.map(async (i) => {
        const path = decodeTaskMessage(plan, i).checkpointPath;
        if (await isFile(path)) found.set(i, new TextEncoder().encode(path));
      }),
    );
  }
  return found;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    // Not there, or not to be seen from here: then the task is executed.
    return false;
  }
}
