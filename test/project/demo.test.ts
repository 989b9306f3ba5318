/** The demo: real cluster, real programs; its results, its end, what it leaves behind. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CliProcess } from "../cli/cli-process.js";

const DEMO = fileURLToPath(new URL("../../examples/cross-validation/demo.ts", import.meta.url));

let temporary: string;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), "loom-demo-"));
});
afterEach(() => rmSync(temporary, { recursive: true }));

function startDemo(...args: string[]): CliProcess {
  return new CliProcess(["run", DEMO, ...args], { env: { TMPDIR: temporary } });
}

describe("the demo", () => {
  it("prints an accuracy for every fold and the mean, and leaves nothing", async () => {
    const { code, stdout, stderr } = await startDemo("--folds", "3").finished;
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^3-fold cross-validation: 150 flowers, \d+ learners$/m);
    expect(stdout).toMatch(/^\d+ of \d+ tasks$/m);
    expect(stdout).toMatch(/^accuracy in %, fold .* #1 +#2 +#3 +mean$/m);
    // The data are shuffled with a fixed seed and training is deterministic.
    expect(stdout).toMatch(/^softmax, rate 1, 1000 rounds +94 +100 +100 +98\.0$/m);
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(/^Best: .*, mean accuracy 9\d\.\d %$/);
    expect(code).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("stops in order when interrupted", async () => {
    const demo = startDemo();
    await demo.waitFor("tasks ran", ({ stdout }) => /^\d+ of \d+ tasks$/m.exec(stdout));
    demo.kill("SIGINT");
    const { code, stderr } = await demo.finished;
    expect(stderr).toBe("demo: stopped by SIGINT\n");
    expect(code).toBe(130);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("refuses a wrong number of folds", async () => {
    const { code, stderr } = await startDemo("--folds", "one").finished;
    expect(stderr).toBe("demo: --folds one is not a whole number from 2 to 50\n");
    expect(code).toBe(2);
  });
});
