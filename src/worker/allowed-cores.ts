/** Which cores this process may use, to pin programs to. */
import { readFileSync } from "node:fs";
import type { Logger } from "pino";

/** The numbers of the cores, ascending; undefined where the system does not say. */
export function allowedCores(): number[] | undefined {
  let status: string;
  try {
    status = readFileSync("/proc/self/status", "utf8");
  } catch {
    return undefined; // no Linux
  }
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1];
  return list === undefined ? undefined : parseCoreList(list);
}

/**
 * Reads a list of the form "0-3,8,10-11". Undefined if it is not of that form.
 *
 * @example parseCoreList("0-2,5") // [0, 1, 2, 5]
 */
export function parseCoreList(list: string): number[] | undefined {
  const cores: number[] = [];
  for (const part of list.split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    for (let core = first; core <= last; core++) cores.push(core);
  }
  return cores;
}

/**
 * The cores for a worker's slots, or none with the reason in the log: when the system does not
 * say which there are, or there are fewer than slots.
 */
export function coresToPin(cpus: number, logger: Logger): readonly number[] {
  const cores = allowedCores();
  if (cores === undefined) {
    logger.info("programs are not pinned to cores: this system does not say which there are");
    return [];
  }
  if (cpus > cores.length) {
    logger.info(`programs are not pinned to cores: ${cpus} cpus on ${cores.length} cores`);
    return [];
  }
  return cores.slice(0, cpus);
}
