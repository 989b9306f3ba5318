/** The worker's own directory: `worker-HOST-PORT/` with `run/` and `data/` in it. */
import { mkdirSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { LoomError, messageOf } from "../base/index.js";

/** A directory that exists from its making to remove(). */
export interface WorkDirectory {
  readonly path: string;
  /** Programs get their directories in it. */
  readonly run: string;
  /** The object store's files. */
  readonly data: string;
  /** Removes it with everything in it. */
  remove(): Promise<void>;
}

/**
 * Makes the directory of the worker that serves objects at host:port, in `base` (default:
 * the system's temporary folder). What a dead worker of that address has left is removed: a
 * live one would hold the port. Throws LoomError("usage") when it can't be made.
 */
export function makeWorkDirectory(
  base: string | undefined,
  host: string,
  port: number,
): WorkDirectory {
  // Listening on all addresses says nothing of the machine, and a directory may be shared.
  const machine = isWildcard(host) ? hostname() : host;
  const name = `worker-${machine.replaceAll(/[^\w.-]/g, "_")}-${port}`;
  const path = join(resolve(base ?? tmpdir()), name);
  const run = join(path, "run");
  const data = join(path, "data");
  try {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(run, { recursive: true });
    mkdirSync(data);
  } catch (error) {
    throw new LoomError(
      "usage",
      `cannot make the worker's directory "${path}": ${messageOf(error)}; name another one with --wdir`,
      { cause: error },
    );
  }
  return {
    path,
    run,
    data,
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** Whether it stands for all addresses of the machine. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "";
}
