/**
 * The control groups that this process is in, as far as they limit memory: version 2 and 1. Owns
 * where their files are and how they are read; decides nothing. Used by detect-resources.ts,
 * sampler.ts and oom-watch.ts.
 */
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** What the files of a version are called. */
interface Names {
  readonly limit: string;
  readonly usage: string;
  /** In memory.stat: pages of files that can be dropped at any time. */
  readonly inactiveFile: string;
  /** Has a line "oom_kill N". */
  readonly events: string;
}

const V2: Names = {
  limit: "memory.max",
  usage: "memory.current",
  inactiveFile: "inactive_file",
  events: "memory.events",
};
const V1: Names = {
  limit: "memory.limit_in_bytes",
  usage: "memory.usage_in_bytes",
  inactiveFile: "total_inactive_file",
  events: "memory.oom_control",
};

interface Group {
  readonly directory: string;
  readonly names: Names;
}

export class MemoryGroups {
  /** The group of this process and those around it, the innermost first. */
  private readonly groups: readonly Group[];

  /** @param root where /proc and /sys are, for tests */
  constructor(private readonly root = "/") {
    this.groups = groupsIn(root);
  }

  /** The lowest limit, in bytes; undefined: there is none. */
  findLimit(): number | undefined {
    const limits = this.groups.map((group) => this.limitOf(group));
    const known = limits.filter((limit) => limit !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  /** Bytes that are still to be had: of `machineBytes` free ones, as the groups allow. */
  freeBytes(machineBytes: number): number {
    let free = machineBytes;
    for (const group of this.groups) {
      const limit = this.limitOf(group);
      const usage = findNumber(findText(join(group.directory, group.names.usage)));
      if (limit === undefined || usage === undefined) continue;
      const stat = findText(join(group.directory, "memory.stat"));
      const droppable = findNumber(stat, group.names.inactiveFile) ?? 0;
      free = Math.min(free, Math.max(0, limit - usage + droppable));
    }
    return free;
  }

  /**
   * How many processes the kernel has killed because memory ran out: in the innermost group that
   * counts them, else on this machine. Undefined where nobody counts.
   */
  findOomKills(): number | undefined {
    for (const { directory, names } of this.groups) {
      const kills = findNumber(findText(join(directory, names.events)), "oom_kill");
      if (kills !== undefined) return kills;
    }
    return findNumber(findText(join(this.root, "proc/vmstat")), "oom_kill");
  }

  private limitOf({ directory, names }: Group): number | undefined {
    // "max", and in version 1 without a limit a number far above any machine's memory.
    const limit = findNumber(findText(join(directory, names.limit)));
    return limit === undefined || limit <= 0 || limit >= 2 ** 60 ? undefined : limit;
  }
}

function groupsIn(root: string): Group[] {
  const lines = findText(join(root, "proc/self/cgroup"))?.split("\n") ?? [];
  const groups: Group[] = [];
  for (const line of lines) {
    // "0::/user.slice" in version 2, "7:memory:/user" in version 1.
    const [, id, controllers, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (id === "0" && controllers === "") {
      groups.push(...upwards(join(root, "sys/fs/cgroup"), path, V2));
    } else if (controllers?.split(",").includes("memory")) {
      groups.push(...upwards(join(root, "sys/fs/cgroup/memory"), path, V1));
    }
  }
  return groups;
}

/** The group at `path` and all around it. In a container some may not be there. */
function upwards(base: string, path: string, names: Names): Group[] {
  const groups: Group[] = [];
  for (let at = posix.normalize(path); ; at = posix.dirname(at)) {
    groups.push({ directory: join(base, at), names });
    if (at === "/") return groups;
  }
}

/** Of the whole text, or behind `name` at the beginning of a line. */
function findNumber(text: string | undefined, name?: string): number | undefined {
  if (text === undefined) return undefined;
  if (name === undefined) return /^\d+$/.test(text.trim()) ? Number(text) : undefined;
  const found = text.split("\n").find((line) => line.startsWith(`${name} `));
  return found === undefined ? undefined : findNumber(found.slice(name.length + 1));
}

function findText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
