/**
 * A workload as the plan that a client would submit: what the server knows of it. Called once, by
 * the simulation.
 */
import { CALL, CPUS, GET, MERGE, type PlanColumns, PlanTaskFlag } from "./wire-numbers.js";
import type { Workload } from "./workload.js";

/** Label of the tasks that take an element of another task's result. */
export const ELEMENT = "element";

/**
 * What the plan says of durations and sizes: `exact`, the true ones; `user`, the estimates of the
 * workload; `none`, nothing: they are learned while tasks finish.
 */
export type Information = "exact" | "user" | "none";

export function planColumns(workload: Workload, information: Information): PlanColumns {
  const { taskCount, kind, kinds, inputStart, inputs } = workload;
  const { bytes, starts, lengths } = labelBytes(kinds.map(({ label }) => label));
  const requests = kinds.map(({ request }) => ({
    resources: [
      ...(request.cpus > 0 ? [cpusOf(request.cpus)] : []),
      ...request.amounts.map(({ name, amount }) => ({
        symbol: 0,
        name,
        value: amount,
        indices: [] as string[],
      })),
    ],
    alternatives: [],
  }));
  const used = new Uint8Array(taskCount);
  for (let i = 0; i < inputs.length; i++) used[inputs[i]] = 1;
  const taskType = new Int32Array(taskCount);
  const flags = new Uint8Array(taskCount);
  const request = new Int32Array(taskCount);
  const labelStart = new Uint32Array(taskCount);
  const labelLength = new Uint32Array(taskCount);
  for (let task = 0; task < taskCount; task++) {
    const its = kind[task];
    const light = requests[its].resources.length === 0;
    taskType[task] = light ? (kinds[its].label === ELEMENT ? GET : MERGE) : CALL;
    request[task] = light ? -1 : its;
    labelStart[task] = starts[its];
    labelLength[task] = lengths[its];
    // Not the label's flag: there is no message from which it could be read for people.
    flags[task] = used[task] === 0 ? PlanTaskFlag.result : 0;
  }
  // One array of zeros for what nobody reads: there are no configs and no messages.
  const zeros = new Uint32Array(taskCount);
  return {
    idBase: 0,
    taskCount,
    loadCheckpoints: false,
    bytes,
    taskType,
    flags,
    request,
    configStart: zeros,
    configLength: zeros,
    messageStart: zeros,
    messageLength: zeros,
    inputStart,
    inputIds: new Int32Array(inputs.buffer, inputs.byteOffset, inputs.length),
    requests,
    whenUnsatisfiable: 1,
    labelStart,
    labelLength,
    priority: workload.priority,
    ...estimates(workload, information),
  };
}

function estimates(
  workload: Workload,
  information: Information,
): Pick<PlanColumns, "expectedMs" | "expectedBytes"> {
  if (information === "none") return { expectedMs: undefined, expectedBytes: undefined };
  if (information === "user") {
    return { expectedMs: workload.expectedMs, expectedBytes: workload.expectedBytes };
  }
  return {
    expectedMs: Float32Array.from(workload.durationMs),
    expectedBytes: workload.outputBytes,
  };
}

function cpusOf(value: number) {
  return { symbol: CPUS, name: undefined as string | undefined, value, indices: [] as string[] };
}

/** The labels one after the other, as UTF-8. */
function labelBytes(labels: readonly string[]) {
  const encoded = labels.map((label) => new TextEncoder().encode(label));
  const starts: number[] = [];
  let length = 0;
  for (const text of encoded) {
    starts.push(length);
    length += text.length;
  }
  const bytes = new Uint8Array(length);
  encoded.forEach((text, i) => {
    bytes.set(text, starts[i]);
  });
  return { bytes, starts, lengths: encoded.map((text) => text.length) };
}
