/** What a modelled worker has, and how it is written: "8x4,gpus=2,mem=64GiB,speed=0.5". */
import { LoomError } from "../base/index.js";
import type { WorkerResource } from "../graph/index.js";
import { readBytes, readNumber } from "./amounts.js";
import { NamedValues } from "./named-values.js";

export interface WorkerSpec {
  readonly cpus: number;
  /** Other named resources. `mem` is among them when it is given. */
  readonly resources: readonly WorkerResource[];
  /** Bytes of objects it should not exceed; infinity: not known. */
  readonly memoryBytes: number;
  /** A task of 1 s takes 1 s / speed. */
  readonly speed: number;
}

const MAX_WORKERS = 32_767;
const MAX_CPUS = 65_535;
const RESOURCE_NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;

/**
 * Reads workers: how many, times their cores, then what else each has.
 *
 * @param text "8x4": 8 workers with 4 cores; "2x24,gpus=2,mem=64GiB,speed=2"
 * @param what names it in errors, e.g. "--workers 8x4"
 * @throws LoomError `usage`
 */
export function readWorkers(text: string, what: string): WorkerSpec[] {
  const comma = text.indexOf(",");
  const size = comma === -1 ? text : text.slice(0, comma);
  const [, countText, cpusText] = /^(\d+)x(\d+)$/.exec(size) ?? [];
  const count = Number(countText);
  const cpus = Number(cpusText);
  if (!(count >= 1 && count <= MAX_WORKERS && cpus >= 1 && cpus <= MAX_CPUS)) {
    throw new LoomError(
      "usage",
      `${what} does not begin with workers x cores, such as 8x4 (at most ${MAX_WORKERS}x${MAX_CPUS})`,
    );
  }
  const rest = comma === -1 ? "" : text.slice(comma + 1);
  const spec = readWorker(cpus, new NamedValues(rest, what, undefined));
  return new Array<WorkerSpec>(count).fill(spec);
}

/** A worker with these cores and what is named, without names listed in `others`. */
export function readWorker(
  cpus: number,
  values: NamedValues,
  others: readonly string[] = [],
): WorkerSpec {
  const resources: WorkerResource[] = [];
  for (const [name, text] of values.entries()) {
    if (name === "speed" || others.includes(name)) continue;
    const what = `${values.what}: ${name}`;
    if (name === "cpus" || !RESOURCE_NAME.test(name)) {
      throw new LoomError("usage", `${what} is not a name for a resource of a worker`);
    }
    const amount = readBytes(text, what);
    if (amount === 0) continue;
    const indexed = Number.isInteger(amount) && amount <= 1024 && /^\d+$/.test(text);
    const indices = indexed ? Array.from({ length: amount }, (_, i) => String(i)) : [];
    resources.push({ name, amount, indices });
  }
  return {
    cpus,
    resources,
    memoryBytes: values.get("mem", readBytes, Number.POSITIVE_INFINITY),
    speed: values.get("speed", (text, what) => readNumber(text, what, 1e-3, 1e3), 1),
  };
}
