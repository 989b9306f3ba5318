/** Reads the direct arguments of a call. Called by call-runner.ts. */
import { deserialize } from "node:v8";
import type { Call } from "./call.js";
import { CallProblem } from "./call-problem.js";

/** The config: an u8, then 1: an array by v8.serialize, 2: an array in JSON. */
export function directArguments(call: Call): unknown[] {
  const { frame, configStart, configBytes, entry } = call;
  const form = frame[configStart];
  const payload = frame.subarray(configStart + 1, configStart + configBytes);
  let direct: unknown;
  try {
    if (form === 1) direct = deserialize(payload);
    else if (form === 2) direct = JSON.parse(payload.toString());
  } catch (cause) {
    throw new CallProblem(`direct arguments of function "${entry.name}" can't be read`, { cause });
  }
  if (!Array.isArray(direct)) {
    throw new CallProblem(
      `direct arguments of function "${entry.name}" are no array (form ${form} of the config)`,
    );
  }
  return direct;
}
