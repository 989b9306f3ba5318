/** `loom simulate` as a process: a table, JSON, and one line with code 2 for what is wrong. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "./cli-process.js";

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "loom-simulate-"));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

async function simulated(...args: string[]) {
  const { code, stdout, stderr } = await runCli(["simulate", "--json", ...args]);
  expect(stderr).toBe("");
  return { code, report: JSON.parse(stdout) };
}

describe("loom simulate", () => {
  it("prints a table", async () => {
    const { code, stdout } = await runCli("simulate --generate chain:2x3,ms=100 --free".split(" "));
    expect(stdout).toMatch(/^chain:2x3,ms=100: 6 tasks with 4 inputs on 8 workers with 32 cores\n/);
    expect(stdout).toMatch(/\nMakespan +300 ms, 1.000 x the lower bound of 300 ms/);
    expect(stdout).toMatch(/\n +executing tasks +6\.3 % +600 ms\n/);
    expect(code).toBe(0);
  });

  it("says little of how far it is from a bound of next to nothing", async () => {
    const { stdout } = await runCli("simulate --generate fanout:1,ms=1e-300".split(" "));
    expect(stdout).toMatch(/\nMakespan +[\d.]+ ms, over a million times the lower bound of /);
  });

  it("takes several sorts of workers in place of the default", async () => {
    const args = "--generate fanout:8,ms=100 --free --workers 1x2,speed=2 --workers 2x2".split(" ");
    const { code, report } = await simulated(...args);
    expect(report.workers.map((worker: { cpus: number }) => worker.cpus)).toEqual([2, 2, 2]);
    expect(report).toMatchObject({ completed: true, makespanMs: 100, lowerBound: { ms: 100 } });
    expect(code).toBe(0);
  });

  it("reads graph files, gzipped ones too", async () => {
    const tasks = [
      { id: 0, duration: 1.5, cpus: 1, inputs: [], outputs: [1e6] },
      { id: 1, duration: 0.5, cpus: 2, inputs: [[0, 0]], outputs: [] },
    ];
    const text = JSON.stringify({ name: "pair", tasks });
    writeFileSync(join(directory, "pair.json"), text);
    writeFileSync(join(directory, "pair.json.gz"), gzipSync(text));
    const plain = await simulated("--graph", join(directory, "pair.json"), "--free");
    const { report } = await simulated("--graph", join(directory, "pair.json.gz"), "--free");
    expect(plain.report).toMatchObject({ completed: true, makespanMs: 2000 });
    expect({ ...report, simulator: 0 }).toEqual({ ...plain.report, simulator: 0 });
  });

  it("ends with code 1 when not all tasks can be finished, with 0 when that was not asked", async () => {
    const impossible = await simulated("--generate", "fanout:2,cpus=99");
    expect(impossible).toMatchObject({ code: 1, report: { completed: false } });
    expect(impossible.report.reason).toMatch(/nothing happens any more/);
    const stopped = await simulated("--generate", "fanout:2,ms=5s", "--until", "1s");
    expect(stopped).toMatchObject({ code: 0, report: { completed: false, makespanMs: 1000 } });
    const both = await simulated("--generate", "fanout:2,cpus=99", "--until", "1h");
    expect(both).toMatchObject({ code: 1, report: { completed: false } });
  });

  it.each([
    ["", /nothing to simulate; give --graph FILE, --trace DIR, or --generate SPEC/],
    ["--generate fanout:1 --graph x.json", /--graph and --generate are both given/],
    ["--generate boom:1", /--generate boom:1: boom:1 is no generator; use fanout:N/],
    ["--generate fanout:1 --workers four", /--workers four does not begin with workers x cores/],
    ["--generate fanout:1 --bandwidth 1parsec", /--bandwidth 1parsec is not a bandwidth/],
    ["--generate fanout:1 --latency soon", /--latency soon is not a time/],
    ["--generate fanout:1 --information all", /--information all is not known; use one of none/],
    ["--generate fanout:1 --seed x", /--seed x is not a seed/],
    ["--generate fanout:1 --fault boom", /--fault boom is not a fault/],
    ["--generate fanout:1 --fault die:worker=8,at=1s", /there is no worker 8; .* from 0 to 7/],
    ["--generate fanout:1 --faults often", /--faults often is not SEED:RATE/],
    ["--generate fanout:1 --workers 32767x1 --workers 1x1", /32768 workers are too many/],
  ])("%s: one line, code 2", async (args, line) => {
    const { code, stdout, stderr } = await runCli(["simulate", ...args.split(" ").filter(Boolean)]);
    expect(stderr).toMatch(line);
    expect(stderr.trimEnd()).not.toContain("\n");
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  it("names file, task and problem of a malformed graph", async () => {
    const file = join(directory, "wrong.json");
    const run = () => runCli(["simulate", "--graph", file]);
    writeFileSync(file, "{");
    expect(await run()).toMatchObject({ code: 2, stderr: expect.stringMatching(/is not JSON/) });
    const given = await runCli(["simulate", "--graph", directory]);
    expect(given.stderr).toBe(
      `loom simulate: graph ${directory} is not a file; give the path of a graph file (JSON)\n`,
    );
    const task = { id: 7, duration: -1, cpus: 1, inputs: [], outputs: [] };
    writeFileSync(file, JSON.stringify({ tasks: [task] }));
    expect(await run()).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/wrong\.json: task 7: "duration" must be a number of seconds/),
    });
  });
});
