/** Plans as tests describe them, and how they are encoded. Used by FakeCluster. */
import { type EncodedResource, PlanEncoder } from "../../src/protocol/index.js";

/** What a task asks for: named amounts, or particular ones of an indexed resource. */
export interface TestRequest {
  cpus?: number;
  amounts?: Record<string, number | readonly string[]>;
  /** In order of preference after this one. */
  or?: readonly TestRequest[];
}

/** A task as a test describes it; inputs are ids. */
export interface TestTask {
  inputs: number[];
  result?: boolean;
  /** Policy ONCE. */
  once?: boolean;
  /** Short for a request of cores alone. */
  cpus?: number;
  request?: TestRequest;
  priority?: number;
  /** The user's estimates. */
  expectedMs?: number;
  expectedBytes?: number;
  /** Symbol number; default loom/data/merge. */
  type?: number;
  label?: string;
  checkpointPath?: string;
}

const MERGE = 5;

/** The plan's frame; the config of each task is its number in the plan. */
export function encodePlan(
  idBase: number,
  tasks: readonly TestTask[],
  whenUnsatisfiable: number,
): Uint8Array {
  const encoder = new PlanEncoder(idBase);
  const requests = new Map<string, number>();
  const indexOf = (task: TestTask): number => {
    const request = task.request ?? { cpus: task.cpus ?? 0 };
    if (request.amounts === undefined && (request.cpus ?? 0) === 0) return -1;
    const key = JSON.stringify(request);
    let index = requests.get(key);
    if (index === undefined) {
      index = encoder.addRequest(resourcesOf(request), request.or?.map(resourcesOf));
      requests.set(key, index);
    }
    return index;
  };
  tasks.forEach((task, i) => {
    encoder.addTask(task.type ?? MERGE, new TextEncoder().encode(String(i)), task.inputs, {
      requestIndex: indexOf(task),
      result: task.result,
      once: task.once,
      expectedMs: task.expectedMs,
      expectedBytes: task.expectedBytes,
      priority: task.priority,
      label: task.label,
      checkpointPath: task.checkpointPath,
    });
  });
  return encoder.finish(false, whenUnsatisfiable);
}

function resourcesOf({ cpus = 0, amounts = {} }: TestRequest): EncodedResource[] {
  const resources: EncodedResource[] = cpus > 0 ? [{ symbol: 3, value: cpus }] : [];
  for (const [name, amount] of Object.entries(amounts)) {
    const indices = typeof amount === "number" ? [] : amount;
    const value = typeof amount === "number" ? amount : amount.length;
    resources.push({ symbol: 0, name, value, indices });
  }
  return resources;
}
