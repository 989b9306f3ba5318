/** What programs are told of the resources that their task holds. Real launchers and programs. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TaskGrant } from "../../src/executors/index.js";
import type { TaskResources } from "../../src/functions/index.js";
import { Bench, content, variants } from "./programs/harness.js";

const SCRIPT =
  'printf "%s|%s|%s" "$LOOM_CPUS" "$LOOM_RESOURCES" "$' + '{CUDA_VISIBLE_DEVICES-unset}"';
const GPU = {
  cpus: { amount: 2, indices: ["0", "5"] },
  gpus: { amount: 1.5, indices: ["1", "0"] },
};
const CPUS = { cpus: { amount: 1, indices: ["3"] } };

describe.each(variants)("with the launcher in $variant", ({ pythonCommand }) => {
  let bench: Bench;
  let before: string | undefined;
  beforeEach(() => {
    before = process.env.CUDA_VISIBLE_DEVICES;
    process.env.CUDA_VISIBLE_DEVICES = "7,8";
    bench = new Bench({ pythonCommand });
  });
  afterEach(async () => {
    if (before === undefined) delete process.env.CUDA_VISIBLE_DEVICES;
    else process.env.CUDA_VISIBLE_DEVICES = before;
    await bench.close();
  });

  /** What a program with this grant prints. */
  async function told(
    resources: TaskResources | undefined,
    workerHasGpus: boolean,
    env: Record<string, string> = {},
  ): Promise<string> {
    const grant = resources === undefined ? undefined : new TaskGrant(resources, workerHasGpus);
    const config = { args: ["sh", "-c", SCRIPT], env };
    return content(await bench.start(config, [], { grant }).result);
  }

  test("cores, all resources as JSON, and their GPUs", async () => {
    expect(await told(GPU, true)).toBe(`2|${JSON.stringify(GPU)}|1,0`);
  });

  test("no GPU of others; where there is none, the variable is left alone", async () => {
    expect(await told(CPUS, true)).toBe(`1|${JSON.stringify(CPUS)}|`);
    expect(await told(CPUS, false)).toBe(`1|${JSON.stringify(CPUS)}|7,8`);
  });

  test("without cores: 0", async () => {
    const mem = { mem: { amount: 2 ** 30, indices: [] } };
    expect(await told(mem, false)).toBe(`0|${JSON.stringify(mem)}|7,8`);
  });

  test("nothing if they are light", async () => {
    expect(await told(undefined, true)).toBe("||7,8");
  });

  test("what the client has set wins", async () => {
    const env = { CUDA_VISIBLE_DEVICES: "none", LOOM_CPUS: "many" };
    expect(await told(GPU, true, env)).toBe(`many|${JSON.stringify(GPU)}|none`);
  });
});
