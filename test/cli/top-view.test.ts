/** What loom top shows of a cluster, as text. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type TopView, topLines } from "../../src/cli/top-view.js";

const WIDE = { columns: 100, rows: 24, unicode: false };

function viewOf(status: Partial<TopView["status"]> = {}, more: Partial<TopView> = {}): TopView {
  return {
    address: "node1:9010",
    ratePerS: undefined,
    silentMs: undefined,
    ...more,
    status: {
      version: "1.2.3",
      uptimeMs: 61_000,
      workers: [],
      clients: 1,
      tasks: { unfinished: 0, finished: 0, failed: 0 },
      ...{ labels: [], connections: [], plans: [], longestRunning: [], waitingForWorkers: [] },
      ...status,
    },
  };
}

const worker = (index: number, more: object = {}) => ({
  ...{ index, address: `w${index}:1`, hostname: "host", pid: 1, version: "1.2.3", cpus: 4 },
  ...{ resources: {}, assigned: 0, running: 0, finished: 0, memoryBytes: 0, ...more },
});
const label = (name: string, total: number, finished: number, more: object = {}) => ({
  ...{ name, total, finished, running: 0, failed: 0, again: 0, ...more },
});
const running = (id: number) => ({
  ...{ client: 0, id, label: `t${id}`, worker: "w0:1", runningMs: 1500 },
});

describe("loom top", () => {
  it("of nothing says what to do", () => {
    expect(topLines(viewOf(), WIDE)).toEqual([
      "loom top node1:9010, version 1.2.3, up 1 min 1 s, 0 clients",
      "Tasks: 0 unfinished, 0 finished, 0 failed",
      "0 workers, 0 cores, 0 running, 0 queued there, 0 B of objects",
      "",
      "WORKER",
      "none; start one with: loom worker node1:9010",
    ]);
  });

  it("shows the busiest workers and unfinished labels first, what waits, and a silent server", () => {
    const status = {
      workers: [
        worker(0),
        worker(1, { assigned: 3, running: 2, memoryBytes: 1536, resources: { mem: 2 ** 33 } }),
      ],
      labels: [label("done", 2, 2), label("open", 4, 1, { failed: 1, again: 2 })],
      waitingForWorkers: [{ request: "8 gpus", taskType: "loom/run/run", tasks: 5 }],
    };
    const lines = topLines(viewOf(status, { ratePerS: 2, silentMs: 4500 }), WIDE);
    expect(lines).toEqual([
      "loom top node1:9010, version 1.2.3, up 1 min 1 s, 0 clients  NO ANSWER FOR 5 s",
      "Tasks: 0 unfinished, 0 finished, 0 failed, 2.0/s",
      "2 workers, 8 cores, 2 running, 1 queued there, 1.5 KiB of objects",
      "No worker can execute: 5 of type loom/run/run with 8 gpus",
      "",
      "WORKER  HOST  CPUS  RUNNING  QUEUED  FINISHED  OBJECTS   MEMORY",
      "w1:1    host     4        2       1         0  1.5 KiB  8.0 GiB",
      "w0:1    host     4        0       0         0      0 B        -",
      "",
      "LABEL",
      "open  ##########---------- 2/4, 1 failed, 2 executed again",
      "done  #################### 2/2",
    ]);
  });

  it("says what is left out", () => {
    const many = Array.from({ length: 30 }, (_, i) => i);
    const status = {
      workers: many.map((i) => worker(i)),
      labels: many.map((i) => label(`l${i}`, 2, 1)),
      longestRunning: many.map(running),
    };
    const lines = topLines(viewOf(status), WIDE);
    expect(lines).toHaveLength(24);
    expect(lines.filter((line) => line.startsWith("+"))).toEqual([
      "+24 workers",
      "+25 labels",
      "+29 running tasks",
    ]);
  });

  it("fits into any terminal, and steers it never", () => {
    const text = fc.string({ unit: "binary", maxLength: 60 });
    const status = fc.record({
      workers: fc.array(
        text.map((hostname) => worker(0, { hostname })),
        { maxLength: 40 },
      ),
      labels: fc.array(
        text.map((name) => label(name, 3, 1)),
        { maxLength: 40 },
      ),
      longestRunning: fc.array(
        text.map((name) => ({ ...running(1), label: name })),
        { maxLength: 40 },
      ),
    });
    const size = fc.record({
      columns: fc.integer({ min: 1, max: 150 }),
      rows: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(status, size, (shown, terminal) => {
        const lines = topLines(viewOf(shown), { ...terminal, unicode: true });
        expect(lines.length).toBeLessThanOrEqual(terminal.rows);
        for (const line of lines) {
          expect([...line].length).toBeLessThanOrEqual(terminal.columns);
          expect(line).not.toMatch(/\p{C}/u);
        }
      }),
    );
  });

  it("without a terminal leaves nothing out", () => {
    const workers = Array.from({ length: 200 }, (_, i) => worker(i));
    const everything = { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY };
    const lines = topLines(viewOf({ workers }), { ...everything, unicode: true });
    expect(lines.filter((line) => line.startsWith("w"))).toHaveLength(200);
  });
});
