/**
 * Functions that run while something bad happens to another one, and must not notice. Owns the files
 * by which tests and functions meet. Used by tests of this folder.
 */
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jsTask, type Task, type TaskFailed, tasks } from "hyperloom";
import { afterAll, expect } from "vitest";
import { python } from "./python.js";
import { failureOf, type SharedCluster, within } from "./shared-cluster.js";

const scratch = realpathSync(mkdtempSync(join(tmpdir(), "functions-cluster-")));
afterAll(() => rmSync(scratch, { recursive: true }));
let files = 0;

/** Of a file that does not exist. */
export function newPath(): string {
  return join(scratch, `file${files++}`);
}

/** Makes the file. */
export const touch = (path: string) => tasks.save(tasks.const("."), path);

/** Waits for the file; then it is "unharmed". */
const waitFor = jsTask(async (path: string) => {
  const { existsSync } = await import("node:fs");
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5));
  return "unharmed";
});
export const lightWaitFor = jsTask(waitFor.fn, { cpus: 0 });
const WAIT_FOR = `
import os, time
def f(path):
    while not os.path.exists(path): time.sleep(0.005)
    return "unharmed"
`;

/**
 * How the task fails, on a cluster of one worker with two cores, while functions run on the other core
 * and beside it.
 */
export async function failureAmongOthers(
  { client, workers }: SharedCluster,
  task: Task<unknown>,
): Promise<TaskFailed> {
  const path = newPath();
  const pid = workers[0].pid;
  const inPython = (cpus: number) => python(WAIT_FOR, { args: [path], cpus });
  const heavy = task.type === "loom/py/call" ? inPython(1) : waitFor(path);
  const beside = client.submit([heavy, lightWaitFor(path), lightWaitFor(path), inPython(0)]);
  const failure = await failureOf(client.submitOne(task));
  await client.submitOne(touch(path)).gather();
  const values = await within("those beside it", client.gather(beside));
  expect(values.map(String)).toEqual(beside.map(() => "unharmed"));
  expect(workers.map((worker) => worker.pid)).toEqual([pid]);
  return failure;
}
