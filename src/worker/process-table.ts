/**
 * The processes that this one has started, directly or not, as /proc shows them: whose they are,
 * CPU time, memory. Owns which ones count as ours; keeps no numbers. Linux only: elsewhere it is
 * empty. Used by sampler.ts and memory-watch.ts.
 *
 * A process is ours if its parent is, or if one of ours has made its session; it stays ours when
 * its parent ends. What is somebody else's is not read again while it lives, so a look costs one
 * list of names and one small file for each process of ours.
 */
import { readdirSync, readFileSync } from "node:fs";
import { endianness } from "node:os";
import { join } from "node:path";

/** One process at the moment of the look. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** User and system time of itself. */
  readonly cpuMs: number;
  /** The same of its children that have ended and that it has waited for, and so on. */
  readonly endedCpuMs: number;
  readonly rssBytes: number;
  /** Tells it from one that gets its number later. */
  readonly startTicks: number;
}

/** Entries of the auxiliary vector, see getauxval(3). */
const AT_PAGESZ = 6;
const AT_CLKTCK = 17;

export class ProcessTable {
  private ours = new Map<number, ProcessInfo>();
  private foreign = new Set<number>();
  private readonly sessions = new Set<number>();
  private readonly pageBytes: number;
  private readonly tickMs: number;

  /**
   * @param root process number of the first one; it is in the table itself
   * @param proc where /proc is, for tests
   */
  constructor(
    private readonly root = process.pid,
    private readonly proc = "/proc",
  ) {
    const auxiliary = auxiliaryVector(join(proc, "self/auxv"));
    this.pageBytes = auxiliary.get(AT_PAGESZ) ?? 4096;
    this.tickMs = 1000 / (auxiliary.get(AT_CLKTCK) ?? 100);
  }

  /** All processes of ours now, by number; empty where there is no /proc. Not changed later. */
  read(): ReadonlyMap<number, ProcessInfo> {
    const before = this.ours;
    const ours = new Map<number, ProcessInfo>();
    const foreign = new Set<number>();
    let strangers: ProcessInfo[] = [];
    for (const pid of this.numbers()) {
      if (this.foreign.has(pid)) {
        foreign.add(pid);
        continue;
      }
      const info = this.find(pid);
      if (info === undefined) continue;
      const known = pid === this.root || before.get(pid)?.startTicks === info.startTicks;
      if (known) ours.set(pid, info);
      else strangers.push(info);
    }
    this.addSessions(ours.values());
    // A child may have a lower number than its parent: again, as long as one is found.
    for (let found = true; found; ) {
      const rest = strangers.filter(
        ({ parent, session }) => !ours.has(parent) && !this.sessions.has(session),
      );
      found = rest.length < strangers.length;
      if (!found) break;
      const left = new Set(rest);
      const added = strangers.filter((info) => !left.has(info));
      for (const info of added) ours.set(info.pid, info);
      this.addSessions(added);
      strangers = rest;
    }
    for (const { pid } of strangers) foreign.add(pid);
    this.ours = ours;
    this.foreign = foreign;
    const used = new Set([...ours.values()].map(({ session }) => session));
    for (const session of this.sessions) if (!used.has(session)) this.sessions.delete(session);
    return ours;
  }

  /** Sessions that processes of ours have made: not that of the terminal, which the root is in. */
  private addSessions(infos: Iterable<ProcessInfo>): void {
    const ownSession = this.ownSession();
    for (const { pid, session } of infos) {
      if (pid !== this.root && session !== ownSession && session !== 0) this.sessions.add(session);
    }
  }

  private rootSession: number | undefined;

  private ownSession(): number {
    this.rootSession ??= this.find(this.root)?.session ?? -1;
    return this.rootSession;
  }

  private numbers(): number[] {
    try {
      return readdirSync(this.proc)
        .map(Number)
        .filter((pid) => Number.isInteger(pid));
    } catch {
      return []; // no Linux
    }
  }

  private find(pid: number): ProcessInfo | undefined {
    let stat: string;
    try {
      stat = readFileSync(join(this.proc, String(pid), "stat"), "utf8");
    } catch {
      return undefined; // it has ended meanwhile
    }
    // After the name, which may contain anything: state, parent, group, session, …; see proc(5).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const field = (index: number) => Number(fields[index]);
    return {
      pid,
      parent: field(1),
      group: field(2),
      session: field(3),
      cpuMs: (field(11) + field(12)) * this.tickMs,
      endedCpuMs: (field(13) + field(14)) * this.tickMs,
      startTicks: field(19),
      rssBytes: field(21) * this.pageBytes,
    };
  }
}

/** Pairs of 64-bit words; empty where they can't be read. */
function auxiliaryVector(path: string): Map<number, number> {
  const pairs = new Map<number, number>();
  try {
    const bytes = readFileSync(path);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const little = endianness() === "LE";
    for (let at = 0; at + 16 <= bytes.length; at += 16) {
      pairs.set(Number(view.getBigUint64(at, little)), Number(view.getBigUint64(at + 8, little)));
    }
  } catch {
    // What nearly all machines have is taken.
  }
  return pairs;
}
