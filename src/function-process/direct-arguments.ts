/** Reads the direct arguments of a call. Called by call-runner.ts. */
import { deserialize } from "node:v8";
import { CallProblem } from "./call-problem.js";

/**
 * The config: an u8, then 1: an array by v8.serialize, 2: an array in JSON.
 * @param name of the function, for messages
 */
export function decodeArguments(config: Buffer, name: string): unknown[] {
  const form = config[0];
  const payload = config.subarray(1);
  let direct: unknown;
  try {
    if (form === 1) direct = deserialize(payload);
    else if (form === 2) direct = JSON.parse(payload.toString());
  } catch (cause) {
    throw new CallProblem(`direct arguments of function "${name}" can't be read`, { cause });
  }
  if (Array.isArray(direct)) return direct;
  throw new CallProblem(
    `direct arguments of function "${name}" are no array (form ${form} of the config)`,
  );
}
