/** From a numbered plan to a PLAN request: names become the server's symbol numbers. */
import { LoomError } from "../base/index.js";
import {
  describeTask,
  findResourceName,
  type ResourceAmount,
  roundAmount,
  type TaskPlan,
} from "../graph/index.js";
import {
  type EncodedResource,
  PlanEncoder,
  type PlanTaskOptions,
  Unsatisfiable,
} from "../protocol/index.js";

/** Servers refuse longer frames. */
const MAX_PLAN_BYTES = 2 ** 31;

/** What is needed of a session. */
export interface SymbolNumbers {
  findSymbolNumber(name: string): number | undefined;
}

/** What goes for a whole plan. */
export interface EncodePlanOptions {
  readonly load?: boolean | undefined;
  readonly whenUnsatisfiable?: "wait" | "refuse" | undefined;
}

/**
 * @throws LoomError("plan") naming the task for a type or resource the server doesn't know, "usage"
 * for a wrong option
 */
export function encodePlan(
  plan: TaskPlan,
  symbols: SymbolNumbers,
  options: EncodePlanOptions,
): Uint8Array {
  const unsatisfiable = unsatisfiableOf(options.whenUnsatisfiable);
  const encoder = new PlanEncoder(plan.idBase);
  const encoded = (amount: ResourceAmount) => encodedResource(amount, symbols);
  for (const { resources, alternatives = [] } of plan.requests) {
    encoder.addRequest(
      resources.map(encoded),
      alternatives.map((variant) => variant.resources.map(encoded)),
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
      task.hints === undefined &&
      task.policy === "repeat";
    let rare: PlanTaskOptions | undefined;
    if (!plain) {
      rare = { requestIndex, result: plan.isResult[i] === 1 };
      if (task.checkpointPath !== undefined) rare.checkpointPath = task.checkpointPath;
      if (task.label !== undefined) rare.label = task.label;
      if (task.metadata !== undefined) rare.metadata = task.metadata;
      if (task.timeLimitMs !== undefined) rare.timeLimitMs = task.timeLimitMs;
      if (task.policy === "once") rare.once = true;
      if (task.hints !== undefined) {
        rare.priority = task.priority;
        rare.expectedMs = task.expectedMs;
        rare.expectedBytes = task.expectedBytes;
      }
    }
    encoder.addTask(typeNumber, task.config, inputs, rare);
  }
  const request = encoder.finish(options.load ?? false, unsatisfiable);
  if (request.length <= MAX_PLAN_BYTES) return request;
  throw new LoomError(
    "usage",
    `the plan has ${request.length} bytes, a server takes ${MAX_PLAN_BYTES}; put large constants into files and open them`,
  );
}

/**
 * Cores in the form that all servers know; other resources by name, as they need no symbol; what a
 * user's own workers call otherwise by its symbol.
 */
function encodedResource(amount: ResourceAmount, symbols: SymbolNumbers): EncodedResource {
  const { name: symbolName, value, indices } = amount;
  const name = findResourceName(symbolName);
  if (name !== undefined && name !== "cpus") {
    return { symbol: 0, name, value: roundAmount(value), indices };
  }
  const symbol = symbols.findSymbolNumber(symbolName);
  if (symbol !== undefined) return { symbol, value };
  throw new LoomError("plan", `the server knows no resource "${symbolName}"; check its spelling`);
}

function unsatisfiableOf(option: EncodePlanOptions["whenUnsatisfiable"]): number {
  if (option === undefined) return Unsatisfiable.default;
  if (option === "wait" || option === "refuse") return Unsatisfiable[option];
  throw new LoomError("usage", `whenUnsatisfiable must be "wait" or "refuse", got ${option}`);
}
