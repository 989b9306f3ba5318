/** Graph files: what becomes of a good one, and what is said of bad ones. */
import { describe, expect, it } from "vitest";
import { LoomError } from "../../src/base/index.js";
import { readGraphFile } from "../../src/simulation/index.js";

const task = (id: number | string, more: object = {}) => ({
  id,
  duration: 1,
  cpus: 1,
  inputs: [],
  outputs: [],
  ...more,
});

const read = (...tasks: unknown[]) => readGraphFile({ name: "g", tasks }, "g.json");

function problem(value: unknown): string {
  try {
    readGraphFile(value, "g.json");
  } catch (error) {
    expect(error).toBeInstanceOf(LoomError);
    expect((error as LoomError).code).toBe("usage");
    return (error as LoomError).message;
  }
  throw new Error("the graph was taken");
}

const problemOf = (...tasks: unknown[]) => problem({ name: "g", tasks });

describe("a graph file", () => {
  it("becomes columns: objects along their producers, each input once, users ascending", () => {
    const graph = read(
      task("end", {
        inputs: [
          ["a", 1],
          [7, 0],
          ["a", 1],
        ],
        cpus: 3,
      }),
      task("a", {
        duration: 2.5,
        expectedDuration: 2,
        outputs: [10, 20],
        expectedOutputs: [11, 19],
      }),
      task(7, { duration: 0, inputs: [["a", 1]], outputs: [0] }),
    );
    expect(graph).toEqual({
      name: "g",
      taskCount: 3,
      objectCount: 3,
      taskIds: ["end", "a", 7],
      durationS: Float64Array.of(1, 2.5, 0),
      expectedS: Float64Array.of(1, 2, 0),
      cpus: Uint16Array.of(3, 1, 1),
      outputStart: Uint32Array.of(0, 0, 2, 3),
      objectBytes: Float64Array.of(10, 20, 0),
      expectedBytes: Float64Array.of(11, 19, 0),
      objectProducer: Uint32Array.of(1, 1, 2),
      inputStart: Uint32Array.of(0, 2, 2, 3),
      inputs: Uint32Array.of(1, 2, 1),
      userStart: Uint32Array.of(0, 0, 2, 3),
      users: Uint32Array.of(0, 2, 0),
      order: Uint32Array.of(1, 2, 0),
    });
  });

  it("may be empty, and without a name is called as its file", () => {
    expect(readGraphFile({ tasks: [] }, "g.json")).toMatchObject({ name: "g.json", taskCount: 0 });
  });

  it.each([
    [null, 'g.json: must hold an object with "tasks", not null'],
    [[], 'g.json: must hold an object with "tasks", not []'],
    [{}, 'g.json: "tasks" must be a list of tasks, it is missing'],
    [{ tasks: 3 }, 'g.json: "tasks" must be a list of tasks, not 3'],
    [{ name: 3, tasks: [] }, 'g.json: "name" must be a text, not 3'],
  ])("that is no graph is refused: %j", (value, message) => {
    expect(problem(value)).toBe(message);
  });

  it.each([
    [null, 'g.json: entry 0 of "tasks" is no task but null'],
    [
      { duration: 1 },
      'g.json: entry 0 of "tasks": "id" must be a whole number or a text, it is missing',
    ],
    [
      { id: 4 },
      'g.json: task 4: "duration" must be a number of seconds, at least 0, it is missing',
    ],
    [task(4, { duration: -1 }), /task 4: "duration" must be .* not -1$/],
    [task(4, { duration: Number.NaN }), /task 4: "duration" must be .* not NaN$/],
    [
      task(4, { duration: Number.POSITIVE_INFINITY }),
      /task 4: "duration" must be .* not Infinity$/,
    ],
    [task(4, { duration: "1" }), /task 4: "duration" must be .* not "1"$/],
    [task(4, { expectedDuration: -2 }), /task 4: "expectedDuration" must be .* not -2$/],
    [
      task(4, { cpus: undefined }),
      /task 4: "cpus" must be a whole number from 1 to 65535, it is missing$/,
    ],
    [task(4, { cpus: 0 }), /task 4: "cpus" .* not 0$/],
    [task(4, { cpus: 1.5 }), /task 4: "cpus" .* not 1.5$/],
    [task(4, { cpus: 65_536 }), /task 4: "cpus" .* not 65536$/],
    [
      task(4, { outputs: undefined }),
      /task 4: "outputs" must be a list of sizes in bytes, it is missing$/,
    ],
    [task(4, { outputs: [1, -1] }), /task 4: "outputs"\[1\] must be a size in bytes, not -1$/],
    [
      task(4, { duration: 1e300 }),
      'g.json: task 4: "duration" must be at most 1000000000 seconds, not 1e+300',
    ],
    [
      task(4, { expectedDuration: 1.5e9 }),
      /"expectedDuration" must be at most .*, not 1500000000$/,
    ],
    [
      task(4, { outputs: [1, 2 ** 54] }),
      /task 4: "outputs"\[1\] must be at most 9007199254740992 bytes, not 18014398509481984$/,
    ],
    [
      task(4, { outputs: [1], expectedOutputs: [1e20] }),
      /task 4: "expectedOutputs"\[0\] must be at most 9007199254740992 bytes, not 100000000000000000000$/,
    ],
    [
      task(4, { outputs: [1], expectedOutputs: [] }),
      /task 4: "expectedOutputs" has 0 sizes, "outputs" has 1/,
    ],
    [task(4, { inputs: undefined }), /task 4: "inputs" must be a list of .*, it is missing$/],
    [task(4, { inputs: [3] }), /task 4: "inputs"\[0\] must be \[task id, output number\], not 3$/],
    [task(4, { inputs: [[3, 0.5]] }), /task 4: "inputs"\[0\] must be .*, not \[3,0.5\]$/],
    [task(4, { inputs: [[3, 0]] }), /task 4: needs an output of task 3, which is not in the file$/],
    [task(4, { id: "x".repeat(1000), cpus: 0 }), /^.{1,200}$/],
  ])("with a malformed task is refused: %j", (value, message) => {
    expect(problemOf(value)).toMatch(message);
  });

  it("with an output that its producer does not have is refused", () => {
    const producer = task("p", { outputs: [1] });
    for (const output of [1, -1]) {
      expect(problemOf(producer, task(4, { inputs: [["p", output]] }))).toBe(
        `g.json: task 4: needs output ${output} of task "p", which has 1 (the first one is 0)`,
      );
    }
  });

  it('with two tasks of one id is refused, but 1 and "1" are two ids', () => {
    expect(problemOf(task(1), task(1))).toMatch(/two tasks with the id 1; /);
    expect(read(task(1), task("1")).taskCount).toBe(2);
  });

  it("with a cycle is refused, and the cycle is shown in the direction of the data", () => {
    const from = (...producers: number[]) => ({
      outputs: [1],
      inputs: producers.map((producer) => [producer, 0]),
    });
    expect(problemOf(task(0, from(0)))).toMatch(/^g.json: tasks 0 → 0 need each other's outputs/);
    expect(
      problemOf(
        task(0, from()),
        task(1, from(3)),
        task(2, from(0, 1)),
        task(3, from(2)),
        task(4, from(3)),
      ),
    ).toMatch(/tasks (1 → 2 → 3 → 1|2 → 3 → 1 → 2|3 → 1 → 2 → 3) need/);
    const ring = Array.from({ length: 100 }, (_, i) => task(i, from((i + 99) % 100)));
    expect(problemOf(...ring).length).toBeLessThan(150);
  });
});
