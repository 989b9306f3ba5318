/** What a task of an extension may give: bytes, arrays, values, its inputs, tasks; and nothing else. */
import { deserialize } from "node:v8";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReturnedTask } from "../../../src/executors/index.js";
import type { TaskTypeDefinition } from "../../../src/extensions/index.js";
import { cpus, Task } from "../../../src/graph/index.js";
import {
  type ArrayObject,
  arrayObject,
  type DataObject,
  type PlainObject,
  type ValueObject,
} from "../../../src/object-store/index.js";
import { tasks } from "../../../src/tasks/index.js";
import { bytes, execute, failure, Point, plain, textOf } from "./extension-task.js";

describe("a task may give", () => {
  const resultOf = async (
    run: TaskTypeDefinition<{ point: Point }>["run"],
    inputs: DataObject[] = [],
  ) => {
    const { result, error } = await execute(run, { inputs });
    if (error !== undefined) throw error;
    return result!;
  };

  it("text, bytes, and promises of them", async () => {
    expect(textOf(await resultOf(() => "žluť"))).toBe("žluť");
    expect(textOf(await resultOf(() => bytes("ab")))).toBe("ab");
    expect(textOf(await resultOf(() => Buffer.from("ab")))).toBe("ab");
    expect(textOf(await resultOf(() => bytes("ab").buffer as never))).toBe("ab");
    expect(textOf(await resultOf(async () => "later"))).toBe("later");
  });

  it("bytes of its own uncopied, a part of something bigger as a copy", async () => {
    const own = new Uint8Array(1000);
    expect(((await resultOf(() => own)) as PlainObject).bytes()).toBe(own);
    const memory = new Uint8Array(10).fill(1);
    const part = (await resultOf(() => memory.subarray(2, 4))) as PlainObject;
    memory.fill(9);
    expect([...part.bytes()]).toEqual([1, 1]);
    const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(1);
    const copy = (await resultOf(() => shared)) as PlainObject;
    shared.fill(9);
    expect([...copy.bytes()]).toEqual([1, 1, 1, 1]);
  });

  it("inputs and parts of them, which stay the same objects", async () => {
    const inner = plain("inner");
    const array = arrayObject([inner]);
    expect(await resultOf(({ inputs }) => inputs[0], [array])).toBe(array);
    expect(await resultOf(({ inputs }) => inputs[0].at(0), [array])).toBe(inner);
    const both = (await resultOf(({ inputs: [a] }) => [a, "x", [a.at(0)]], [array])) as never as {
      elements: (DataObject & { elements: DataObject[] })[];
    };
    expect(both.elements[0]).toBe(array);
    expect(both.elements[2].elements[0]).toBe(inner);
  });

  it("wrapped values, and Data as it is", async () => {
    const value = (await resultOf(({ wrap }) => wrap({ a: new Date(5) }))) as ValueObject;
    expect(value.type).toBe("loom/jsobj");
    expect(deserialize(value.content.bytes())).toEqual({ a: new Date(5) });
    const input = plain("x");
    expect(await resultOf(({ inputs, wrap }) => wrap(inputs[0]), [input])).toBe(input);
    const nested = failure(({ inputs, wrap }) => wrap({ in: inputs[0] }), { inputs: [input] });
    expect(await nested).toMatch(/wrap can't clone the value: .*of Data in it take bytes\(\)/s);
  });

  it("live values of its types, which the next task gets as they are", async () => {
    const point = new Point(3, 4);
    const object = (await resultOf(({ value }) => value("point", point))) as ValueObject;
    expect([object.type, object.size, object.length]).toEqual(["my/point", 2, 2]);
    const result = await resultOf(
      ({ inputs, wrap }) => {
        expect(inputs[0].unwrap()).toBe(point);
        return [wrap(1), inputs[0]];
      },
      [object],
    );
    expect((result as ArrayObject).elements[1]).toBe(object);
    expect(await failure(({ value }) => value("line" as never, point))).toMatch(
      /TypeError: value\("line"\): extension "my" has only the data types point/,
    );
  });

  it("tasks, with tasks and data as inputs", async () => {
    const input = plain("x");
    const result = (await resultOf(
      ({ inputs, wrap }) =>
        new Task({
          type: "my/next",
          config: "c",
          request: cpus(1),
          inputs: [inputs[0], tasks.const("k"), wrap(2)],
        }),
      [input],
    )) as ReturnedTask;
    expect(result).toBeInstanceOf(ReturnedTask);
    expect([result.taskType, Buffer.from(result.config).toString()]).toEqual(["my/next", "c"]);
    const [first, second, third] = result.inputs;
    expect(first).toBe(input);
    expect((second as ReturnedTask).taskType).toBe("loom/data/const");
    expect((third as ValueObject).type).toBe("loom/jsobj");
    expect(await resultOf(async () => tasks.const("k"))).toBeInstanceOf(ReturnedTask);
  });

  it("nothing else, and is told what it gave", async () => {
    const circular: unknown[] = [];
    circular.push(circular);
    let deep = new Task({ type: "my/x" });
    for (let i = 0; i < 1001; i++) deep = new Task({ type: "my/x", inputs: [deep] });
    let wide = new Task({ type: "my/x" });
    for (let i = 0; i < 17; i++) wide = new Task({ type: "my/x", inputs: [wide, wide] });
    const wrong: [unknown, RegExp][] = [
      [
        undefined,
        /^my\/it returned undefined; it may return a string, Uint8Array, array, Data, task\.val/,
      ],
      [null, /returned null/],
      [3, /returned a number/],
      [{}, /returned an object;/],
      [new Point(1, 2), /returned an object of class Point/],
      [new Float64Array(1), /returned an object of class Float64Array/],
      [() => 1, /returned a function/],
      [["a", [1]], /returned an array whose element \[1\]\[0\] is a number/],
      [["a", tasks.const("x")], /element \[1\] is a task \(in an array: use tasks\.arrayMake\)/],
      [["a", Promise.resolve("b")], /element \[1\] is a promise \(await it\)/],
      [circular, /arrays nested over 1000 deep, or in themselves/],
      [
        new Task("my/x", new Uint8Array(0), ["a" as never]),
        /task "my\/x" whose input 0 is a string/,
      ],
      [deep, /tasks nested over 1000 deep/],
      [wide, /more than 100000 tasks among its inputs/],
    ];
    for (const [given, message] of wrong) {
      expect(await failure(() => given as never)).toMatch(message);
      expect(await failure(async () => given as never)).toMatch(message);
    }
  });

  it("arrays of arrays of any shape: they come out as they went in", async () => {
    const { any } = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: "grapheme" }),
        fc.uint8Array(),
        fc.array(tie("any"), { maxLength: 4 }),
      ),
    }));
    const look = (object: DataObject): unknown =>
      object.kind === "array" ? object.elements.map(look) : textOf(object as PlainObject);
    const model = (given: unknown): unknown =>
      Array.isArray(given) ? given.map(model) : Buffer.from(given as string).toString();
    await fc.assert(
      fc.asyncProperty(any, async (given) => {
        const result = await resultOf(() => given as never);
        expect(look(result as DataObject)).toEqual(model(given));
      }),
    );
  });
});
