/**
 * Programs that tests run on workers: shell scripts that meet each other through files. No
 * program sleeps for a certain time: it waits for what another one, or the test, does.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { tasks } from "../../src/client/index.js";
import type { Task } from "../../src/graph/index.js";

/** The worker: its launcher is the parent of the shell. */
const WORKER = `$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$PPID/status)`;

/**
 * Notes its name and its worker's pid in the folder, waits until `count` programs of that
 * folder have come so far, then runs `rest`, a shell command.
 */
export function meeting(folder: string, name: string, count: number, rest = ":"): Task<Buffer> {
  const script = `echo ${WORKER} >"$1/.$2"; mv "$1/.$2" "$1/$2"
until [ $(ls "$1" | wc -l) -ge "$3" ]; do sleep 0.01; done; ${rest}`;
  return tasks.run(["sh", "-c", script, "sh", folder, name, String(count)]);
}

/** Like a meeting, but one that waits until programs of `count` different workers have come. */
export function meetingOfWorkers(folder: string, name: string, count: number): Task<Buffer> {
  const script = `echo ${WORKER} >"$1/.$2"; mv "$1/.$2" "$1/$2"
until [ $(cat "$1"/* | sort -u | wc -l) -ge "$3" ]; do sleep 0.01; done`;
  return tasks.run(["sh", "-c", script, "sh", folder, name, String(count)]);
}

/** Which worker (by pid) ran each of the programs that have come to the folder. */
export function cameTo(folder: string): Map<string, number> {
  const names = readdirSync(folder).filter((name) => !name.startsWith("."));
  return new Map(names.map((name) => [name, Number(readFileSync(join(folder, name), "utf8"))]));
}
