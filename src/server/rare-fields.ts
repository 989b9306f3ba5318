/**
 * Checks the texts that few of a plan's tasks have (checkpoint path, label) and unknown fields: they are decoded
 * only when they are needed, which must not be the moment to find that they are malformed. Called for each plan before it is submitted.
 */
import { isAbsolute } from "node:path";
import { decodeTaskMessage, type PlanColumns, PlanTaskFlag } from "../protocol/index.js";
import type { PlanRefusal } from "../server-core/index.js";

/** Bytes and numbers are checked when the plan is decoded. */
const CHECKED_HERE = PlanTaskFlag.checkpoint | PlanTaskFlag.unchecked;

/** Why the plan is refused, if it is. Throws a ProtocolError when a task is malformed. */
export function checkRareFields(plan: PlanColumns): PlanRefusal | undefined {
  for (let i = 0; i < plan.taskCount; i++) {
    if (!(plan.flags[i] & CHECKED_HERE)) continue;
    const path = decodeTaskMessage(plan, i).checkpointPath;
    // Each worker, and the server, would take a relative one for a file of its own directory.
    if (path === "" || isAbsolute(path)) continue;
    const taskId = plan.idBase + i;
    const message = `task ${taskId} has the checkpoint path ${JSON.stringify(path)}, which is relative; it must be absolute`;
    return { taskId, message };
  }
  return undefined;
}
