/** The demo: real cluster, real programs and functions; its results, its end, what it leaves behind. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CliProcess } from "../cli/cli-process.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const python = process.env.LOOM_PYTHON;
const NO_PYTHON = { LOOM_PYTHON: "/nowhere/python" };

let temporary: string;

beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), "loom-demo-"));
});
afterEach(() => rmSync(temporary, { recursive: true }));

function start(example: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): CliProcess {
  const file = join(root, "examples", example);
  return new CliProcess(["run", file, ...args], { env: { TMPDIR: temporary, ...env } });
}

describe("npm run demo", () => {
  it("runs both parts and leaves nothing", async () => {
    const { code, stdout, stderr } = await start("demo.ts", ["--folds", "2"], NO_PYTHON).finished;
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^Best: .*\n\nSlopes of sepal width over length: /m);
    expect(code).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("stops in order when interrupted", async () => {
    const demo = start("demo.ts");
    await demo.waitFor("tasks ran", ({ stdout }) => /^\d+ of \d+ tasks$/m.exec(stdout));
    demo.kill("SIGINT");
    const { code, stdout, stderr } = await demo.finished;
    expect(stderr).toBe("demo: stopped by SIGINT\n");
    expect(stdout).not.toContain("Slopes of");
    expect(code).toBe(130);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("refuses a wrong number of folds", async () => {
    const { code, stderr } = await start("demo.ts", ["--folds", "one"]).finished;
    expect(stderr).toBe("demo: --folds one is not a whole number from 2 to 50\n");
    expect(code).toBe(2);
  });
});

describe("cross-validation", () => {
  it("prints an accuracy for every fold and the mean, and leaves nothing", async () => {
    const demo = start("cross-validation/demo.ts", ["--folds", "3"]);
    const { code, stdout, stderr } = await demo.finished;
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
});

describe("bootstrap", () => {
  // Samples are drawn with fixed seeds. Least squares of all 50 flowers gives 0.80, 0.32 and 0.23.
  const ours = [
    "setosa      least squares   0.82   0.66 to  0.99",
    "versicolor  least squares   0.32   0.23 to  0.41",
    "virginica   least squares   0.22   0.11 to  0.36",
  ];

  it.skipIf(python === undefined)("joins TypeScript, Python and programs", async () => {
    const { code, stdout, stderr } = await start("bootstrap/demo.ts").finished;
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^574 tasks in /m);
    const table = stdout.slice(stdout.indexOf("species ")).trimEnd().split("\n");
    expect(table).toEqual([
      "species     method         slope  90 % lie in       agreement",
      ours[0],
      "            Theil-Sen       0.80   0.60 to  1.00      89 %",
      ours[1],
      "            Theil-Sen       0.33   0.21 to  0.42      89 %",
      ours[2],
      "            Theil-Sen       0.22   0.05 to  0.36      87 %",
    ]);
    // Of functions in both languages.
    expect(stdout).toContain("  info: setosa, least squares: 60 slopes from 0.5538 to 1.0914\n");
    expect(stdout).toContain("  info: virginica: means 0.220 and 0.211 agree to 87 %\n");
    expect(stdout.match(/^ {2}info: /gm)).toHaveLength(9);
    expect(code).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it("does without Python what can be done", async () => {
    const { code, stdout, stderr } = await start("bootstrap/demo.ts", [], NO_PYTHON).finished;
    expect(stderr).toBe("");
    expect(stdout.split("\n").filter((line) => /python/i.test(line))).toEqual([
      expect.stringMatching(
        /^Going on without Python: .*no Python interpreter "\/nowhere\/python"/,
      ),
    ]);
    expect(stdout.slice(stdout.indexOf("species ")).trimEnd().split("\n").slice(1)).toEqual(ours);
    expect(code).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it.skipIf(python === undefined)("runs driven from Python", async () => {
    const script = join(root, "examples", "python", "bootstrap.py");
    const env = {
      ...process.env,
      LOOM_SERVER: "",
      PYTHONPATH: join(root, "python"),
      PYTHONDONTWRITEBYTECODE: "1",
      TMPDIR: temporary,
    };
    const { stdout, stderr } = await promisify(execFile)(python!, [script], { env });
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^ {2}info: loud, Theil-Sen: 60 slopes from /m);
    expect(stdout.match(/^(quiet|loud|flat), true slope/gm)).toHaveLength(3);
    expect(stdout).toContain("  least squares   0.82, 90 % lie in  0.72 to  0.92\n");
    expect(stdout).toContain("  Theil-Sen       0.83, 90 % lie in  0.72 to  0.93\n");
    expect(readdirSync(temporary)).toEqual([]);
  });
});
