/** `npm run bench:schedule` as a program: its tables, its records, and what it says of wrong flags. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { readScheduleArguments } from "../../../bench/schedules/arguments.js";
import { geometricMean, summarize } from "../../../bench/schedules/table.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "loom-schedule-"));
afterAll(() => rmSync(scratch, { recursive: true }));

function bench(...flags: string[]): Promise<{ code: number; out: string; err: string }> {
  const args = ["--import", "tsx", "bench/schedule.ts", ...flags];
  return new Promise((done) => {
    execFile(process.execPath, args, { cwd: root }, (error, out, err) => {
      done({ code: error === null ? 0 : 1, out, err });
    });
  });
}

describe("bench:schedule", () => {
  it.each([["core"], ["lookahead"]])("compares makespans, planned by the %s", async (plan) => {
    const json = join(scratch, `${plan}.json`);
    const chosen = [
      "--graph",
      "sipht",
      "--cluster",
      "8x4",
      "--bandwidth",
      "512",
      "--bandwidth",
      "7",
    ];
    const { code, out, err } = await bench(...chosen, "--plan", plan, "--json", json);
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out).toMatch(/^sipht +34\d\d\.\d\d +3479\.42 +mcp-r +1\.00\d /m);
    // Nothing is published for 7 MiB/s: no ratios, not in the summary.
    expect(out).toMatch(/^sipht +\d+\.\d\d +- +- +- /m);
    const { records, summaries, commit } = JSON.parse(readFileSync(json, "utf8"));
    expect(records).toMatchObject([
      { graph: "sipht", cluster: "8x4", bandwidthMiB: 512, best: "mcp-r", bestS: 3479.424 },
      { graph: "sipht", cluster: "8x4", bandwidthMiB: 7 },
    ]);
    expect(summaries).toMatchObject([{ graphs: 1, worstGraph: "sipht" }]);
    expect(commit).toEqual(expect.any(String));
  });

  it("refuses wrong flags in one line", async () => {
    const { code, err } = await bench("--cluster", "8");
    expect(code).toBe(1);
    expect(err).toBe("bench:schedule: --cluster 8 is not like 8x4: 8 workers with 4 cores\n");
  });

  it.each([
    [["--graph", "nosuch"], "--graph nosuch is not known; use one of a, b"],
    [["--cluster", "0x4"], "--cluster 0x4 is not like 8x4: 8 workers with 4 cores"],
    [["--bandwidth", "0"], "--bandwidth 0 is not a number above 0"],
    [["--bandwidth=-1"], "--bandwidth -1 is not a number above 0"],
    [["--mode", "none"], "--mode none is not known; use exact, user, mean"],
    [["--plan", "none"], "--plan none is not known; use core or lookahead"],
    [["--budget", "5"], "--budget is for --plan lookahead"],
  ])("refuses %j", (flags, message) => {
    expect(() => readScheduleArguments(flags, ["a", "b"])).toThrow(message);
  });

  it("summarizes graphs with published makespans only", () => {
    const record = {
      cluster: "8x4",
      bandwidthMiB: 1,
      makespanS: 1,
      sentMiB: 0,
      decisions: 1,
      schedulerMs: 2,
    };
    const ratios = { toBound: 1, toBlevelGt: 1, toWs: 1 };
    const summary = summarize("all", [
      { ...record, ...ratios, graph: "a", toBest: 0.5 },
      { ...record, ...ratios, graph: "b", toBest: 2 },
      { ...record, graph: "c" },
    ]);
    expect(summary).toMatchObject({ graphs: 2, worst: 2, worstGraph: "b", schedulerMs: 6 });
    expect(summary?.toBest).toBeCloseTo(1, 12);
    expect(summarize("none", [{ ...record, graph: "c" }])).toBeUndefined();
    expect(geometricMean([4, 9])).toBeCloseTo(6, 12);
  });
});
