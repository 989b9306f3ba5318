/** Numbering: every task once, inputs before users, whatever the shape. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  buildPlan,
  cpus,
  resources,
  type SubmittedResult,
  submittedResult,
  Task,
  type TaskInput,
  type TaskPlan,
} from "../../src/graph/index.js";

const NO_CONFIG = new Uint8Array(0);
const atZero = { idBase: 0, resultId: (result: SubmittedResult) => result.id };

function aTask(name: string, ...inputs: TaskInput[]): Task {
  return new Task(`test/${name}`, NO_CONFIG, inputs);
}

function inputsOf(plan: TaskPlan, number: number): number[] {
  return [...plan.inputIds.subarray(plan.inputStart[number], plan.inputStart[number + 1])];
}

/** What the ids of a plan stand for, evaluated: a task's value is its name with its inputs'. */
function evaluate(plan: TaskPlan): string[] {
  const values: string[] = [];
  for (let i = 0; i < plan.tasks.length; i++) {
    const inputs = inputsOf(plan, i).map((id) => values[id - plan.idBase] ?? `#${id}`);
    values.push(hash(`${plan.tasks[i].type}(${inputs.join()})`));
  }
  return values;
}

/** The same by plain recursion over the tasks. */
function evaluateTask(task: Task, known: Map<Task, string>): string {
  let value = known.get(task);
  if (value === undefined) {
    const inputs = task.inputs.map((input) =>
      input instanceof Task ? evaluateTask(input, known) : `#${(input as SubmittedResult).id}`,
    );
    value = hash(`${task.type}(${inputs.join()})`);
    known.set(task, value);
  }
  return value;
}

/** Nested text would grow exponentially with shared inputs. */
function hash(text: string): string {
  let state = 7n;
  for (const char of text) state = (state * 1_000_003n + BigInt(char.charCodeAt(0))) % 2n ** 61n;
  return state.toString(36);
}

/** Random graphs: task i uses some of the tasks before it and some submitted results. */
const graphs = fc
  .array(fc.array(fc.tuple(fc.boolean(), fc.nat(1_000_000)), { maxLength: 4 }), {
    minLength: 1,
    maxLength: 60,
  })
  .map((shapes) => {
    const tasks: Task[] = [];
    for (const shape of shapes) {
      const inputs = shape.map(
        ([submitted, pick]): TaskInput =>
          submitted || tasks.length === 0
            ? { id: pick % 100, [submittedResult]: true as const }
            : tasks[pick % tasks.length],
      );
      tasks.push(aTask(String(tasks.length % 7), ...inputs));
    }
    return tasks;
  });

describe("buildPlan", () => {
  it("gives any graph's tasks once, inputs first, and the same results", () => {
    fc.assert(
      fc.property(graphs, fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), (tasks, picks) => {
        const results = picks.map((pick) => tasks[pick % tasks.length]);
        const plan = buildPlan(results, { ...atZero, idBase: 1000 });
        expect(new Set(plan.tasks).size).toBe(plan.tasks.length);
        for (let i = 0; i < plan.tasks.length; i++) {
          const ids = inputsOf(plan, i);
          expect(ids.length).toBe(plan.tasks[i].inputs.length);
          for (const id of ids) expect(id).toBeLessThan(1000 + i);
        }
        const values = evaluate(plan);
        const known = new Map<Task, string>();
        const expected = results.map((task) => evaluateTask(task, known));
        expect([...plan.resultNumbers].map((number) => values[number])).toEqual(expected);
        expect(new Set(plan.tasks)).toEqual(new Set(known.keys()));
        expect([...plan.isResult.keys()].filter((i) => plan.isResult[i] === 1)).toEqual(
          [...new Set(plan.resultNumbers)].sort((a, b) => a - b),
        );
      }),
    );
  });

  it("keeps the inputs of a fan-in together and in order", () => {
    const inputs = Array.from({ length: 100 }, (_, i) => aTask(String(i)));
    const plan = buildPlan([aTask("all", ...inputs)], atZero);
    expect(plan.tasks.slice(0, 100)).toEqual(inputs);
    expect(inputsOf(plan, 100)).toEqual([...inputs.keys()]);
  });

  it("takes a task several times as an input and as a result", () => {
    const a = aTask("a");
    const b = aTask("b", a, a);
    const plan = buildPlan([b, a, b], atZero);
    expect(plan.tasks).toEqual([a, b]);
    expect(inputsOf(plan, 1)).toEqual([0, 0]);
    expect([...plan.resultNumbers]).toEqual([1, 0, 1]);
  });

  it("takes a task into several plans", () => {
    const a = aTask("a");
    expect(buildPlan([a], atZero).tasks).toEqual([a]);
    const plan = buildPlan([aTask("b"), a], { ...atZero, idBase: 5 });
    expect([...plan.resultNumbers]).toEqual([0, 1]);
  });

  it("numbers a chain of a million tasks", () => {
    let task = aTask("0");
    for (let i = 1; i < 1_000_000; i++) task = aTask("next", task);
    const start = performance.now();
    const plan = buildPlan([task], atZero);
    console.log(
      `1,000,000 tasks in a chain numbered in ${Math.round(performance.now() - start)} ms`,
    );
    expect(plan.tasks.length).toBe(1_000_000);
    expect(inputsOf(plan, 999_999)).toEqual([999_998]);
  });

  it("refuses a cycle and names a task of it", () => {
    const inputs: Task[] = [];
    const a = new Task("test/a", NO_CONFIG, inputs).withLabel("first");
    inputs.push(aTask("c", aTask("b", a)));
    expect(() => buildPlan([a], atZero)).toThrow(
      /task "first" \(test\/a\) needs its own result, by way of task of type "test\/b" \(a cycle of 3 tasks\)/,
    );
    const own: Task[] = [];
    own.push(new Task("test/self", NO_CONFIG, own));
    expect(() => buildPlan(own, atZero)).toThrow(
      /"test\/self" needs its own result \(a cycle of 1/,
    );
  });

  it("can be used again after a refused plan", () => {
    const inputs: Task[] = [];
    const a = new Task("test/a", NO_CONFIG, inputs);
    inputs.push(aTask("b", a));
    expect(() => buildPlan([a], atZero)).toThrow(/cycle/);
    inputs.pop();
    expect(buildPlan([a], atZero).tasks).toEqual([a]);
  });

  it("refuses what is no task, naming who uses it", () => {
    const wrong = [undefined, null, 5, "text", {}, { id: "7" }];
    for (const input of wrong) {
      const task = aTask("user", input as never).withLabel("L");
      expect(() => buildPlan([task], atZero), String(input)).toThrow(
        /inputs of task "L" \(test\/user\) must be tasks or futures, got /,
      );
      expect(() => buildPlan([input as never], atZero)).toThrow(/only tasks can be submitted/);
    }
    expect(() => buildPlan([new Task("", NO_CONFIG, [])], atZero)).toThrow(/has no task type/);
    expect(() => buildPlan([new Task("x", "text" as never, [])], atZero)).toThrow(
      /config of task of type "x" must be a Uint8Array, got string/,
    );
  });

  it("refuses ids beyond 31 bits", () => {
    expect(() => buildPlan([aTask("a")], { ...atZero, idBase: 0x7fffffff })).toThrow(/task ids/);
  });

  it("lists different resource requests once", () => {
    const gpu = (value: number) => ({ resources: [{ name: "app/gpu", value }] });
    const tasks = [
      aTask("light"),
      aTask("one").withCpus(1),
      new Task("test/gpu", NO_CONFIG, [], { request: gpu(1) }),
      aTask("also one").withCpus(1),
      new Task("test/gpu", NO_CONFIG, [], { request: gpu(1) }),
      new Task("test/gpu", NO_CONFIG, [], { request: gpu(2) }),
    ];
    const plan = buildPlan(tasks, atZero);
    expect(plan.requests).toEqual([cpus(1), gpu(1), gpu(2)]);
    expect([...plan.requestIndex]).toEqual([-1, 0, 1, 0, 1, 2]);
  });
});

describe("Task", () => {
  it("is copied, not changed, by its with… methods", () => {
    const input = aTask("input");
    const task = aTask("t", input);
    const copy = task.withLabel("L").withCheckpoint("/c").withCpus(3).withMetadata({ a: 1 });
    expect(task).toMatchObject({ label: undefined, checkpointPath: undefined, request: undefined });
    expect(copy).toMatchObject({ type: "test/t", label: "L", checkpointPath: "/c" });
    expect(copy.inputs).toEqual([input]);
    expect(copy.request).toEqual(cpus(3));
    expect(new TextDecoder().decode(copy.metadata)).toBe('{"a":1}');
    expect(new TextDecoder().decode(task.withMetadata("[1]").metadata)).toBe('"[1]"');
  });

  it("has hints for the scheduler, kept by copies", () => {
    const plain = aTask("t");
    const { priority, expectedMs, expectedBytes, hints } = plain;
    expect([priority, expectedMs, expectedBytes, hints]).toEqual([0, ...Array(3).fill(undefined)]);
    const task = plain
      .withPriority(-100)
      .withEstimate({ ms: 0.5 })
      .withEstimate({ bytes: 2 ** 40 });
    const copy = task.withLabel("L").withRequest(resources({ gpus: 0.5 }));
    expect(copy.hints).toEqual({ priority: -100, expectedMs: 0.5, expectedBytes: 2 ** 40 });
    expect([copy.priority, copy.expectedMs, copy.expectedBytes]).toEqual([-100, 0.5, 2 ** 40]);
    expect(copy.request).toEqual(resources({ gpus: 0.5 }));
    expect(plain.hints).toBeUndefined();
    expect(copy.withPriority(0).priority).toBe(0);
    expect(new Task({ type: "x", priority: 3, expectedMs: 0 }).hints).toMatchObject({
      priority: 3,
      expectedMs: 0,
    });
    expect(new Task({ type: "x", priority: 0 }).hints).toBeUndefined();
  });

  it("refuses hints out of range", () => {
    const task = aTask("t").withLabel("L");
    for (const priority of [101, -101, 1.5, Number.NaN, "5", Number.POSITIVE_INFINITY]) {
      expect(() => task.withPriority(priority as number), `${priority}`).toThrow(
        /priority of task "L" \(test\/t\) must be an integer from -100 to 100, got /,
      );
    }
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY, "5", null, 10n]) {
      const value = wrong as number;
      expect(() => task.withEstimate({ ms: value })).toThrow(/expectedMs of task "L" .* must be/);
      expect(() => task.withEstimate({ bytes: value })).toThrow(/expectedBytes of task "L"/);
    }
    expect(() => task.withEstimate({ ms: 1e39 })).toThrow(/expectedMs .* got 1e\+39/);
    expect(task.withEstimate({ ms: 1e38, bytes: 1e300 }).expectedBytes).toBe(1e300);
  });

  it("refuses wrong attributes", () => {
    const task = aTask("t").withLabel("L");
    expect(() => task.withCheckpoint("here")).toThrow(/"here" of task "L" \(test\/t\) is relative/);
    for (const count of [0, -1, 1.5, Number.NaN, 65_536]) {
      expect(() => task.withCpus(count)).toThrow(/cpus must be an integer from 1 to 65535/);
    }
    expect(() => task.withMetadata(undefined)).toThrow(/can't be written as JSON/);
  });
});
