/** What a worker finds on its machine: memory with its limits, GPUs. A made-up /proc and /sys. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { detectGpus, detectMemory, offeredResources } from "../../src/worker/detect-resources.js";
import { scratchDirectory } from "./worker-fixture.js";

const GIB = 2 ** 30;
const V1 = "sys/fs/cgroup/memory";
const V2 = "sys/fs/cgroup";

function machine(files: Record<string, string>): string {
  const root = scratchDirectory();
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

describe("memory", () => {
  const memory = (files: Record<string, string>) =>
    detectMemory({ root: machine(files), totalBytes: 16 * GIB }) / GIB;

  it.each<[string, Record<string, string>, number]>([
    ["without control groups: the machine's", {}, 16],
    [
      "version 2: the limit of the group",
      { "proc/self/cgroup": "0::/a/b\n", [`${V2}/a/b/memory.max`]: `${4 * GIB}\n` },
      4,
    ],
    [
      "version 2: a lower limit of a group around it",
      {
        "proc/self/cgroup": "0::/a/b\n",
        [`${V2}/a/b/memory.max`]: "max\n",
        [`${V2}/a/memory.max`]: `${3 * GIB}\n`,
        [`${V2}/memory.max`]: `${9 * GIB}\n`,
      },
      3,
    ],
    ["version 2: no limit", { "proc/self/cgroup": "0::/\n", [`${V2}/memory.max`]: "max\n" }, 16],
    [
      "version 2: above the machine's memory",
      { "proc/self/cgroup": "0::/\n", [`${V2}/memory.max`]: `${99 * GIB}` },
      16,
    ],
    [
      "version 2: a group outside of the namespace",
      { "proc/self/cgroup": "0::/../other\n", [`${V2}/memory.max`]: `${GIB}` },
      1,
    ],
    [
      "version 1: the limit of the group",
      {
        "proc/self/cgroup": "12:cpu,cpuacct:/x\n7:memory:/docker/c\n0::/system\n",
        [`${V1}/docker/c/memory.limit_in_bytes`]: `${2 * GIB}\n`,
      },
      2,
    ],
    [
      "version 1: in a container the group's path is not there, but its files",
      {
        "proc/self/cgroup": "7:hugetlb,memory:/docker/c\n",
        [`${V1}/memory.limit_in_bytes`]: `${5 * GIB}\n`,
      },
      5,
    ],
    [
      "version 1: no limit is a large number",
      {
        "proc/self/cgroup": "7:memory:/\n",
        [`${V1}/memory.limit_in_bytes`]: "9223372036854771712\n",
      },
      16,
    ],
    [
      "what can't be understood is no limit",
      {
        "proc/self/cgroup": "nonsense\n:::\n0::relative\n5:memory\n0::/a\n",
        [`${V2}/a/memory.max`]: "-5 apples",
      },
      16,
    ],
  ])("%s", (_, files, expected) => {
    expect(memory(files)).toBe(expected);
  });
});

describe("GPUs", () => {
  const driver = {
    "proc/driver/nvidia/gpus/0000:04:00.0/information": "",
    "proc/driver/nvidia/gpus/0000:05:00.0/information": "",
  };

  it("are those of the driver", () => {
    expect(detectGpus({ root: machine(driver), env: {} })).toEqual(["0", "1"]);
    expect(detectGpus({ root: machine({}), env: {} })).toEqual([]);
  });

  it.each([
    ["", []],
    ["-1", []],
    ["3", ["3"]],
    ["1, 0", ["1", "0"]],
    ["GPU-8f93,MIG-1", ["GPU-8f93", "MIG-1"]],
    ["2,-1,3", ["2"]],
    ["2,2", ["2"]],
  ])("are those of CUDA_VISIBLE_DEVICES=%s", (value, indices) => {
    const env = { CUDA_VISIBLE_DEVICES: value };
    expect(detectGpus({ root: machine(driver), env })).toEqual(indices);
  });
});

describe("what is offered", () => {
  const options = { root: machine({}), totalBytes: 8, env: { CUDA_VISIBLE_DEVICES: "4,5,6" } };
  const gpus = (...indices: string[]) => ({ name: "gpus", amount: indices.length, indices });
  const mem = (amount: number) => ({ name: "mem", amount, indices: [] });

  it("is what is given and what is detected", () => {
    const licences = { name: "licences", amount: 2.5, indices: [] };
    expect(offeredResources([], options)).toEqual([mem(8), gpus("4", "5", "6")]);
    expect(offeredResources([licences, mem(3)], options)).toEqual([
      licences,
      mem(3),
      gpus("4", "5", "6"),
    ]);
  });

  it("is nothing of what is given as 0", () => {
    const none = (name: string) => ({ name, amount: 0, indices: [] });
    expect(offeredResources([none("gpus"), none("mem"), none("fpgas")], options)).toEqual([]);
  });

  it("is a share of what is detected", () => {
    const shares = [1, 2].map((part) =>
      offeredResources([], { ...options, share: { part, of: 2 } }),
    );
    expect(shares).toEqual([
      [mem(4), gpus("4", "6")],
      [mem(4), gpus("5")],
    ]);
    const given = offeredResources([gpus("0", "1")], { ...options, share: { part: 4, of: 4 } });
    expect(given).toEqual([gpus("0", "1"), mem(2)]);
    expect(offeredResources([], { ...options, share: { part: 4, of: 4 } })).toEqual([mem(2)]);
  });
});
