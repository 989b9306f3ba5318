/** The tasks that builders make; tasks made of one object. */
import { describe, expect, it } from "vitest";
import { decodeArguments } from "../../src/function-process/direct-arguments.js";
import { type Context, type Data, jsTask, jsTaskSymbol } from "../../src/functions/index.js";
import { cpus, resources, Task } from "../../src/graph/index.js";
import { tasks } from "../../src/tasks/index.js";
import { functionOf, someData } from "./load-function.js";

const a = tasks.const("a");
const b = tasks.const("b");

describe("builders", () => {
  it("make tasks of direct arguments and inputs", () => {
    const put = jsTask(
      (n: number, options: { by: string }, ...parts: Data[]) => `${n}${options.by}${parts.length}`,
    );
    const task = put(2, { by: "," }, a, b, a);
    expect(task).toMatchObject({ type: "loom/js/call", label: "put", request: cpus(1) });
    expect(task.inputs.slice(1)).toEqual([a, b, a]);
    expect(decodeArguments(Buffer.from(task.config), "put")).toEqual([2, { by: "," }]);
    expect(task.timeLimitMs).toBeUndefined();
    expect(put.fn(1, { by: ";" })).toBe("1;0");
    const data = someData("x") as unknown as Data;
    expect(put(2, { by: "" }, data).inputs[1]).toBe(data);
  });

  it("have one task with the function, kept if it is large", () => {
    const small = jsTask((text: Data) => text.text());
    const [first, second] = [small(a), small(b)].map(({ inputs }) => inputs[0] as Task);
    expect(second).toBe(first);
    expect([first.type, first.kept]).toEqual(["loom/data/const", false]);
    const table = "x".repeat(5000);
    const large = jsTask((text: Data) => text.text() + table);
    expect((large(a).inputs[0] as Task).kept).toBe(true);
  });

  it("have options", () => {
    const options = { label: "L", cpus: 0, timeLimitMs: 50, name: "N", context: true } as const;
    const built = jsTask((ctx: Context, text: Data) => `${ctx.taskId}${text.text()}`, options);
    const task = built(a);
    expect(task).toMatchObject({ label: "L", timeLimitMs: 50 });
    expect(task.request).toBeUndefined();
    const { header, fn } = functionOf(task);
    expect(header).toMatchObject({ name: "N", context: true });
    expect(fn({ taskId: 7 }, someData("x"))).toBe("7x");
    expect(built[jsTaskSymbol]).toEqual({ fn: built.fn, context: true });
    expect(jsTask(() => "", { cpus: 3 })().request).toBe(cpus(3));
    const request = resources({ gpus: 1 });
    const hints = { priority: 7, expectedMs: 1, expectedBytes: 2 };
    expect(jsTask(() => "", { request, ...hints })()).toMatchObject({ request, ...hints });
    expect(() => jsTask(() => "", { cpus: -1 })).toThrow(/cpus must be/);
    expect(() => jsTask(() => "", { name: "N", cpus: 1, request })).toThrow(
      /jsTask of function "N": both cpus and request are given/,
    );
    expect(() => jsTask(() => "", { priority: 101 })()).toThrow(/priority of task/);
    expect(() => jsTask(() => "", { timeLimitMs: 0.5 })()).toThrow(/timeLimitMs of/);
  });

  it("require external packages on the worker", () => {
    const options = { external: ["left-out", "@scope/left-out"] };
    const uses = jsTask(async () => {
      const one = await import("left-out" as "node:path");
      return one.basename("/a/b") + (await import("@scope/left-out/x" as "node:path")).sep;
    }, options);
    const { code } = functionOf(uses());
    expect(code).toMatch(/require\("left-out"\)/);
    expect(code).toMatch(/require\("@scope\/left-out\/x"\)/);
  });
});

describe("Task", () => {
  it("can be made of one object", () => {
    const config = new Uint8Array(3);
    const options = { request: cpus(2), label: "L", checkpointPath: "/c", policy: "once" as const };
    const task = new Task({ type: "my/count", config, inputs: [a], ...options, timeLimitMs: 5 });
    expect(task).toMatchObject({ type: "my/count", inputs: [a], ...options, timeLimitMs: 5 });
    expect(task.config).toBe(config);
    expect(new Task({ type: "t", config: "ä" }).config).toEqual(new TextEncoder().encode("ä"));
    expect(new Task({ type: "t" })).toMatchObject({ inputs: [], config: new Uint8Array(0) });
    expect(new Task("t", config, [a])).toMatchObject({ type: "t", inputs: [a], policy: "repeat" });
  });

  it("can have a time limit", () => {
    const task = a.withTimeLimit(100);
    expect([task.timeLimitMs, a.timeLimitMs]).toEqual([100, undefined]);
    expect(task.withLabel("x").timeLimitMs).toBe(100);
    expect(task.withTimeLimit(0).timeLimitMs).toBeUndefined();
    for (const ms of [-1, 0.5, 2 ** 32, Number.POSITIVE_INFINITY]) {
      expect(() => a.withTimeLimit(ms), String(ms)).toThrow(
        /timeLimitMs of task of type "loom\/data\/const" must be an integer from 1 to/,
      );
    }
  });
});
