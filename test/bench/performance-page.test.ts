/** docs/performance.md and its charts from files of results. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { renderChart } from "../../bench/docs/chart.js";
import { number, ratio, table } from "../../bench/docs/markdown.js";
import { performancePage } from "../../bench/docs/performance-page.js";
import { newestRecords, parseResultFile, readResultFiles } from "../../bench/docs/result-files.js";

const RESULTS = fileURLToPath(new URL("../../bench/results", import.meta.url));
const DOCS = fileURLToPath(new URL("../../docs", import.meta.url));

const machine = { cpu: "CPU", cores: 2, memoryGB: 8, system: "linux x64", node: "v20.1.0" };
function file(name: string, date: string, content: object) {
  return parseResultFile(name, JSON.stringify({ date, commit: "abc1234", machine, ...content }));
}
const server = (workers: number, us: number) => ({
  case: "server-fanout-1k",
  what: "1000 const",
  workers,
  warmServerCpuUsPerTask: us,
  coldServerCpuUsPerTask: 2 * us,
});

describe("Markdown", () => {
  it("aligns words to the left, numbers to the right", () => {
    expect(
      table(
        ["case", "of", "µs"],
        [
          ["fan", "x1", "0.5"],
          ["chain", "b", "1,200"],
        ],
      ),
    ).toBe(
      [
        "| case  | of  |    µs |",
        "| ----- | --- | ----: |",
        "| fan   | x1  |   0.5 |",
        "| chain | b   | 1,200 |",
      ].join("\n"),
    );
  });

  it("shows numbers with the digits that mean something", () => {
    const shown = [1234567, 774000, 0.4111, 12.34, 999.6, 0, undefined, null, Number.NaN, "x"];
    expect(shown.map((value) => number(value))).toEqual([
      "1,234,567",
      "774,000",
      "0.411",
      "12.3",
      "1,000",
      "0",
      "–",
      "–",
      "–",
      "–",
    ]);
    expect([8.505, 0.0234, 1240.4, undefined].map(ratio)).toEqual([
      "8.5×",
      "0.023×",
      "1,240×",
      "–",
    ]);
  });
});

describe("files of results", () => {
  it("name what is wrong with them", () => {
    expect(() => parseResultFile("a.json", "{")).toThrow(/^a\.json is no JSON: /);
    expect(() => parseResultFile("a.json", "{}")).toThrow(
      "a.json has no date; is it a file of npm run bench?",
    );
  });

  it("come with the newest first", () => {
    const folder = mkdtempSync(join(tmpdir(), "loom-results-"));
    const dates = { "a.json": "2026-03-02", "b.json": "2026-03-03", "c.json": "2026-03-01" };
    for (const [name, date] of Object.entries(dates)) {
      writeFileSync(join(folder, name), JSON.stringify({ date, commit: "abc1234", machine }));
    }
    writeFileSync(join(folder, "notes.txt"), "no results");
    const names = readResultFiles(folder).map(({ name }) => name);
    rmSync(folder, { recursive: true });
    expect(names).toEqual(["b.json", "a.json", "c.json"]);
  });

  it("give the newest records of all cases wanted, from one run without a profiler", () => {
    const record = (name: string) => ({ case: name, what: "", workers: 1 });
    const files = [
      file("profiled", "2026-03-04", { records: [record("a")], profiles: [{}] }),
      file("half", "2026-03-03", { records: [record("a")] }),
      file("whole", "2026-03-02", { records: [record("a"), record("b"), record("c")] }),
      file("other", "2026-03-01", { records: [{ graph: "crossv" }] }),
    ];
    expect(newestRecords(files, ["a", "b"])?.file.name).toBe("whole");
    expect(newestRecords(files, ["a", "b"])?.records.map((one) => one.case)).toEqual(["a", "b"]);
    expect(newestRecords(files, /^a/)?.file.name).toBe("half");
    expect(newestRecords(files, /crossv/)).toBeUndefined();
  });
});

describe("the page", () => {
  it("has only sections for which there are results", async () => {
    const { markdown, images } = await performancePage([]);
    expect(markdown).not.toContain("##");
    expect(images.size).toBe(0);
  });

  it("has a table, its source and a chart", async () => {
    const files = [
      file("run.json", "2026-03-04T05:06:07Z", { records: [server(1, 0.4), server(256, 0.9)] }),
    ];
    const { markdown, images } = await performancePage(files);
    expect(markdown).toContain("## The server alone");
    expect(markdown).toMatch(/\| fanout-1k +\| +256 \| +0\.9 \| +1\.8 \| +– \|/);
    expect(markdown).toContain(
      "_2026-03-04, commit abc1234, 2 cores (CPU), 8 GB, Node 20.1.0: [run.json](../bench/results/run.json)_",
    );
    expect(markdown).toContain("](images/performance-server-cpu.svg)");
    expect([...images.keys()]).toEqual(["performance-server-cpu.svg"]);
  });

  it("compares with the figures of C++ HyperLoom", async () => {
    const plan = (name: string) => ({
      case: name,
      what: "w",
      workers: 32,
      warmTasksPerSecond: 480_000,
      coldTasksPerSecond: 48_000,
    });
    const names = ["fanout-100k", "tree-131k", "layers-41k", "chain-5k"];
    const files = [file("run.json", "2026-03-04", { records: names.map(plan) })];
    const { markdown } = await performancePage(files);
    expect(markdown).toContain(
      "| fanout-100k |      32 | 480,000 |  48,000 | 24,000 |      20× |       2× |",
    );
  });

  it("shows schedules by cluster and bandwidth", async () => {
    const record = (bandwidthMiB: number) => ({ graph: "crossv", cluster: "8x4", bandwidthMiB });
    const summary = (name: string, toBest: number) => ({
      ...{ name, graphs: 40, toBest, toBound: 1.5, toBlevelGt: 0.9, toWs: 0.8 },
      ...{ worst: 1.05, worstGraph: "crossv", schedulerMs: 10 },
    });
    const content = {
      mode: "exact",
      plan: "core",
      records: [record(32), record(512)],
      summaries: [
        summary("8x4, 32 MiB/s", 0.75),
        summary("8x4, 512 MiB/s", 0.99),
        summary("all", 0.9),
      ],
    };
    const { markdown, images } = await performancePage([
      file("plans.json", "2026-03-05", { ...content, plan: "lookahead" }),
      file("core.json", "2026-03-04", content),
    ]);
    expect(markdown).toContain("[core.json]");
    expect(markdown).toMatch(/\| 8x4, 32 MiB\/s +\| +40 \| +0\.750 \| 1\.050 \| crossv \|/);
    const svg = images.get("performance-schedules.svg");
    for (const text of ["8 workers with 4 cores", "geometric mean", "worst graph", "512"]) {
      expect(svg).toContain(`>${text}</text>`);
    }
  });

  it("shows scaling beside what is published, from a file without a machine", async () => {
    const row = (experiment: string, nodes: number, efficiency: number) => ({
      ...{ experiment, information: "none", nodes, efficiency },
      ...{ tasks: 460_007, makespanS: 461.2, ratio: 1.02, serverCoreUsPerTask: 1.5 },
    });
    const rows = [row("strong", 1, 1), row("strong", 64, 0.957), row("weak", 64, 0.981)];
    const text = JSON.stringify({ date: "2026-03-04", rows });
    const { markdown, images } = await performancePage([parseResultFile("scaling.json", text)]);
    expect(markdown).toMatch(
      /\| strong +\| none +\| +64 \| 460,007 \| +461 \| +0\.957 \| +0\.78 \|/,
    );
    expect(markdown).toContain("_2026-03-04: [scaling.json](../bench/results/scaling.json)_");
    expect(images.get("performance-scaling.svg")).toContain(">information: none</text>");
  });

  it("in docs/ is what the results give: npm run bench:docs has been run", async () => {
    const { markdown, images } = await performancePage(readResultFiles(RESULTS));
    expect(readFileSync(`${DOCS}/performance.md`, "utf8")).toBe(markdown);
    for (const [name, svg] of images) {
      expect(readFileSync(`${DOCS}/images/${name}`, "utf8")).toBe(svg);
    }
  });
});

describe("charts", () => {
  const panel = {
    title: "tasks",
    x: { title: "workers", scale: "log" as const, ticks: [1, 8, 64] },
    y: { title: "tasks/s", scale: "log" as const },
    series: [
      {
        name: "first <&>",
        points: [
          { x: 1, y: 1000 },
          { x: 64, y: 100_000 },
        ],
      },
      { name: "second", points: [{ x: 8, y: 20_000 }] },
    ],
  };

  it("are SVG with titles, ticks and a legend, the same text each time", async () => {
    const chart = { title: "Rates", panels: [panel] };
    const svg = await renderChart(chart);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"[\s\S]*<\/svg>\n$/);
    for (const text of [
      "Rates",
      "workers",
      "tasks/s",
      "64",
      "100k",
      "first &lt;&amp;&gt;",
      "second",
    ]) {
      expect(svg).toContain(`>${text}</text>`);
    }
    expect(svg.match(/stroke="#0072b2"/g)?.length).toBeGreaterThan(0);
    expect(await renderChart(chart)).toBe(svg);
  });

  it("draw a line at a goal, also one outside the data", async () => {
    const goal = { ...panel, y: { title: "y", scale: "linear" as const }, rule: 500_000 };
    const dashed = /<line transform="translate\(0,([\d.]+)\)"[^>]*stroke-dasharray="4,4"/;
    const [, top] = dashed.exec(await renderChart({ title: "t", panels: [goal] })) ?? [];
    expect(Number(top)).toBeGreaterThanOrEqual(0);
    expect(Number(top)).toBeLessThan(190);
  });

  it("refuse what a logarithmic axis cannot show", async () => {
    const bad = { ...panel, series: [{ name: "a", points: [{ x: 1, y: 0 }] }] };
    await expect(renderChart({ title: "t", panels: [bad] })).rejects.toThrow(
      'chart "tasks": y is 0, which has no place on a logarithmic axis',
    );
  });
});
