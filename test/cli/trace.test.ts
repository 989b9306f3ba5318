/** `loom trace` and `loom simulate --trace` as processes, on a trace that real processes wrote. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileOf, headerOf, serverRecords } from "../trace/traces.js";
import { runCli } from "./cli-process.js";

const golden = fileURLToPath(new URL("../trace/golden/v1", import.meta.url));
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "loom-trace-cli-"));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

describe("loom trace", () => {
  it("info says what is in it", async () => {
    const { code, stdout, stderr } = await runCli(["trace", "info", golden]);
    expect(stdout).toMatch(/^Trace +of 20\S+, HyperLoom 0\.1\.0, 3 files\nDuration +\d\.\d+ s\n/);
    expect(stdout).toMatch(
      /\nTasks +122 in 4 plans of 1 client: 120 finished, 1 failed, 1 cancelled\n/,
    );
    expect(stdout).toMatch(/\n {2}large +4 tasks +1\.\d+ s\n/);
    expect(stdout).toMatch(
      /, 2 cores, clock 0\.00 ms ± 0\.00 ms, gone after .*: it disconnected\n/,
    );
    expect(stderr).toBe("");
    expect(code).toBe(0);
  });

  it("info shows labels that steer no terminal", async () => {
    const odd = mkdtempSync(join(directory, "odd-"));
    const records = serverRecords((writer) => {
      writer.names();
      writer.class({ class: 2, label: "x\x1b[31mred", priority: 0, variants: [] });
      writer.plan(0, [[]], { taskClass: Uint16Array.of(2) });
      writer.end();
    });
    writeFileSync(join(odd, "server.loomtrace"), fileOf(headerOf("server"), records));
    const { stdout } = await runCli(["trace", "info", odd]);
    expect(stdout).toContain("\n  x?[31mred ");
    expect(stdout).not.toContain("\x1b");
  });

  it("info --json says it to programs", async () => {
    const { stdout } = await runCli(["trace", "info", golden, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ tasks: 122, states: { finished: 120 }, complete: true, warnings: [], transfers: 2 },
      workers: [{ cpus: 2, goneReason: "it disconnected" }, { goneMs: null }],
    });
  });

  it("export writes to a file or standard output", async () => {
    const { stdout } = await runCli(["trace", "export", golden, "--format", "csv"]);
    expect(stdout.split("\r\n").filter((line) => /^\d+,/.test(line))).toHaveLength(122);
    const starts = { csv: "task,client,", chrome: '{"displayTimeUnit"', arrow: "ARROW1" };
    for (const [format, start] of Object.entries(starts)) {
      const file = join(directory, `out.${format}`);
      const done = await runCli(["trace", "export", golden, "--format", format, "-o", file]);
      expect(done).toMatchObject({ code: 0, stdout: "", stderr: "" });
      expect(readFileSync(file, "latin1").startsWith(start)).toBe(true);
    }
  });

  it.each([
    ["info /nowhere", /^loom trace: no trace of HyperLoom in \/nowhere: no such directory/],
    ["look /nowhere", /look is nothing to do with a trace; use one of info, export/],
    ["export /nowhere", /no format given; use --format with one of chrome, csv, arrow/],
    ["export /nowhere --format xml", /--format xml is not known; use --format with one of chrome/],
    ["export /nowhere --format arrow", /an Arrow file is binary; give --output FILE/],
    ["export /nowhere --format csv --json", /--json is for info/],
    ["info /nowhere --format csv", /--format and --output are for export/],
  ])("%s: one line, code 2", async (args, line) => {
    const { code, stdout, stderr } = await runCli(["trace", ...args.split(" ")]);
    expect(stderr).toMatch(line);
    expect(stderr.trimEnd()).not.toContain("\n");
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  it("that can't write: one line, code 1", async () => {
    const file = join(directory, "no", "such", "folder");
    const { code, stderr } = await runCli([
      "trace",
      "export",
      golden,
      "--format",
      "csv",
      "-o",
      file,
    ]);
    expect(stderr).toMatch(/^loom trace: .*folder cannot be written: no such file or directory\n$/);
    expect(code).toBe(1);
  });

  it("that can't write all leaves what was there", async () => {
    const name = "before.json";
    const output = join(directory, name);
    writeFileSync(output, "before");
    const { code, stderr } = await runCli(
      ["trace", "export", golden, "--format", "chrome", "-o", output],
      { fileSizeLimit: 1 },
    );
    expect(stderr).toMatch(
      /^loom trace: .*before.json cannot be written: the file would be larger/,
    );
    expect(code).toBe(1);
    expect(readFileSync(output, "utf8")).toBe("before");
    expect(readdirSync(directory).filter((other) => other.startsWith(name))).toEqual([name]);
  });
});

describe("loom simulate --trace", () => {
  const simulated = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli([
      "simulate",
      "--json",
      "--trace",
      golden,
      ...args,
    ]);
    return { code, warnings: stderr.trimEnd().split("\n"), report: JSON.parse(stdout) };
  };

  it("replays what finished on the traced cluster", async () => {
    const { code, warnings, report } = await simulated();
    expect(code).toBe(0);
    // 120 finished ones without that which stands for its copies.
    expect(report).toMatchObject({ completed: true, workload: { tasks: 119 } });
    expect(report.workers.map(({ cpus }: { cpus: number }) => cpus)).toEqual([2, 2]);
    expect(report.recorded).toMatchObject({ workers: 2, cpus: 4 });
    expect(report.makespanMs).toBeGreaterThan(1500);
    expect(report.makespanMs).toBeLessThan(report.recorded.makespanMs);
    expect(warnings).toEqual([
      "warning: left out: 2 tasks that did not finish",
      expect.stringMatching(/^warning: 4 plans, submitted within .* as one that comes at once$/),
      expect.stringMatching(/^warning: 1 worker left before the end of the trace; /),
    ]);
  });

  it("replays it on another cluster", async () => {
    const one = await simulated("--workers", "1x2", "--free");
    const fast = await simulated("--workers", "1x2,speed=2", "--free");
    expect(fast.report.makespanMs).toBeCloseTo(one.report.makespanMs / 2, 3);
    const table = await runCli(["simulate", "--trace", golden, "--workers", "1x2"]);
    expect(table.stdout).toMatch(
      /\nRecorded +\d\.\d+ s on 2 workers with 4 cores; the simulated makespan is \d\.\d+ of it\n/,
    );
  });

  it.each([
    [["--trace", "x", "--graph", "y"], /--graph and --trace are both given; use one of them/],
    [["--generate", "fanout:1", "--run", "y"], /--run needs --trace DIR/],
    [["--trace", "/nowhere"], /no trace of HyperLoom in \/nowhere/],
  ])("%s: one line, code 2", async (args, line) => {
    const { code, stderr } = await runCli(["simulate", ...args]);
    expect(stderr).toMatch(line);
    expect(code).toBe(2);
  });
});
