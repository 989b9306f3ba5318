/**
 * Kills what is left of a launcher's programs when it has ended. A program that it had started
 * but not yet reported has a process group that the worker does not know; but all of them are in
 * the launcher's session, unless they have left it. Called by launcher-process.ts. Linux only:
 * elsewhere, and for the Node launcher, whose programs have sessions of their own, only reported
 * programs are killed.
 */
import { readdirSync, readFileSync } from "node:fs";

/** Each round catches what was forked during the one before. */
const MAX_ROUNDS = 10;

/** Kills all processes of the session. `session`: the number of the process that began it. */
export function killSession(session: number): void {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const members = membersOf(session);
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

function membersOf(session: number): number[] {
  let entries: string[];
  try {
    entries = readdirSync("/proc");
  } catch {
    return []; // no Linux
  }
  return entries
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid && isMember(pid, session));
}

function isMember(pid: number, session: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // After the name, which may contain anything: state, parent, group, session.
    const [state, , , itsSession] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state !== "Z" && state !== "X" && Number(itsSession) === session;
  } catch {
    return false; // it has ended meanwhile
  }
}
