/** Control groups in a made-up /proc and /sys: what is free, who was killed for want of memory. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { TaskError } from "../../src/executors/index.js";
import { decodeFailureInfo } from "../../src/protocol/index.js";
import { MemoryGroups } from "../../src/worker/memory-groups.js";
import { OomWatch } from "../../src/worker/oom-watch.js";
import { failureOf } from "../../src/worker/task-failure.js";
import { scratchDirectory } from "./worker-fixture.js";

const V1 = "sys/fs/cgroup/memory";
const V2 = "sys/fs/cgroup";
const IN_V2 = { "proc/self/cgroup": "0::/a/b\n" };
const IN_V1 = { "proc/self/cgroup": "7:memory:/c\n0::/other\n" };

class Machine {
  readonly root = scratchDirectory();

  constructor(files: Record<string, string>) {
    for (const [path, content] of Object.entries(files)) this.write(path, content);
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }
}

const groups = (files: Record<string, string>) => new MemoryGroups(new Machine(files).root);

describe("free memory", () => {
  it.each<[string, Record<string, string>, number]>([
    ["is the machine's without groups", {}, 1000],
    [
      "is the machine's where a group has no limit",
      { ...IN_V2, [`${V2}/a/b/memory.max`]: "max\n" },
      1000,
    ],
    [
      "is what a group leaves, files that can be dropped included",
      {
        ...IN_V2,
        [`${V2}/a/b/memory.max`]: "500\n",
        [`${V2}/a/b/memory.current`]: "450\n",
        [`${V2}/a/b/memory.stat`]: "anon 300\ninactive_file 100\nactive_file 7\n",
      },
      150,
    ],
    [
      "is what the fullest group around leaves",
      {
        ...IN_V2,
        [`${V2}/a/b/memory.max`]: "500\n",
        [`${V2}/a/b/memory.current`]: "10\n",
        [`${V2}/a/memory.max`]: "800\n",
        [`${V2}/a/memory.current`]: "790\n",
      },
      10,
    ],
    [
      "is never negative",
      { ...IN_V2, [`${V2}/a/b/memory.max`]: "5", [`${V2}/a/b/memory.current`]: "9" },
      0,
    ],
    [
      "in version 1",
      {
        ...IN_V1,
        [`${V1}/c/memory.limit_in_bytes`]: "600\n",
        [`${V1}/c/memory.usage_in_bytes`]: "500\n",
        [`${V1}/c/memory.stat`]: "inactive_file 1\ntotal_inactive_file 20\n",
      },
      120,
    ],
    [
      "in version 1 without a limit",
      {
        ...IN_V1,
        [`${V1}/c/memory.limit_in_bytes`]: "9223372036854771712\n",
        [`${V1}/c/memory.usage_in_bytes`]: "5",
      },
      1000,
    ],
  ])("%s", (_, files, expected) => {
    expect(groups(files).freeBytes(1000)).toBe(expected);
  });
});

describe("kills for want of memory", () => {
  it.each<[string, Record<string, string>, number | undefined]>([
    ["are counted by nobody", {}, undefined],
    ["of the machine", { "proc/vmstat": "nr_free_pages 5\noom_kill 4\n" }, 4],
    [
      "of the group",
      {
        ...IN_V2,
        "proc/vmstat": "oom_kill 4\n",
        [`${V2}/a/b/memory.events`]: "low 0\noom 9\noom_kill 2\noom_group_kill 1\n",
      },
      2,
    ],
    [
      "of a group in version 1",
      { ...IN_V1, [`${V1}/c/memory.oom_control`]: "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n" },
      3,
    ],
  ])("%s", (_, files, expected) => {
    expect(groups(files).findOomKills()).toBe(expected);
  });

  it("explain one death each, and not for long", () => {
    let kills = 7;
    const watch = new OomWatch({ findOomKills: () => kills });
    expect(watch.explainsDeath(0)).toBe(false);
    kills += 2;
    expect([1, 2, 3].map((ms) => watch.explainsDeath(ms))).toEqual([true, true, false]);
    kills++;
    watch.look(10);
    expect(watch.explainsDeath(4000)).toBe(false);
    kills++;
    watch.look(5000);
    expect(watch.explainsDeath(6000)).toBe(true);
  });

  it("that nobody counts explain nothing", () => {
    const watch = new OomWatch({ findOomKills: () => undefined });
    expect(watch.explainsDeath(0)).toBe(false);
  });
});

describe("a failure", () => {
  const events = `${V2}/a/b/memory.events`;
  const setUp = () => {
    const machine = new Machine({
      ...IN_V2,
      [events]: "oom_kill 1\n",
      [`${V2}/a/b/memory.max`]: `${2 ** 30}\n`,
    });
    const memory = new MemoryGroups(machine.root);
    return { machine, witnesses: { oom: new OomWatch(memory), groups: memory } };
  };
  const execution = (end: TaskError["programEnd"], { witnesses }: ReturnType<typeof setUp>) =>
    decodeFailureInfo(
      failureOf("loom/run/run", new TaskError("it died", end), undefined, witnesses),
    ).execution!;

  it.each([
    ["killed by SIGKILL", { signal: "SIGKILL" }, true],
    ["whose shell tells of a SIGKILL", { exitStatus: 137 }, true],
    ["killed by us", { signal: "SIGKILL", killedByWorker: true }, false],
    ["killed by another signal", { signal: "SIGSEGV" }, false],
    ["that exits", { exitStatus: 1 }, false],
  ])("%s while the kernel has killed one", (_, end, expected) => {
    const setting = setUp();
    setting.machine.write(events, "oom_kill 2\n");
    const { oomLikely, memoryLimitKib } = execution(end, setting);
    expect(oomLikely).toBe(expected);
    expect(memoryLimitKib).toBe(expected ? 2 ** 20 : 0);
  });

  it("killed by SIGKILL while the kernel has killed none", () => {
    const setting = setUp();
    expect(execution({ signal: "SIGKILL" }, setting).oomLikely).toBe(false);
    rmSync(join(setting.machine.root, events));
    expect(execution({ signal: "SIGKILL" }, setting).oomLikely).toBe(false);
  });
});
