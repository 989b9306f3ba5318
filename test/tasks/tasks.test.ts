/** What `tasks` makes: types, configs, inputs; wrong arguments. */
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { anyOf, cpus, resources, type Task, type TaskLike } from "../../src/graph/index.js";
import { decodeRunConfig } from "../../src/protocol/index.js";
import { tasks } from "../../src/tasks/index.js";
import { splitCommand } from "../../src/tasks/shell-words.js";

const text = (task: Task) => Buffer.from(task.config).toString();
const hex = (task: Task) => Buffer.from(task.config).toString("hex");
const a = tasks.const("a");
const b = tasks.const("b");

describe("tasks", () => {
  it("have the configs of wire version 2", () => {
    expect(a.type).toBe("loom/data/const");
    expect(text(tasks.const("ä"))).toBe("ä");
    expect(tasks.const(Uint8Array.of(0, 255)).config).toEqual(Uint8Array.of(0, 255));
    expect(tasks.merge([a, b, a])).toMatchObject({ type: "loom/data/merge", inputs: [a, b, a] });
    expect([text(tasks.merge([])), text(tasks.merge([], ", "))]).toEqual(["", ", "]);
    expect(text(tasks.open("some/file"))).toBe(resolve("some/file"));
    expect(text(tasks.save(a, "../file"))).toBe(resolve("../file"));
    expect(text(tasks.save(a, "/abs"))).toBe("/abs");
    expect([text(tasks.split(a)), text(tasks.split(a, ","))]).toEqual(["", ","]);
    const pieces = tasks.split(a);
    expect(hex(tasks.get(pieces, 258))).toBe("0201000000000000");
    expect(hex(tasks.slice(pieces, 1, 2))).toBe("01000000000000000200000000000000");
    expect(hex(tasks.slice(pieces, 1))).toBe("0100000000000000ffffffffffffffff");
    expect(tasks.size(a, b)).toMatchObject({ type: "loom/base/size", inputs: [a, b] });
    expect(tasks.length(pieces)).toMatchObject({ type: "loom/base/length", inputs: [pieces] });
    expect(tasks.arrayMake([a, b])).toMatchObject({ type: "loom/array/make", inputs: [a, b] });
    expect(tasks.dslice(pieces)).toMatchObject({ type: "loom/scheduler/dslice", inputs: [pieces] });
    expect(tasks.dget(pieces)).toMatchObject({ type: "loom/scheduler/dget", inputs: [pieces] });
    expect(tasks.custom("app/x", "c", [a], { label: "L", request: cpus(2) })).toMatchObject({
      type: "app/x",
      inputs: [a],
      label: "L",
      request: cpus(2),
    });
  });

  it("refuse wrong arguments at once", () => {
    expect(() => tasks.const(5 as never)).toThrow(/expected a string or Uint8Array, got number/);
    expect(() => tasks.split(a, "ab")).toThrow(/must be one byte, got 2/);
    expect(() => tasks.split(a, "ä")).toThrow(/must be one byte/);
    for (const index of [-1, 0.5, Number.NaN, 2 ** 60]) {
      expect(() => tasks.get(tasks.split(a), index)).toThrow(
        /index must be a non-negative integer/,
      );
      expect(() => tasks.slice(tasks.split(a), 0, index)).toThrow(/end must be/);
    }
  });
});

describe("tasks.run", () => {
  it("maps arguments, inputs and outputs", () => {
    const task = tasks.run("sort -k '2 3' $LIST", {
      stdin: a,
      inputs: { "in/file": b },
      variables: [["LIST", a]],
      outputs: ["+out", "log"],
      cpus: 3,
      env: { LANG: "C" },
      timeLimitMs: 500,
      successCodes: [0, 1],
      keepDirectory: true,
      label: "L",
    });
    expect(task).toMatchObject({ type: "loom/run/run", inputs: [a, b, a], label: "L" });
    expect(task.request).toEqual(cpus(3));
    expect(decodeRunConfig(task.config)).toMatchObject({
      args: ["sort", "-k", "2 3", "$LIST"],
      mapInputs: ["+in", "in/file", "$LIST"],
      mapOutputs: ["+out", "log"],
      env: { LANG: "C" },
      timeLimitMs: 500,
      successCodes: [0, 1],
      keepDirectory: true,
    });
  });

  it("holds one core and gives standard output by default", () => {
    const task = tasks.run("true");
    expect(task.request).toEqual(cpus(1));
    expect(decodeRunConfig(task.config)).toMatchObject({
      args: ["true"],
      mapInputs: [],
      mapOutputs: ["+out"],
      env: {},
      successCodes: [],
    });
  });

  it("holds any resources, with hints for the scheduler", () => {
    const request = anyOf(resources({ gpus: 1 }), cpus(8));
    const hints = { priority: 5, expectedMs: 1000, expectedBytes: 10 };
    const task = tasks.run("train", { request, ...hints });
    expect(task).toMatchObject({ request, ...hints });
    expect(tasks.custom("app/x", "", [], { request, ...hints })).toMatchObject({ request, hints });
  });

  it("takes tasks as arguments", () => {
    const task = tasks.run(["join", a, "-x", b], { variables: { "1": a } });
    expect(task.inputs).toEqual([a, a, b]);
    expect(decodeRunConfig(task.config)).toMatchObject({
      args: ["join", "$2", "-x", "$3"],
      mapInputs: ["$1", "$2", "$3"],
    });
  });

  it("refuses wrong arguments at once, naming the command", () => {
    const wrong: [() => Task, RegExp][] = [
      [() => tasks.run(""), /tasks\.run\(""\): it names no program/],
      [() => tasks.run([]), /names no program/],
      [() => tasks.run(["x", 5 as never]), /argument 1 is neither a string nor a task/],
      [() => tasks.run("x 'y"), /has a ' that is not closed: x 'y/],
      [() => tasks.run("x", { inputs: { "/abs": a } }), /run\("x"\): file name "\/abs" must be/],
      [() => tasks.run("x", { inputs: { "a/../../b": a } }), /must be a relative path/],
      [() => tasks.run("x", { inputs: { $X: a } }), /must be a relative path/],
      [() => tasks.run("x", { outputs: ["+err"] }), /must be a relative path/],
      [() => tasks.run("x", { outputs: [""] }), /must be a relative path/],
      [() => tasks.run("x", { variables: { "A B": a } }), /variable "A B" must consist of letters/],
      [() => tasks.run("x", { inputs: twice("f") }), /input "f" is given twice/],
      [() => tasks.run("x", { timeLimitMs: -1 }), /timeLimitMs must be/],
      [() => tasks.run("x", { successCodes: [256] }), /successCodes must be/],
      [() => tasks.run("x", { cpus: 0 }), /cpus must be/],
      [
        () => tasks.run("x y", { cpus: 2, request: cpus(1) }),
        /tasks\.run\("x y"\): both cpus and request are given; name the cpus in the request/,
      ],
      [() => tasks.run("x", { priority: 200 }), /priority of task of type "loom\/run\/run" must/],
      [() => tasks.run("x", { expectedMs: -1 }), /expectedMs of task/],
    ];
    for (const [make, problem] of wrong) expect(make).toThrow(problem);
  });
});

function twice(name: string): [string, TaskLike][] {
  return [
    [name, a],
    [name, b],
  ];
}

describe("splitCommand", () => {
  it("splits like a shell, without expansion", () => {
    const cases: [string, string[]][] = [
      ["", []],
      ["  a \t b\nc ", ["a", "b", "c"]],
      ["'a b' \"c d\"", ["a b", "c d"]],
      ["a'b c'd\"e f\"g", ["ab cde fg"]],
      ["'' \"\"", ["", ""]],
      [`'\\n "' "it's"`, ['\\n "', "it's"]],
      ['"a\\"b\\\\c\\d"', ['a"b\\c\\d']],
      ["a\\ b \\' \\\\", ["a b", "'", "\\"]],
      ["$HOME * > x | y", ["$HOME", "*", ">", "x", "|", "y"]],
    ];
    for (const [command, words] of cases) expect(splitCommand(command), command).toEqual(words);
  });

  it("refuses what is not closed", () => {
    for (const command of ["'", 'a "b', "a \\"]) {
      expect(() => splitCommand(command)).toThrow(/is not closed|ends with a backslash/);
    }
  });
});
