/** Directories that are no traces, and traces that are cut off, damaged or mixed: one clear line, or what is left. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LoomError } from "../../src/base/index.js";
import { arrowOf, chromeOf, csvOf, readTrace, type Trace } from "../../src/trace/index.js";
import {
  fileOf,
  headerOf,
  START_MS,
  serverRecords,
  temporaryDirectory,
  workerRecords,
} from "./traces.js";

const golden = fileURLToPath(new URL("golden/v1", import.meta.url));
const GOLDEN = readdirSync(golden)
  .sort()
  .map((name) => ({ name, bytes: readFileSync(join(golden, name)) }));

const records = serverRecords((its) => {
  its.joined(0).names();
  its.plan(0, [[], [0]]);
  its.at(1).assigned(0, 1, 0);
  its.at(2).finished(0, 1, 0, 0);
  its.end();
});

/** Reads what `fill` makes. */
async function traceIn(fill: (path: string) => void, run?: string): Promise<Trace> {
  using temporary = temporaryDirectory();
  fill(temporary.path);
  return await readTrace(temporary.path, { run });
}

/** The one line it fails with, the directory's name left out. */
async function refusal(fill: (path: string) => void, run?: string): Promise<string> {
  let directory = "";
  try {
    await traceIn((path) => {
      directory = path;
      fill(path);
    }, run);
  } catch (error) {
    if (error instanceof LoomError && error.code === "usage") {
      expect(error.message).not.toContain("\n");
      return error.message.replaceAll(directory, "DIR");
    }
    throw error;
  }
  throw new Error("it was read");
}

const serverFile = fileOf(headerOf("server"), records);
const put = (path: string, name: string, bytes: string | Uint8Array): void =>
  writeFileSync(join(path, name), bytes);

describe("no trace", () => {
  it("is what is not there, or no directory", async () => {
    await expect(readTrace("/nowhere/at all")).rejects.toThrow(
      "no trace of HyperLoom in /nowhere/at all: no such directory",
    );
    await expect(readTrace(fileURLToPath(import.meta.url))).rejects.toThrow(
      /: it is a file; give the directory that it is in$/,
    );
  });

  it("is in a directory without a server's file", async () => {
    const empty = /^no trace of HyperLoom in DIR: it has no file that ends with .loomtrace/;
    expect(await refusal(() => {})).toMatch(empty);
    expect(await refusal((path) => put(path, "a.txt", "a"))).toMatch(empty);
    expect(await refusal((path) => put(path, "a.loomtrace", "what?"))).toMatch(empty);
    const worker = fileOf(headerOf("worker", { worker: 0 }), new Uint8Array(0));
    expect(await refusal((path) => put(path, "w.loomtrace", worker))).toBe(
      "no trace of HyperLoom in DIR: the server's file is missing, there are only those of workers",
    );
  });

  it("is one that a later version wrote", async () => {
    const later = serverFile.toString("latin1").replace("LOOMTRACE 1", "LOOMTRACE 2");
    expect(await refusal((path) => put(path, "s.loomtrace", Buffer.from(later, "latin1")))).toBe(
      "DIR/s.loomtrace has version 2 of the trace format, this HyperLoom reads version 1; use the version of HyperLoom that has written it",
    );
  });

  it("is clear among several, until one is chosen", async () => {
    const two = (path: string): void => {
      put(path, "a.loomtrace", serverFile);
      const other = headerOf("server", { run: "0dd", startMs: START_MS + 1000 });
      put(path, "b.loomtrace", fileOf(other, records));
      const worker = headerOf("worker", { worker: 0 });
      put(path, "w.loomtrace", fileOf(worker, new Uint8Array(0)));
    };
    expect(await refusal(two)).toBe(
      "DIR has 2 traces: 0dd of 2023-11-14T22:13:21.000Z, 5eed0000 of 2023-11-14T22:13:20.000Z; choose one (--run 5eed0000)",
    );
    expect(await refusal(two, "77")).toMatch(/none of its traces begins with 77; there are 0dd of/);
    expect(await traceIn(two, "5eed")).toMatchObject({ files: ["a.loomtrace", "w.loomtrace"] });
    expect((await traceIn(two, "0")).files).toEqual(["b.loomtrace"]);
  });
});

describe("a trace with something wrong", () => {
  const warningsOf = async (fill: (path: string) => void): Promise<string[]> => {
    const { warnings } = await traceIn((path) => {
      put(path, "s.loomtrace", serverFile);
      fill(path);
    });
    return warnings.filter((warning) => !warning.startsWith("no file of the workers"));
  };

  it("names what is not part of it", async () => {
    const worker = (run: string, number: number) =>
      fileOf(headerOf("worker", { run, worker: number }), new Uint8Array(0));
    const warnings = await warningsOf((path) => {
      for (let i = 0; i < 7; i++) put(path, `${i}.txt`, "");
      mkdirSync(join(path, "folder"));
      put(path, "bad.loomtrace", "LOOMTRACE 1\n{}\n");
      put(path, "short.loomtrace", "LOOMTRACE 1\n{");
      put(path, "other.loomtrace", worker("another", 0));
      put(path, "unknown.loomtrace", worker(headerOf("server").run, 9));
      put(path, "later.loomtrace", "LOOMTRACE 99\n{}\n");
    });
    expect(warnings).toEqual([
      "left out: bad.loomtrace has a damaged header",
      "left out: later.loomtrace has version 99 of the trace format, this HyperLoom reads version 1; use the version of HyperLoom that has written it",
      "left out: short.loomtrace ends in its header",
      "left out, no trace files: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 3 more",
      "left out, of other traces: other.loomtrace",
      "left out: unknown.loomtrace is of a worker that the server's file does not have",
    ]);
  });

  it("has what was before the place where it is cut off", async () => {
    const cut = await traceIn((path) => put(path, "s.loomtrace", serverFile.subarray(0, -3)));
    expect(cut).toMatchObject({ complete: false, durationMs: 2 });
    expect(cut.warnings).toEqual([
      expect.stringMatching(/^s.loomtrace ends in the middle of a record, at byte \d+$/),
      expect.stringMatching(/^no file of the workers/),
      "the trace has no end: its server was killed, or still writes it",
    ]);
  });

  it.each([
    ["an unknown op", Uint8Array.of(99), /there is no record 99/],
    ["a length beyond the file", Uint8Array.of(128, 0, 0, 0, 9), /longer than what is left/],
    ["a row that is no task", Uint8Array.of(2, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0), /row 9 is assigned/],
    [
      "an unknown worker",
      Uint8Array.of(2, 1, 0, 0, 0, 1, 0, 0, 0, 5, 0),
      /worker 5 has not joined/,
    ],
    ["a time without sense", Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 240, 127), /not a time/],
    [
      "four billion tasks in a record",
      Uint8Array.of(10, 1, 0, 0, 0, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0),
      /4294967295 tasks follow each other/,
    ],
    ["JSON that is none", Uint8Array.of(134, 1, 0, 0, 0, 123), /a worker is not JSON/],
    [
      "JSON of another shape",
      Uint8Array.of(137, 2, 0, 0, 0, 123, 125),
      /sample of a worker is not/,
    ],
    [
      "a failure that can't be read",
      Uint8Array.of(128, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255),
      /failure/,
    ],
    ["tasks that are missing", Uint8Array.of(129, 3, 0, 0, 0, 1, 2, 3), /shorter than it can be/],
  ])("has what was before %s", async (_what, bytes, problem) => {
    const before = serverRecords((its) => {
      its.joined(0).names();
      its.plan(0, [[], [0]]);
    });
    const damaged = Buffer.concat([fileOf(headerOf("server"), before), bytes, records]);
    const trace = await traceIn((path) => put(path, "s.loomtrace", damaged));
    expect(trace.tasks.count).toBe(2);
    expect(trace.warnings[0]).toMatch(problem);
    expect(trace.warnings[0]).toMatch(
      /^s.loomtrace is damaged at byte \d+: .*what follows is left out$/,
    );
  });

  it("has what was before the damage in a worker's file", async () => {
    const runs = workerRecords((its) => {
      its.ran(0, 1, START_MS + 1, 500, 0, 0, 1);
      its.ran(7, 1, START_MS + 1, 500, 0, 0, 1);
      its.ran(1, 1, START_MS + 1, 500, 9, 0, 1);
    });
    const header = headerOf("worker", { worker: 0 });
    const { tasks, warnings } = await traceIn((path) => {
      put(path, "s.loomtrace", serverFile);
      put(path, "w.loomtrace", fileOf(header, runs));
    });
    expect(tasks.finishedMs[0] - tasks.startedMs[0]).toBeCloseTo(0.5);
    expect(warnings).toEqual([expect.stringMatching(/^w.loomtrace is damaged .* no outcome 9/)]);
  });
});

describe("whatever is done to a trace", () => {
  type Edit = { file: number; at: number; kind: "flip" | "cut" | "insert"; bytes: Uint8Array };
  const edit: fc.Arbitrary<Edit> = fc.record({
    file: fc.nat(GOLDEN.length - 1),
    at: fc.nat(),
    kind: fc.constantFrom("flip", "cut", "insert"),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
  });

  function edited(bytes: Uint8Array, { at, kind, bytes: change }: Edit): Uint8Array {
    const place = at % bytes.length;
    if (kind === "cut") return bytes.subarray(0, place);
    const end = kind === "insert" ? place : place + change.length;
    return Buffer.concat([bytes.subarray(0, place), change, bytes.subarray(end)]);
  }

  it("it is read as far as it can be, or refused with one line", async () => {
    let read = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
        const files = GOLDEN.map(({ name, bytes }) => ({ name, bytes: bytes as Uint8Array }));
        for (const each of edits) {
          const file = files[each.file];
          if (file.bytes.length > 0) file.bytes = edited(file.bytes, each);
        }
        try {
          const trace = await traceIn((path) => {
            for (const { name, bytes } of files) put(path, name, bytes);
          });
          read++;
          checkWhole(trace);
          for (const piece of csvOf(trace)) expect(piece).toBeTypeOf("string");
          JSON.parse([...chromeOf(trace)].join(""));
          await arrowOf(trace);
        } catch (error) {
          if (!(error instanceof LoomError)) throw error;
          expect(error.message).not.toContain("\n");
        }
      }),
      { numRuns: 150 },
    );
    expect(read).toBeGreaterThan(30);
  });

  /** Whoever uses a trace can rely on it. */
  function checkWhole({ tasks, plans, workers, labels, executions, transfers }: Trace): void {
    expect(tasks.inputStart).toHaveLength(tasks.count + 1);
    expect(tasks.inputs).toHaveLength(tasks.inputStart[tasks.count]);
    const isTask = (task: number) => task < tasks.count;
    const isWorker = (worker: number) => worker >= -1 && worker < workers.length;
    expect(tasks.inputs.every(isTask)).toBe(true);
    expect(tasks.worker.every(isWorker)).toBe(true);
    expect(tasks.label.every((label) => label < labels.length)).toBe(true);
    expect(tasks.plan.every((plan) => plans[plan] !== undefined)).toBe(true);
    expect(executions.task.every(isTask)).toBe(true);
    expect(executions.worker.every(isWorker)).toBe(true);
    expect(transfers.task.every(isTask)).toBe(true);
    expect(transfers.from.every(isWorker)).toBe(true);
    for (let task = 0; task < tasks.count; task++) {
      expect(tasks.labelOf(task)).toBeTypeOf("string");
      expect(tasks.finishedMs[task]).not.toBeLessThan(tasks.startedMs[task]);
    }
  }
});
