/** Traces as they are read: what happened to tasks, when, and what follows from it. */
import { describe, expect, it } from "vitest";
import { encodeFailureInfo } from "../../src/protocol/index.js";
import { ExecutionEnd, type Trace, TracedState, UNKNOWN_CORE } from "../../src/trace/index.js";
import { type ServerTest, START_MS, traceOf } from "./traces.js";

const { waiting, ready, assigned, finished, failed, cancelled } = TracedState;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function inputsOf({ tasks }: Trace, task: number): number[] {
  return [...tasks.inputs.subarray(tasks.inputStart[task], tasks.inputStart[task + 1])];
}

describe("a task in a trace", () => {
  it("has its times, worker, cores and size; the worker's clock is brought into line", async () => {
    const trace = await traceOf(
      (its) => {
        its.joined(0).names();
        its.at(5).plan(0, [[], [0]]);
        its.labels(0, text("heavy:1"), Uint32Array.of(0, 0), Uint32Array.of(7, 0), 2);
        its.metadata(0, text('{"a":1}'));
        its.at(6).assigned(0, 1, 0);
        its.at(6.25).started(0, 1);
        its.at(16.25).finished(0, 1, 10_000, 42);
        its.at(17).assigned(1, 1, 0);
        its.at(22).finished(1, 1, 4000, 43);
      },
      [
        (its) => {
          // Its clock is 500 ms ahead.
          its.ran(0, 1, START_MS + 506.125, 10_000, 0, 1, 1);
          its.ran(1, 1, START_MS + 517.5, 4000, 0, 0, 2);
        },
      ],
    );
    expect(trace.warnings).toEqual([]);
    const { tasks, workers } = trace;
    expect(workers[0].clockOffsetMs).toBeCloseTo(-500);
    expect(workers[0].clockUncertaintyMs).toBeCloseTo(0.125);
    expect(tasks.startedMs[0]).toBeCloseTo(6.125);
    expect(tasks.finishedMs[0]).toBeCloseTo(16.125);
    expect(tasks).toMatchObject({
      count: 2,
      submittedMs: Float64Array.of(5, 5),
      readyMs: Float64Array.of(5, 16.25),
      assignedMs: Float64Array.of(6, 17),
      state: Uint8Array.of(finished, finished),
      worker: Int16Array.of(0, 0),
      core: Uint16Array.of(1, 0),
      cores: Uint16Array.of(1, 2),
      attempts: Uint16Array.of(1, 1),
      sizeBytes: Float64Array.of(42, 43),
    });
    expect([0, 1].map(tasks.labelOf)).toEqual(["heavy:1", ""]);
    expect(tasks.metadataOf(0)).toEqual(text('{"a":1}'));
    expect(tasks.metadataOf(1)).toBeUndefined();
    expect(trace.labels).toEqual(["heavy"]);
    expect(trace.executions.count).toBe(0);
    expect(inputsOf(trace, 1)).toEqual([0]);
    expect(trace).toMatchObject({ complete: true, durationMs: 22 });
  });

  it("is another one when its row is used again", async () => {
    const trace = await traceOf(
      (its) => {
        its.joined(0).joined(1).names();
        for (const plan of [0, 1, 2]) {
          const start = 100 * plan;
          its.at(start).plan(0, [[], []], { plan, idBase: 10 * plan });
          its.at(start + 1).assigned(0, plan + 1, 0);
          its.at(start + 12).finished(0, plan + 1, 10_000, plan);
        }
      },
      [
        (its) => {
          for (const plan of [2, 0, 1]) {
            its.ran(0, plan + 1, START_MS + 100 * plan + 1.5, 10_000, 0, 0, 1);
          }
        },
        (its) => {
          for (const at of [50, 120, 290, -5]) its.transfer(0, 0, START_MS + at, 1000, at, true);
        },
      ],
    );
    expect([...trace.tasks.id]).toEqual([0, 1, 10, 11, 20, 21]);
    expect([...trace.tasks.sizeBytes].filter((size) => size >= 0)).toEqual([0, 1, 2]);
    const cancelledOrReady = [finished, cancelled, finished, cancelled, finished, ready];
    expect([...trace.tasks.state]).toEqual(cancelledOrReady);
    for (const plan of [0, 1, 2]) {
      expect(trace.tasks.startedMs[2 * plan]).toBeCloseTo(100 * plan + 1.5, 0);
    }
    expect([...trace.transfers.task]).toEqual([0, 2, 4, 0]);
    expect(trace.plans.map(({ firstTask, taskCount }) => [firstTask, taskCount])).toEqual([
      [0, 2],
      [2, 2],
      [4, 2],
    ]);
  });

  it("has the class that had the number when it came", async () => {
    const variants = [{ cpus: 3, amounts: [] }];
    const trace = await traceOf((its) => {
      its.names().plan(0, [[], []], { taskClass: Uint16Array.of(0, 1) });
      its.class({ class: 7, label: "late", priority: 1, variants });
      its.class({ class: 0, label: "other", priority: 2, variants });
      its.plan(2, [[], [], [], []], { plan: 1, taskClass: Uint16Array.of(0, 1, 7, 5) });
      its.class({ class: 7, label: "last", priority: 3, variants });
      its.plan(6, [[]], { plan: 2, taskClass: Uint16Array.of(7) });
    });
    const { taskClass, count, label } = trace.tasks;
    const classes = Array.from({ length: count }, (_, i) => trace.classes[taskClass[i]]);
    const labels = ["heavy", "", "other", "", "late", undefined, "last"];
    expect(classes.map((its) => its?.label)).toEqual(labels);
    expect(classes.map((its) => its?.priority)).toEqual([0, 0, 2, 0, 1, undefined, 3]);
    const short = Array.from(label.subarray(0, count), (number) => trace.labels[number]);
    expect(short).toEqual(labels.map((text) => text || "loom/run/run"));
  });

  it("has executions that ended without its result", async () => {
    const trace = await traceOf((its) => {
      its.joined(0).joined(1).names();
      its.plan(0, [[], [], [], [0]]);
      for (const row of [0, 1, 2, 3]) its.at(1).assigned(row, 1, 0);
      its.at(2).retracted(1, 1);
      its.at(3).assigned(1, 2, 1);
      its.at(3.5).finished(1, 1, 0, 98);
      its.at(4).finished(1, 2, 0, 1);
      // Of an attempt that is over: nobody believes it.
      its.at(5).finished(1, 1, 0, 99);
      its.at(6).cancelled(2, 1);
      its.at(7).finished(0, 1, 0, 1);
      its.at(8).inputLost(3, 1, 0, 0);
      its.at(9).assigned(3, 2, 0);
      its.at(10).worker({ event: "gone", worker: 0, reason: "killed" });
      // The result is gone too.
      its.at(11).assigned(0, 2, 1);
      its.at(12).assigned(3, 3, 1);
      its.at(13).finished(0, 2, 0, 2);
    });
    const { executions, tasks } = trace;
    const list = [...Array(executions.count).keys()].map((i) => [
      executions.task[i],
      executions.worker[i],
      executions.end[i],
      executions.endedMs[i],
    ]);
    expect(list).toEqual([
      [1, 0, ExecutionEnd.retracted, 2],
      [2, 0, ExecutionEnd.cancelled, 6],
      [3, 0, ExecutionEnd.inputLost, 8],
      [3, 0, ExecutionEnd.workerLost, 10],
      [0, 0, ExecutionEnd.finished, 7],
      [3, 1, ExecutionEnd.open, Number.NaN],
    ]);
    expect([...tasks.state]).toEqual([finished, finished, cancelled, assigned]);
    expect([...tasks.attempts]).toEqual([2, 2, 1, 3]);
    expect([...tasks.sizeBytes]).toEqual([2, 1, Number.NaN, Number.NaN]);
    expect(trace.workers[0]).toMatchObject({ goneMs: 10, goneReason: "killed" });
  });

  it("fails, and what depends on it is cancelled", async () => {
    const trace = await traceOf((its) => {
      its.joined(0).names();
      its.plan(0, [[], [0], [1], []]);
      its.at(1).assigned(0, 1, 0);
      const failure = encodeFailureInfo({ message: "bad", exitStatus: 3, stderr: text("oh") });
      its.at(2).failed(0, 1, failure);
    });
    expect([...trace.tasks.state]).toEqual([failed, cancelled, cancelled, ready]);
    expect(trace.failures).toMatchObject([
      { task: 0, worker: 0, atMs: 2, info: { message: "bad", exitStatus: 3 } },
    ]);
    expect([...trace.executions.end]).toEqual([ExecutionEnd.failed]);
  });

  it("is cancelled when it is let go before a worker has it; one that is retried runs all the same", async () => {
    const trace = await traceOf((its) => {
      its.joined(0).names();
      its.plan(0, [[], [0], [], []]);
      its.at(1).assigned(0, 1, 0);
      for (const row of [1, 2, 3]) its.at(2).letGo(row);
      its.at(3).finished(0, 1, 0, 1);
      its.at(4).assigned(2, 1, 0);
      its.at(5).finished(2, 1, 0, 1);
      // Not a task of this trace.
      its.letGo(99);
    });
    expect([...trace.tasks.state]).toEqual([finished, cancelled, finished, cancelled]);
  });

  it("may have been there before the trace", async () => {
    const trace = await traceOf(
      (its) => {
        its.joined(0).names();
        its.plan(0, [[], [0], [1], []], { state: Uint8Array.of(1, 0, 0, 2) });
        its.at(3).finished(1, 7, 2000, 5);
        its.at(4).assigned(2, 1, 0);
        // Its row is not known: its plan was gone when tracing began.
        its.at(5).finished(77, 1, 0, 0);
      },
      [(its) => its.ran(1, 7, START_MS + 0.9, 2000, 0, 1, 1)],
    );
    const { tasks } = trace;
    expect([...tasks.state]).toEqual([finished, finished, assigned, failed]);
    expect([...tasks.worker]).toEqual([-1, 0, 0, -1]);
    expect([...tasks.attempts]).toEqual([0, 1, 1, 0]);
    expect(tasks.finishedMs[1]).toBeLessThanOrEqual(3);
    expect([...tasks.readyMs]).toEqual([0, 0, 3, 0]);
    expect(trace.warnings).toEqual([
      "left out: records of tasks that were gone when tracing began, 1",
    ]);
  });

  it("with dynamic inputs stands for its copies", async () => {
    const trace = await traceOf((its) => {
      its.joined(0).names();
      its.at(0).plan(0, [[], [0], [1]], { idBase: 100 });
      its.labels(1, text("eachall"), Uint32Array.of(0, 4), Uint32Array.of(4, 3), 2);
      its.at(1).assigned(0, 1, 0);
      its.at(2).finished(0, 1, 0, 1);
      const templates = Uint32Array.of(1, 1);
      its.at(2).plan(8, [[0], [0]], { idBase: 100, templates });
      its.at(3).inputs(2, Uint32Array.of(8, 9));
      its.letGo(1);
      for (const row of [8, 9, 2]) its.at(4).assigned(row, 1, 0);
      its.at(5).finished(9, 1, 0, 1);
      its.at(6).finished(8, 1, 0, 1);
      its.at(7).finished(2, 1, 0, 1);
    });
    const { tasks } = trace;
    expect([...tasks.isCopy]).toEqual([0, 0, 0, 1, 1]);
    expect([...tasks.id]).toEqual([100, 101, 102, 101, 101]);
    expect([0, 1, 2, 3, 4].map(tasks.labelOf)).toEqual(["", "each", "all", "each", "each"]);
    expect(inputsOf(trace, 2)).toEqual([3, 4]);
    expect(tasks.readyMs[2]).toBe(6);
    expect([...tasks.state]).toEqual(Array(5).fill(finished));
    expect(tasks).toMatchObject({ knownMs: Float64Array.of(2, 6, 7, 6, 5) });
    expect(trace.plans).toHaveLength(1);
  });

  it.each<[string, (its: ServerTest) => unknown, number]>([
    ["not done while one of them is not", (its) => its.at(4).assigned(9, 1, 0), ready],
    ["cancelled with one of them", (its) => its.letGo(9), cancelled],
    [
      "cancelled when one of them fails",
      (its) => {
        its.assigned(9, 1, 0);
        its.failed(9, 1, encodeFailureInfo({ message: "bad" }));
      },
      cancelled,
    ],
  ])("with dynamic inputs, of which there are copies, is %s", async (_how, happens, state) => {
    const trace = await traceOf((its) => {
      its.joined(0).names();
      its.plan(0, [[], [0]]);
      its.at(1).assigned(0, 1, 0);
      its.at(2).finished(0, 1, 0, 1);
      its.plan(8, [[0], [0]], { templates: Uint32Array.of(1, 1) });
      its.letGo(1);
      its.at(3).assigned(8, 1, 0);
      its.at(3).finished(8, 1, 0, 1);
      happens(its);
    });
    expect(trace.tasks.state[1]).toBe(state);
  });

  it("without a request is laid out within the runs of its worker, without overlaps", async () => {
    const count = 10;
    const trace = await traceOf(
      (its) => {
        its.joined(0).names();
        const inputs = Array.from({ length: count }, () => []);
        its.plan(0, inputs, { taskClass: new Uint16Array(count).fill(1) });
        for (let row = 0; row < count; row++) its.at(1).assigned(row, 1, 0);
        for (let row = 0; row < count; row++)
          its.at(row < 5 ? 12 : 32).finished(row, 1, row === 7 ? 4000 : 0, 0);
      },
      [
        (its) => {
          its.light(START_MS + 2, 10_000, 5);
          its.light(START_MS + 20, 12_000, 5);
        },
      ],
    );
    const { startedMs, finishedMs } = trace.tasks;
    const offset = trace.workers[0].clockOffsetMs;
    const starts = [2, 4, 6, 8, 10, 20, 22, 24, 28, 30];
    starts.forEach((start, task) => {
      expect(startedMs[task]).toBeCloseTo(start + offset, 2);
      expect(finishedMs[task]).toBeCloseTo(
        (starts[task + 1] ?? 32) + offset - (task === 4 ? 8 : 0),
        2,
      );
    });
    expect(Math.abs(offset)).toBeLessThanOrEqual(trace.workers[0].clockUncertaintyMs);
  });

  it("has estimated times when its worker left no file", async () => {
    const trace = await traceOf((its) => {
      its.joined(0).names();
      its.plan(0, [[], [], []], { taskClass: Uint16Array.of(0, 0, 1) });
      for (const row of [0, 1, 2]) its.at(1).assigned(row, 1, 0);
      its.at(3).started(0, 1);
      its.at(3).fetched(0, 0, 500);
      its.at(13).finished(0, 1, 9000, 7);
      its.at(14).finished(1, 1, 0, 0);
      its.at(15).finished(2, 1, 0, 0);
    });
    expect(trace.tasks).toMatchObject({
      startedMs: Float64Array.of(4, 14, 15),
      finishedMs: Float64Array.of(13, 14, 15),
      core: Uint16Array.of(UNKNOWN_CORE, UNKNOWN_CORE, UNKNOWN_CORE),
      cores: Uint16Array.of(1, 1, 0),
    });
    expect(trace.warnings).toEqual([
      "no file of the workers node0:1: when their tasks ran is estimated",
    ]);
    expect(trace.transfers).toMatchObject({
      task: Uint32Array.of(0),
      from: Int16Array.of(-1),
      to: Int16Array.of(0),
      startMs: Float64Array.of(2.5),
      endMs: Float64Array.of(3),
      sizeBytes: Float64Array.of(7),
    });
  });
});

describe("a task that runs when the trace ends", () => {
  it("holds the cores that it asked for, but which ones is not known", async () => {
    const cpus = (count: number) => ({ cpus: count, amounts: [] });
    const trace = await traceOf((its) => {
      its.joined(0, 8).names();
      its.class({ class: 2, label: "", priority: 0, variants: [cpus(4)] });
      its.class({ class: 3, label: "", priority: 0, variants: [cpus(4), cpus(2)] });
      its.class({ class: 4, label: "", priority: 0, variants: [cpus(2), cpus(2)] });
      its.plan(0, [[], [], [], [], []], { taskClass: Uint16Array.of(2, 3, 4, 2, 1) });
      for (const row of [0, 1, 2, 3, 4]) its.at(1).assigned(row, 1, 0);
      for (const row of [0, 1, 2]) its.at(3).started(row, 1);
    });
    // The second may have either number, the fourth has not started, the last asks for nothing.
    expect([...trace.tasks.cores]).toEqual([4, 0, 2, 0, 0]);
    expect([...trace.tasks.core]).toEqual(new Array(5).fill(UNKNOWN_CORE));
  });
});

describe("a trace", () => {
  it("numbers workers by the order in which they joined", async () => {
    const trace = await traceOf((its) => {
      its.joined(5).joined(3).names();
      its.plan(0, [[]]);
      its.at(1).assigned(0, 1, 3);
      its.at(2).sample({
        ...{ worker: 5, atMs: START_MS + 1, cpus: 1.5, memoryBytes: 1, freeMemoryBytes: 2 },
        ...{ objectBytes: 3, receivedBytes: 4, sentBytes: 5, runningTasks: 6 },
      });
      its.pass(1500, 1);
    }, []);
    expect(trace.workers.map(({ index, address }) => [index, address])).toEqual([
      [0, "node5:1"],
      [1, "node3:1"],
    ]);
    expect([...trace.tasks.worker]).toEqual([1]);
    expect(trace.workers[0].samples).toMatchObject({
      count: 1,
      atMs: Float64Array.of(1),
      cpus: Float32Array.of(1.5),
      runningTasks: Uint32Array.of(6),
    });
    expect(trace.passes).toMatchObject({
      count: 1,
      durationMs: Float32Array.of(1.5),
      assigned: Uint32Array.of(1),
    });
  });

  it("may be empty", async () => {
    const trace = await traceOf(() => {});
    expect(trace).toMatchObject({ complete: true, durationMs: 0, workers: [], labels: [] });
    expect(trace.tasks.count).toBe(0);
    expect([...trace.tasks.inputStart]).toEqual([0]);
    expect(waiting).toBe(0);
  });
});
