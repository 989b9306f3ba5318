/**
 * Resources that a worker says it has. Owns what may be in a registration; what tasks get of them is
 * the scheduler's and the worker's business. Called by the server before addWorker.
 */
import { ProtocolError } from "../base/index.js";
import { isResourceName, roundAmount, type WorkerResource } from "../graph/index.js";

const MAX_RESOURCES = 64;
const MAX_INDICES = 1024;
const MAX_INDEX_LENGTH = 64;

/** Throws a ProtocolError that names what can't be. */
export function checkedResources(resources: readonly WorkerResource[]): WorkerResource[] {
  if (resources.length > MAX_RESOURCES) {
    throw new ProtocolError(
      `the worker has ${resources.length} resources, at most ${MAX_RESOURCES} are possible`,
    );
  }
  const names = new Set<string>();
  return resources.map(({ name, amount, indices }) => {
    const problem = names.has(name) ? "is there twice" : problemWith(name, amount, indices);
    if (problem !== undefined) {
      throw new ProtocolError(`the worker's resource ${JSON.stringify(name)} ${problem}`);
    }
    names.add(name);
    return { name, amount: roundAmount(amount), indices: [...indices] };
  });
}

function problemWith(name: string, amount: number, indices: readonly string[]): string | undefined {
  if (!isResourceName(name)) return "has no valid name";
  if (name === "cpus") return "is told as the number of its cpus";
  if (!(amount <= Number.MAX_SAFE_INTEGER && roundAmount(amount) > 0)) {
    return `has the amount ${amount}; it must be above 0 and finite`;
  }
  if (indices.length === 0) return undefined;
  if (indices.length > MAX_INDICES) {
    return `has ${indices.length} indices, at most ${MAX_INDICES} are possible`;
  }
  if (amount !== indices.length) return `has the amount ${amount} but ${indices.length} indices`;
  const wrong = indices.find((index) => index === "" || index.length > MAX_INDEX_LENGTH);
  if (wrong !== undefined) {
    return `has the index ${JSON.stringify(wrong)}; indices have 1 to ${MAX_INDEX_LENGTH} characters`;
  }
  return new Set(indices).size < indices.length ? "has an index twice" : undefined;
}
