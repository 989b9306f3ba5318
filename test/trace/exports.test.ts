/** Exports of traces are read back: CSV, Arrow, and Chrome's trace events as their documentation has them. */
import { fileURLToPath } from "node:url";
import { tableFromIPC } from "@uwdata/flechette";
import { beforeAll, describe, expect, it } from "vitest";
import { arrowOf, chromeOf, csvOf, readTrace, type Trace } from "../../src/trace/index.js";
import { START_MS, traceOf } from "./traces.js";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const NASTY = 'a "quoted", label\r\nof two lines: <b>=1+1</b>';

let golden: Trace;
/** Labels and metadata that have to be quoted, and executions that overlap. */
let nasty: Trace;

beforeAll(async () => {
  golden = await readTrace(fileURLToPath(new URL("golden/v1", import.meta.url)));
  nasty = await traceOf(
    (its) => {
      its.joined(0).names();
      its.plan(0, [[], [], [], []]);
      const label = text(NASTY);
      its.labels(0, label, Uint32Array.of(0), Uint32Array.of(label.length), 1);
      its.metadata(0, text('{"x":"\\"a,b\\""}'));
      its.metadata(1, Uint8Array.of(0x80, 5, 1));
      for (const row of [0, 1, 2, 3]) its.at(1).assigned(row, 1, 0);
      its.at(4).cancelled(3, 1);
      for (const row of [0, 1, 2]) its.at(20).finished(row, 1, 0, 0);
    },
    [
      (its) => {
        its.ran(0, 1, START_MS + 2, 10_000, 0, 0, 1);
        its.ran(1, 1, START_MS + 3, 12_000, 0, 0, 1);
        its.ran(2, 1, START_MS + 13, 1000, 0, 0, 1);
        its.ran(3, 1, START_MS + 2, 1500, 2, 1, 1);
        its.transfer(0, 0xffff, START_MS + 2, 500, 77, false);
      },
    ],
  );
});

/** RFC 4180. */
function parseCsv(csv: string): Record<string, string>[] {
  const rows: string[][] = [[]];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  for (let match = cell.exec(csv); match !== null; match = cell.exec(csv)) {
    rows.at(-1)!.push(match[1]?.replaceAll('""', '"') ?? match[2]);
    if (match[3] === "\r\n") rows.push([]);
    if (cell.lastIndex === csv.length) break;
  }
  expect(cell.lastIndex).toBe(csv.length);
  const [names, ...values] = rows.slice(0, -1);
  return values.map((row) => {
    expect(row).toHaveLength(names.length);
    return Object.fromEntries(row.map((value, i) => [names[i], value]));
  });
}

describe("the CSV", () => {
  it("has a line for each task, whatever is in its texts", () => {
    const rows = parseCsv([...csvOf(nasty)].join(""));
    expect(rows).toHaveLength(4);
    expect(rows[0]).toMatchObject({
      ...{ task: "0", label: NASTY, group: "heavy", state: "finished", worker: "node0:1" },
      ...{ assigned_ms: "1", known_ms: "20", core: "0", attempts: "1", size_bytes: "0" },
      ...{ metadata: '{"x":"\\"a,b\\""}', failure: "" },
    });
    expect(rows[1]).toMatchObject({ label: "", metadata: "" });
    expect(rows[3]).toMatchObject({ state: "cancelled", started_ms: "", worker: "", core: "" });
  });

  it("has what is in the trace", () => {
    const rows = parseCsv([...csvOf(golden)].join(""));
    expect(rows.map(({ label }) => label)).toEqual(rows.map((_, i) => golden.tasks.labelOf(i)));
    const sizes = rows.map(({ size_bytes }) => (size_bytes === "" ? Number.NaN : +size_bytes));
    expect(sizes).toEqual([...golden.tasks.sizeBytes]);
    const bad = rows.find(({ state }) => state === "failed")!;
    expect(bad.failure).toContain("<b>bad</b>");
  });
});

describe("the Arrow file", () => {
  it("has the same as the CSV, with types", async () => {
    for (const trace of [nasty, golden]) {
      const bytes = await arrowOf(trace);
      expect(new TextDecoder().decode(bytes.subarray(0, 6))).toBe("ARROW1");
      const table = tableFromIPC(bytes).toArray() as Record<string, unknown>[];
      const rows = parseCsv([...csvOf(trace)].join(""));
      expect(table).toHaveLength(rows.length);
      table.forEach((its, i) => {
        expect(Object.keys(its)).toEqual(Object.keys(rows[i]));
        for (const [name, value] of Object.entries(its)) {
          if (typeof value === "number") expect(value).toBeCloseTo(Number(rows[i][name]), 2);
          else expect(value ?? "").toBe(rows[i][name]);
        }
      });
    }
  });
});

interface ChromeEvent {
  name: string;
  ph: string;
  ts?: number;
  dur?: number;
  pid: number;
  tid: number;
  cat?: string;
  id?: number;
  args?: Record<string, unknown>;
}

function chromeEvents(trace: Trace): ChromeEvent[] {
  const json = JSON.parse([...chromeOf(trace)].join(""));
  expect(Object.keys(json)).toEqual(["displayTimeUnit", "otherData", "traceEvents"]);
  return json.traceEvents;
}

describe("the Chrome trace", () => {
  it("is as the format says", () => {
    for (const trace of [nasty, golden]) {
      const events = chromeEvents(trace);
      const open = new Set<number>();
      const ends = new Map<string, number>();
      for (const { ph, name, ts, dur, pid, tid, id, args } of events) {
        expect(name).toBeTypeOf("string");
        expect(pid).toBeLessThanOrEqual(trace.workers.length);
        expect(tid).toBeGreaterThanOrEqual(0);
        if (ph !== "M") expect(Number.isFinite(ts)).toBe(true);
        switch (ph) {
          case "M":
            expect(["process_name", "thread_name", "thread_sort_index"]).toContain(name);
            expect(Object.keys(args!)).toHaveLength(1);
            break;
          case "C":
            for (const value of Object.values(args!)) expect(value).toBeTypeOf("number");
            break;
          case "X": {
            // Bars of one thread come in order and do not overlap.
            const thread = `${pid} ${tid}`;
            expect(ts).toBeGreaterThanOrEqual(ends.get(thread) ?? Number.NEGATIVE_INFINITY);
            expect(dur).toBeGreaterThanOrEqual(0);
            ends.set(thread, ts! + dur! - 0.002);
            break;
          }
          case "b":
            expect(open.has(id!)).toBe(false);
            open.add(id!);
            break;
          case "e":
            expect(open.delete(id!)).toBe(true);
            break;
          default:
            throw new Error(`there is no phase ${ph}`);
        }
      }
      expect(open.size).toBe(0);
    }
  });

  it("has each task that ran once, on its core, and executions that did not finish", () => {
    const bars = chromeEvents(nasty).filter(({ ph, cat }) => ph === "X" && cat === "heavy");
    expect(bars.map(({ name, tid, args }) => [name, tid, args!.task, args!.ended])).toEqual([
      [NASTY, 1, 0, undefined],
      ["heavy", expect.any(Number), 3, "cancelled"],
      ["heavy", 4, 1, undefined],
      ["heavy", 1, 2, undefined],
    ]);
    const names = chromeEvents(nasty).filter(({ name }) => name === "thread_name");
    expect(names.map(({ args }) => args!.name)).toEqual(
      expect.arrayContaining(["scheduling", "core 0"]),
    );
    const all = chromeEvents(golden).filter(({ ph, cat }) => ph === "X" && cat !== "scheduling");
    const ran = [...golden.tasks.startedMs].filter((start) => !Number.isNaN(start)).length;
    const lost = all.filter(({ args }) => args!.ended === "workerLost").length;
    expect(lost).toBe(1);
    expect(all).toHaveLength(ran + lost);
  });

  it("has transfers and what workers measured", () => {
    const began = chromeEvents(nasty).filter(({ ph }) => ph === "b");
    expect(began).toMatchObject([{ pid: 1, args: { task: 0, size_bytes: 77, came: false } }]);
    const counters = chromeEvents(golden).filter(({ ph }) => ph === "C");
    expect(new Set(counters.map(({ name }) => name))).toEqual(
      new Set(["CPU", "memory", "objects", "network"]),
    );
  });
});
