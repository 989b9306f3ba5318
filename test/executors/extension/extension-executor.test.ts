/** Task types of extensions: what they get, what they may give, what becomes of their errors. */
import { inspect } from "node:util";
import { deserialize, serialize } from "node:v8";
import fc from "fast-check";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import {
  ExtensionExecutor,
  type FunctionResult,
  ReturnedTask,
  TaskError,
  type TaskExecution,
  valueTypesOf,
} from "../../../src/executors/index.js";
import {
  defineExtension,
  type ExtensionDefinition,
  type TaskTypeDefinition,
} from "../../../src/extensions/index.js";
import type { Data } from "../../../src/functions/index.js";
import { cpus, Task } from "../../../src/graph/index.js";
import {
  type ArrayObject,
  arrayObject,
  type DataObject,
  indexObject,
  type PlainObject,
  plainObject,
  type ValueObject,
  valueObject,
} from "../../../src/object-store/index.js";
import { tasks } from "../../../src/tasks/index.js";
import { aTask } from "../task-execution.js";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));
const plain = (text: string) => plainObject(bytes(text));
const textOf = (object: FunctionResult) => Buffer.from((object as PlainObject).bytes()).toString();

class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}
}

const dataTypes = {
  point: {
    serialize: ({ x, y }: Point) => Uint8Array.of(x, y),
    deserialize: ([x, y]: Uint8Array) => new Point(x, y),
    length: () => 2,
    get: ({ x, y }: Point, i: number) => String([x, y][i]),
  },
};

interface Ended {
  result?: FunctionResult;
  error?: Error;
  lines: string[];
  logged: string[];
}

/** Executes one task with this function; resolves when it has ended. */
async function execute(
  run: TaskTypeDefinition<{ point: Point }>["run"],
  given: Partial<TaskExecution> = {},
): Promise<Ended> {
  const definition: ExtensionDefinition<{ point: Point }> = {
    prefix: "my",
    taskTypes: { it: { run } },
    dataTypes,
  };
  const lines: string[] = [];
  const logged: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => void lines.push(line) });
  const loaded = [{ specifier: "./my.js", extension: defineExtension(definition) }];
  const executor = new ExtensionExecutor(loaded, valueTypesOf(loaded, logger), logger);
  try {
    return await new Promise((resolve) => {
      const end = (ended: object) => resolve({ lines, logged, ...ended });
      try {
        const result = executor.execute(
          aTask({
            taskType: "my/it",
            finish: (result, durationUs) => {
              expect(durationUs).toBeGreaterThan(0);
              end({ result });
            },
            fail: (error) => end({ error }),
            log: (level, text) => logged.push(`${level} ${text}`),
            ...given,
          }),
        );
        if (result !== undefined) end({ result });
      } catch (error) {
        end({ error });
      }
    });
  } finally {
    await executor.close();
  }
}

async function failure(run: TaskTypeDefinition["run"], given?: Partial<TaskExecution>) {
  const { error } = await execute(run as never, given);
  expect(error).toBeInstanceOf(TaskError);
  return error!.message;
}

describe("a task gets", () => {
  it("what the client and the worker know of it", async () => {
    const { result, logged } = await execute(
      (task) => {
        const { type, taskId, attempt, cpus, label, config, inputs, log } = task;
        log.info("begins");
        log.critical({ not: "text" } as never);
        return JSON.stringify([type, taskId, attempt, cpus, label, String(config), inputs.length]);
      },
      { taskId: 7, execution: 2, cpus: 3, label: "lab", config: bytes("conf") },
    );
    expect(JSON.parse(textOf(result!))).toEqual(["my/it", 7, 2, 3, "lab", "conf", 0]);
    expect(logged).toEqual(["2 begins", "5 { not: 'text' }"]);
  });

  it("its inputs as they are, without a copy", async () => {
    const memory = bytes('{"a": [1]}');
    const index = indexObject(plainObject(bytes("a\nbc\n")), Uint32Array.of(0, 2, 5));
    const js = valueObject("loom/jsobj", plainObject(new Uint8Array(serialize(new Map([[1, 2]])))));
    const inputs = [plainObject(memory), arrayObject([plain("x"), arrayObject([])]), index, js];
    await execute(
      async ({ inputs: [data, array, pieces, value] }) => {
        expect([data.kind, data.type, data.size, data.length]).toEqual([
          "bytes",
          "loom/data",
          10,
          0,
        ]);
        expect(data.bytes().buffer).toBe(memory.buffer);
        expect(data.text()).toBe('{"a": [1]}');
        expect(data.json()).toEqual({ a: [1] });
        expect([...data]).toEqual([]);
        const chunks: Buffer[] = [];
        for await (const chunk of data.chunks()) chunks.push(chunk);
        expect([chunks.length, chunks[0].buffer]).toEqual([1, memory.buffer]);
        await expect(array.chunks()[Symbol.asyncIterator]().next()).rejects.toThrow(/use at/);
        expect(() => data.at(0)).toThrow(
          /index 0 is out of range: the data has length 0 \(it is no/,
        );
        expect(() => data.unwrap()).toThrow(
          /data of 10 bytes.*use bytes\(\), text\(\) or json\(\)/,
        );

        expect([array.kind, array.type, array.size, array.length]).toEqual([
          "array",
          "loom/array",
          1,
          2,
        ]);
        expect(array.at(0).text()).toBe("x");
        expect([...array].map(({ kind }) => kind)).toEqual(["bytes", "array"]);
        expect(() => array.at(2)).toThrow(/index 2 is out of range: the data has length 2$/);
        expect(() => array.at(0.5)).toThrow(RangeError);
        expect(() => array.bytes()).toThrow(/an array of 2 elements has no bytes: use at/);
        expect(() => array.unwrap()).toThrow(/array of 2 elements/);

        expect([pieces.kind, pieces.type, pieces.size, pieces.length]).toEqual([
          "bytes",
          "loom/index",
          5,
          2,
        ]);
        expect([...pieces].map((piece) => piece.text())).toEqual(["a\n", "bc\n"]);

        expect([value.kind, value.type, value.length]).toEqual(["value", "loom/jsobj", 0]);
        expect(value.unwrap()).toEqual(new Map([[1, 2]]));
        expect(value.unwrap()).toBe(value.unwrap());
        expect(() => value.bytes()).toThrow(/loom\/jsobj" has no bytes: use unwrap/);
        expect(inspect(value)).toBe('Data <a value of type "loom/jsobj">');
        return "";
      },
      { inputs },
    ).then(({ error }) => expect(error).toBeUndefined());
  });

  it("a clear refusal for values that are no business of JavaScript, or unknown", async () => {
    const unwrap = ({ inputs: [data] }: { inputs: readonly Data[] }) => String(data.unwrap());
    const python = valueObject("loom/pyobj", plain("x"));
    expect(await failure(unwrap, { inputs: [python] })).toMatch(/Python object \(loom\/pyobj\)/);
    const other = valueObject("your/thing", plain("x"));
    expect(await failure(unwrap, { inputs: [other] })).toMatch(/"your\/thing" can be used only by/);
  });
});

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

describe("an error", () => {
  it("fails the task with its message and where it comes from; the log has all of it", async () => {
    const fail = () => {
      throw new RangeError("too far");
    };
    for (const run of [fail, async () => fail()]) {
      const { error, lines } = await execute(run as never);
      expect(error).toBeInstanceOf(TaskError);
      expect(error!.message).toMatch(
        /^my\/it: RangeError: too far\n {4}at .*extension-executor\.test/,
      );
      expect(error!.message).not.toMatch(/src.executors|node:/);
      expect(lines.join()).toMatch(/extension: my\/it failed/);
      expect(lines.join()).toMatch(/extension-executor\.ts/);
    }
  });

  it.each([
    ["null", null, "my/it: threw null"],
    ["text", "no", "my/it: threw no"],
    ["an error without a message", new Error(""), "my/it: Error"],
  ])("may be anything: %s", async (_, thrown, message) => {
    const run = () => {
      throw thrown;
    };
    expect((await failure(run)).split("\n")[0]).toBe(message);
  });

  it("of a data type names the function", async () => {
    const broken = valueObject("my/point", plain("x"));
    const definition = {
      prefix: "my",
      dataTypes: {
        point: {
          serialize: () => "text" as never,
          deserialize: () => {
            throw new Error("unreadable");
          },
          size: () => -1,
        },
      },
    };
    const loaded = [{ specifier: "./my.js", extension: defineExtension(definition) }];
    const lines: string[] = [];
    const logger = pino({}, { write: (line: string) => void lines.push(line) });
    const type = valueTypesOf(loaded, logger).get("my/point")!;
    const message = (call: () => unknown): string => {
      try {
        return String(call());
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(message(() => type.serialize(1))).toBe(
      'serialize of "my/point" gave a string; it must give a Uint8Array or an array of them',
    );
    expect(message(() => type.sizeOf(1))).toBe(
      'size of "my/point" gave -1; it must give a whole number from 0 up',
    );
    expect(message(() => type.deserialize(broken.content.bytes()))).toMatch(
      /^deserialize of "my\/point" failed: Error: unreadable\n {4}at .*extension-executor\.test/,
    );
    expect(message(() => type.element(1, 0))).toBe('values of type "my/point" have no get');
    expect(lines).toHaveLength(3);
  });
});

describe("bytes of a data type", () => {
  const roundTrip = (given: unknown): { serialized: number[]; aligned: boolean } => {
    const extension = defineExtension({
      prefix: "my",
      dataTypes: {
        it: {
          serialize: () => given as Uint8Array,
          deserialize: (bytes: Uint8Array) => bytes.byteOffset % 8 === 0 && bytes.length === 3,
        },
      },
    });
    const types = valueTypesOf([{ specifier: "x", extension }], pino({ level: "silent" }));
    const type = types.get("my/it")!;
    const misaligned = new Uint8Array(16).subarray(1, 4);
    return {
      serialized: [...type.serialize(0)],
      aligned: type.deserialize(misaligned) as boolean,
    };
  };

  it("may be one piece or several, and begin where any typed array can", () => {
    expect(roundTrip(Uint8Array.of(1, 2))).toEqual({ serialized: [1, 2], aligned: true });
    expect(roundTrip([Uint8Array.of(1), Buffer.from([2]), new Uint8Array(0)]).serialized).toEqual([
      1, 2,
    ]);
    expect(roundTrip([]).serialized).toEqual([]);
    expect(() => roundTrip([1])).toThrow(/gave an array with something else in it/);
    expect(() => roundTrip(Promise.resolve())).toThrow(/gave an object/);
  });
});
