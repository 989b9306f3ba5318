/**
 * Metadata of tasks: any JSON value, as bytes. Owns what is allowed; what becomes of it is not known
 * here. Called by task.ts.
 */
import { LoomError } from "../base/index.js";
import { describeTask } from "./describe-task.js";

const MAX_METADATA_BYTES = 1024 * 1024;

interface Described {
  readonly type: string;
  readonly label?: string | undefined;
}

/** UTF-8 of its JSON; throws a LoomError("usage") if it is no JSON value. */
export function encodeMetadata(value: unknown, task: Described): Uint8Array {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, refuseOthers);
    if (text === undefined) throw new TypeError(`${typeof value} is no JSON value`);
  } catch (error) {
    // A circle is drawn in several lines.
    const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
    throw new LoomError(
      "usage",
      `metadata of ${describeTask(task)} can't be written as JSON: ${reason}`,
      { cause: error },
    );
  }
  return new TextEncoder().encode(text);
}

/** Throws a LoomError("usage") if it is too large. */
export function checkMetadata({ length }: Uint8Array, task: Described): void {
  if (length <= MAX_METADATA_BYTES) return;
  throw new LoomError(
    "usage",
    `metadata of ${describeTask(task)} has ${length} bytes, at most ${MAX_METADATA_BYTES} are kept`,
  );
}

/** JSON.stringify leaves out or changes what JSON has no form for: here that is an error. */
function refuseOthers(key: string, value: unknown): unknown {
  const where = key === "" ? "it" : JSON.stringify(key);
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new TypeError(`${where} is ${value}`);
  }
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TypeError(`${where} is a ${typeof value}`);
  }
  if (value instanceof Map || value instanceof Set) {
    throw new TypeError(`${where} is a ${value.constructor.name}`);
  }
  return value;
}
