/**
 * Kills what is left of a launcher's programs when it has ended. A program that it had started
 * but not yet reported has a process group that the worker does not know; but all of them are in
 * the launcher's session, unless they have left it. Those of the Node launcher have sessions of
 * their own, and are where it has put them: in its folder. Called by launcher-process.ts. Linux
 * only: elsewhere only reported programs are killed.
 */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

/** Each round catches what was forked during the one before. */
const MAX_ROUNDS = 10;

/**
 * Kills all programs of the launcher, which has ended.
 * @param launcher its process number, and that of its session
 * @param folder it has made the working directories of its programs in it, and nobody else any
 */
export function killProgramsOf(launcher: number, folder: string): void {
  let realFolder = folder;
  try {
    realFolder = realpathSync(folder);
  } catch {
    // It has been removed: the path as it was given has to do.
  }
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const members = programsOf(launcher, realFolder);
    if (members.length === 0) return;
    for (const pid of members) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

function programsOf(launcher: number, folder: string): number[] {
  let entries: string[];
  try {
    entries = readdirSync("/proc");
  } catch {
    return []; // no Linux
  }
  return entries
    .map(Number)
    .filter(
      (pid) =>
        Number.isInteger(pid) &&
        pid !== process.pid &&
        (isInSession(pid, launcher) || isInFolder(pid, folder)),
    );
}

function isInSession(pid: number, session: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // After the name, which may contain anything: state, parent, group, session.
    const [state, , , itsSession] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state !== "Z" && state !== "X" && Number(itsSession) === session;
  } catch {
    return false; // it has ended meanwhile
  }
}

function isInFolder(pid: number, folder: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(`${folder}/`);
  } catch {
    return false; // another user's, or it has ended
  }
}
