/**
 * Text of `--resource` and `--share` → checked values. Owns what a worker can be given and the message
 * when it is something else. Called by options.ts.
 */
import {
  isResourceName,
  parseResourceAmount,
  roundAmount,
  type WorkerResource,
} from "../graph/index.js";
import { type CliError, usageError } from "./cli-error.js";

/** Most indices that a resource can have. */
const MAX_INDICES = 1024;
const MAX_INDEX_LENGTH = 64;
const MAX_RESOURCES = 64;

const FORMS = "NAME=AMOUNT such as gpus=2, mem=64GiB or licences=2.5, or NAME=[a,b,c]";

/** Collects the resources of a worker; of amount 0: one that is not to be detected. */
export function resourceOf(text: string, previous: unknown): WorkerResource[] {
  const others = (previous as WorkerResource[] | undefined) ?? [];
  const at = text.indexOf("=");
  if (at < 0) throw usageError(`--resource ${text || '""'} has no amount; give ${FORMS}`);
  const name = text.slice(0, at).trim();
  if (!isResourceName(name)) {
    throw usageError(
      `--resource ${text}: ${name || '""'} is not a name; give 1 to 64 letters, digits, "_", "." and "-", the first one a letter`,
    );
  }
  if (name === "cpus") {
    throw usageError(`--resource ${text}: cores are given as --cpus ${text.slice(at + 1).trim()}`);
  }
  if (others.some((other) => other.name === name)) {
    throw usageError(`--resource ${text}: ${name} is given twice; give all of it at once`);
  }
  if (others.length === MAX_RESOURCES) {
    throw usageError(`--resource ${text}: a worker has at most ${MAX_RESOURCES} resources`);
  }
  return [...others, { name, ...offerOf(text, text.slice(at + 1).trim()) }];
}

function offerOf(text: string, value: string): Omit<WorkerResource, "name"> {
  if (value.startsWith("[")) {
    const indices = indicesOf(text, value);
    return { amount: indices.length, indices };
  }
  const amount = parseResourceAmount(value);
  if (amount === undefined || !(amount <= Number.MAX_SAFE_INTEGER)) {
    throw usageError(
      `--resource ${text}: ${value || '""'} is not an amount; give a number, with a unit (B, KiB, MiB, GiB, TiB, kB, MB, GB, TB) for bytes`,
    );
  }
  const isCount = /^\d+$/.test(value);
  if (roundAmount(amount) === 0 && !isCount) {
    throw usageError(
      `--resource ${text}: ${value} is less than 1/10000; give more, or 0 for none at all`,
    );
  }
  // A few that can be counted are told apart by their numbers; much of something is only an amount.
  const count = isCount && amount <= MAX_INDICES ? amount : 0;
  return { amount, indices: Array.from({ length: count }, (_, i) => String(i)) };
}

function indicesOf(text: string, list: string): string[] {
  const problem = (what: string): CliError =>
    usageError(`--resource ${text}: ${what}; give a list such as [a,b,c]`);
  if (!list.endsWith("]")) throw problem('the list does not end with "]"');
  const indices = list.slice(1, -1).split(",");
  if (indices.length === 1 && indices[0].trim() === "") throw problem("the list is empty");
  if (indices.length > MAX_INDICES) throw problem(`the list is longer than ${MAX_INDICES}`);
  const names = indices.map((index) => index.trim());
  for (const name of names) {
    if (name === "") throw problem("an element is empty");
    if (name.length > MAX_INDEX_LENGTH) {
      throw problem(`${name} is longer than ${MAX_INDEX_LENGTH} characters`);
    }
  }
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw problem(`${twice} is there twice`);
  return names;
}

/** "2/4": the second of four parts. */
export function shareOf(text: string): { part: number; of: number } {
  const [, part, of] = (/^(\d{1,5})\/(\d{1,5})$/.exec(text) ?? []).map(Number);
  if (part >= 1 && part <= of) return { part, of };
  throw usageError(
    `--share ${text || '""'} is not a share; give which part and of how many, such as 1/4`,
  );
}
