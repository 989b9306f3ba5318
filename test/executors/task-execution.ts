/** A task for an executor, with everything that a test does not care about. */
import type { TaskExecution } from "../../src/executors/index.js";

export function aTask(
  given: Pick<TaskExecution, "taskType"> & Partial<TaskExecution>,
): TaskExecution {
  return {
    row: 1,
    attempt: 1,
    config: new Uint8Array(0),
    inputs: [],
    grant: undefined,
    cpus: 0,
    sharesCores: false,
    cores: [],
    label: undefined,
    taskId: 0,
    execution: 1,
    timeLimitMs: 0,
    once: false,
    onCancel() {},
    finish() {
      throw new Error(`${given.taskType} was finished by a call`);
    },
    fail() {
      throw new Error(`${given.taskType} was failed by a call`);
    },
    log() {},
    ...given,
  };
}
