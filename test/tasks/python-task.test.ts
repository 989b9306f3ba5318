/** Python functions as tasks: the pickles are read by a real Python. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cpus, resources, type Task } from "../../src/graph/index.js";
import { tasks } from "../../src/tasks/index.js";
import { pickleTuple } from "../../src/tasks/pickle.js";

/** Reads pickles line by line, answers what they are in a form without ambiguities. */
const READER = `
import base64, json, pickle, struct, sys, types
module = types.ModuleType("hyperloom_functions")
module.by_name = lambda *args: ("by_name", args)
module.source = lambda *args: ("source", args)
for function in (module.by_name, module.source): function.__module__ = module.__name__
sys.modules[module.__name__] = module
def show(v):
    if v is None or isinstance(v, (bool, str)): return v
    if isinstance(v, int): return {"int": str(v)}
    if isinstance(v, float): return {"float": struct.pack(">d", v).hex()}
    if isinstance(v, bytes): return {"bytes": v.hex()}
    if isinstance(v, list): return [show(x) for x in v]
    if isinstance(v, tuple): return {"tuple": [show(x) for x in v]}
    return {"dict": [[show(k), show(x)] for k, x in v.items()]}
for line in sys.stdin:
    print(json.dumps(show(pickle.loads(base64.b64decode(line)))), flush=True)
`;

let python: ChildProcess;
let lines: AsyncIterator<string>;

beforeAll(() => {
  python = spawn("python3", ["-c", READER], { stdio: ["pipe", "pipe", "inherit"] });
  lines = createInterface({ input: python.stdout! })[Symbol.asyncIterator]();
});

afterAll(async () => {
  python.stdin!.end();
  if (python.exitCode === null) await once(python, "exit");
});

async function unpickle(bytes: Uint8Array): Promise<unknown> {
  python.stdin!.write(`${Buffer.from(bytes).toString("base64")}\n`);
  const { value } = await lines.next();
  return JSON.parse(value as string);
}

/** What `show` gives for a value of ours. */
function shown(value: unknown): unknown {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "bigint") return { int: value.toString() };
  if (typeof value === "number") {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return { int: value.toString() };
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    return { float: bytes.toString("hex") };
  }
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return value.map(shown);
  const entries = value instanceof Map ? [...value] : Object.entries(value as object);
  return { dict: entries.map(([key, inner]) => [shown(key), shown(inner)]) };
}

const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, -0, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 0.1, 1e300),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.maxSafeInteger(),
    fc.bigInt(),
    fc.string({ unit: "grapheme" }),
    fc.uint8Array(),
    fc.array(tie("value")),
    fc.dictionary(fc.string({ unit: "grapheme" }), tie("value"), { noNullPrototype: false }),
    fc
      .uniqueArray(fc.tuple(fc.string(), tie("value")), { selector: ([key]) => key })
      .map((entries) => new Map(entries as [string, unknown][])),
  ),
}));

describe("tasks.python", () => {
  it("gives arguments as they are in Python", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyValue, { maxLength: 5 }), async (values) => {
        const read = await unpickle(pickleTuple(values, "args"));
        expect(read).toEqual({ tuple: values.map(shown) });
      }),
      { numRuns: 300 },
    );
    expect(await unpickle(pickleTuple([new Map([[1, "a"]]), Number.NaN], "args"))).toEqual({
      tuple: [{ dict: [[{ int: "1" }, "a"]] }, shown(Number.NaN)],
    });
  });

  it("names functions by module or source", async () => {
    const a = tasks.const("a");
    const task = tasks.python<string[]>("package.words:Count.all", { inputs: [a], args: [3, "x"] });
    expect(task).toMatchObject({ type: "loom/py/call", label: "Count.all", request: cpus(1) });
    expect(await unpickle(task.config)).toEqual({ tuple: [{ int: "3" }, "x"] });
    const [fn, input] = task.inputs as Task[];
    expect(input).toBe(a);
    expect(fn.type).toBe("loom/py/value");
    expect(await unpickle(fn.config)).toEqual({
      tuple: ["by_name", { tuple: ["package.words:Count.all"] }],
    });
    const source = "def größe(c, x):\n  return x.read()\n";
    const light = tasks.pythonSource(source, { function: "größe", context: true, cpus: 0 });
    expect([light.request, light.config.length]).toEqual([undefined, 0]);
    expect(await unpickle((light.inputs[0] as Task).config)).toEqual({
      tuple: [{ tuple: ["source", { tuple: [source, "größe"] }] }, true],
    });
  });

  it("has one task for equal functions, kept if it is large", () => {
    const first = tasks.python("m:f").inputs[0];
    expect(tasks.python("m:f", { args: [1] }).inputs[0]).toBe(first);
    expect(tasks.python("m:g").inputs[0]).not.toBe(first);
    expect(tasks.python("m:f", { context: true }).inputs[0]).not.toBe(first);
    expect((first as Task).kept).toBe(false);
    const large = `def f(): pass\n${"#".repeat(5000)}`;
    const task = tasks.pythonSource(large, { function: "f", label: "L", timeLimitMs: 5 });
    expect((task.inputs[0] as Task).kept).toBe(true);
    expect(task).toMatchObject({ label: "L", timeLimitMs: 5 });
  });

  it("holds any resources, with hints for the scheduler", () => {
    const request = resources({ gpus: 0.5, cpus: 1 });
    const hints = { priority: -5, expectedMs: 20, expectedBytes: 0 };
    expect(tasks.python("m:f", { request, ...hints })).toMatchObject({ request, ...hints });
    const source = "def f(): pass";
    const task = tasks.pythonSource(source, { function: "f", request, ...hints });
    expect(task).toMatchObject({ request, ...hints });
    expect((task.inputs[0] as Task).hints).toBeUndefined();
  });

  it("refuses wrong arguments at once, naming where they are", () => {
    const cyclic: unknown[] = [];
    cyclic.push({ me: cyclic });
    let deep: unknown = 1;
    for (let i = 0; i < 5000; i++) deep = [deep];
    const a = tasks.const("a");
    const wrong: [make: () => unknown, problem: RegExp][] = [
      [() => tasks.python("m.f"), /tasks\.python\("m\.f"\): .* "package\.module:function"/],
      [() => tasks.python("m:f:g"), /is named/],
      [() => tasks.python("m:f()"), /is named/],
      [() => tasks.python("m:f\nos\nsystem"), /is named/],
      [() => tasks.pythonSource("def f(): pass", {} as never), /name of a function in it/],
      [() => tasks.python("m:f", { inputs: ["a" as never] }), /input 1 .*"f" is neither a task/],
      [() => tasks.python("m:f", { args: [new Date()] }), /f: args\[0\] is an instance of Date/],
      [
        () => tasks.python("m:f", { args: [1, { x: [undefined] }] }),
        /args\[1\]\.x\[0\] is undefined/,
      ],
      [
        () => tasks.python("m:f", { args: [a] }),
        /args\[0\] is an instance of Task.*given as inputs/,
      ],
      [() => tasks.python("m:f", { args: [() => 1] }), /args\[0\] is a function/],
      [() => tasks.python("m:f", { args: [new Map([["k", Symbol()]])] }), /get\("k"\) is a symbol/],
      [() => tasks.python("m:f", { args: [new Map([[[1], 1]])] }), /a Map with an array as a key/],
      [() => tasks.python("m:f", { args: [new Float64Array(1)] }), /an instance of Float64Array/],
      [() => tasks.python("m:f", { args: ["\ud800"] }), /half a surrogate pair/],
      [() => tasks.python("m:f", { args: cyclic }), /args\[0\]\.me.* contains itself/],
      [() => tasks.python("m:f", { args: [deep] }), /nested deeper than 1000/],
      [() => tasks.python("m:f", { cpus: -1 }), /cpus must be/],
      [
        () => tasks.python("m:f", { cpus: 0, request: resources({ gpus: 1 }) }),
        /the Python function "f": both cpus and request are given/,
      ],
      [
        () => tasks.python("m:f", { priority: 0.5 }),
        /priority of task "f" \(loom\/py\/call\) must/,
      ],
    ];
    for (const [make, problem] of wrong) expect(make, String(problem)).toThrow(problem);
  });
});
