/** From a numbered plan to a PLAN request: names become the server's symbol numbers. */
import { LoomError } from "../base/index.js";
import { describeTask, type TaskPlan } from "../graph/index.js";
import { PlanEncoder, type PlanTaskOptions } from "../protocol/index.js";

/** Servers refuse longer frames. */
const MAX_PLAN_BYTES = 2 ** 31;

/** What is needed of a session. */
export interface SymbolNumbers {
  findSymbolNumber(name: string): number | undefined;
}

/** @throws LoomError("plan") naming the task for a type or resource the server doesn't know */
export function encodePlan(plan: TaskPlan, symbols: SymbolNumbers, load: boolean): Uint8Array {
  const encoder = new PlanEncoder(plan.idBase);
  for (const { resources } of plan.requests) {
    encoder.addRequest(
      resources.map(({ name, value }) => {
        const symbol = symbols.findSymbolNumber(name);
        if (symbol !== undefined) return { symbol, value };
        throw new LoomError("plan", `the server knows no resource "${name}"; check its spelling`);
      }),
    );
  }
  // Most plans have runs of equal types: look up only where the type changes.
  let type = "";
  let typeNumber = 0;
  const inputs: number[] = [];
  for (let i = 0; i < plan.tasks.length; i++) {
    const task = plan.tasks[i];
    if (task.type !== type) {
      const number = symbols.findSymbolNumber(task.type);
      if (number === undefined) {
        throw new LoomError(
          "plan",
          `the server knows no task type for ${describeTask(task)}; start a worker that offers it, or check the spelling`,
        );
      }
      type = task.type;
      typeNumber = number;
    }
    const start = plan.inputStart[i];
    inputs.length = plan.inputStart[i + 1] - start;
    for (let k = 0; k < inputs.length; k++) inputs[k] = plan.inputIds[start + k];

    const requestIndex = plan.requestIndex[i];
    const plain =
      requestIndex === -1 &&
      plan.isResult[i] === 0 &&
      task.checkpointPath === undefined &&
      task.label === undefined &&
      task.metadata === undefined &&
      task.timeLimitMs === undefined &&
      task.policy === "repeat";
    let options: PlanTaskOptions | undefined;
    if (!plain) {
      options = { requestIndex, result: plan.isResult[i] === 1 };
      if (task.checkpointPath !== undefined) options.checkpointPath = task.checkpointPath;
      if (task.label !== undefined) options.label = task.label;
      if (task.metadata !== undefined) options.metadata = task.metadata;
      if (task.timeLimitMs !== undefined) options.timeLimitMs = task.timeLimitMs;
      if (task.policy === "once") options.once = true;
    }
    encoder.addTask(typeNumber, task.config, inputs, options);
  }
  const request = encoder.finish(load);
  if (request.length <= MAX_PLAN_BYTES) return request;
  throw new LoomError(
    "usage",
    `the plan has ${request.length} bytes, a server takes ${MAX_PLAN_BYTES}; put large constants into files and open them`,
  );
}
