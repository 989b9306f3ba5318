/** Wrong use of functions: one clear error each, where the user is; nothing else is affected. */
import { EventEmitter } from "node:events";
import { type Context, type Data, jsTask, LoomError, Task, tasks } from "hyperloom";
import { afterEach, describe, expect, it } from "vitest";
import { expression, python } from "./python.js";
import { failureOf, sharedCluster, within } from "./shared-cluster.js";

const shared = sharedCluster({ workers: 1, cpus: 2 });

/** After each, tasks of both languages work, on the same worker. */
const alive = jsTask((data: Data) => data.text());
const workers = new Set<number>();
afterEach(async () => {
  const { client } = shared;
  const chain = expression("d", "d.read() + b'!'", alive(tasks.const("alive")));
  expect(String(await within("the next task", client.submitOne(chain).gather()))).toBe("alive!");
  await shared.untilIdle();
  for (const { pid } of shared.workers) workers.add(pid);
  expect(workers.size).toBe(1);
});

async function reasonOf(task: Task<unknown>): Promise<string> {
  const { message, reason, label } = await failureOf(shared.client.submitOne(task));
  // What failed comes first.
  const what = label === undefined ? `task of type "${task.type}"` : `task "${label}"`;
  expect(message.startsWith(what)).toBe(true);
  expect(message.endsWith(reason)).toBe(true);
  return reason;
}

/** Refused where the task is made. */
function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (error instanceof LoomError && error.code === "usage") return error.message;
    throw error;
  }
  throw new Error("it was not refused");
}

type Loose = (...args: unknown[]) => Task;
/** As those do who use JavaScript. */
const loose = (fn: unknown, options?: object) => jsTask(fn as () => string, options) as Loose;

const a = tasks.const("a");
describe("when a task is made, it is said at once that", () => {
  const connection = new EventEmitter();
  const count = loose(function count(data: Data) {
    return `${connection.listenerCount("x")}${data.text()}`;
  });
  const text = loose((data: Data) => data.text());

  it.each<[string, () => unknown, RegExp]>([
    [
      "a captured object can't travel",
      () => count(a),
      /^function "count" .*uses "connection".*EventEmitter/,
    ],
    ["there are too many arguments", () => text(a, a), /at most 1 arguments, got 2/],
    ["an argument is neither", () => text(a, 5), /argument 2 is no task and no future/],
    ["an argument can't be cloned", () => text(() => 1), /argument 1 is a function/],
    [
      "a task is inside an argument",
      () => text({ deep: [a] }),
      /argument 1 has a task at \.deep\[0\]/,
    ],
    ["it is no function", () => loose("text"), /jsTask needs a function, got string/],
    [
      "an import is missing",
      () => loose(() => require("no-such-package"))(),
      /imports "no-such-package" \(in .*wrong-use\.test\.ts:\d+\).*external/,
    ],
    ["an option is wrong", () => loose(() => "", { cpus: 1.5 }), /cpus must be an integer/],
    [
      "a Python name is wrong",
      () => tasks.python("module.function"),
      /"module\.function".*"package\.module:function"/,
    ],
    [
      "a Python argument can't travel",
      () => python("", { args: [[() => 1]] }),
      /args\[0\]\[0\] is a function/,
    ],
    [
      "a Python input is none",
      () => python("", { inputs: ["x" as never] }),
      /input 1 of the Python function "f"/,
    ],
  ])("%s", (_, make, message) => {
    expect(refusal(make)).toMatch(message);
  });
});

const WHAT = "return a string, Uint8Array, array, Data, Task or ctx.wrap(value)";
const PYTHON_WHAT = "return str, bytes, an input, a list or tuple of these, or a task";

describe("a result that is none names the function and what it is:", () => {
  const inContext = (fn: (ctx: Context) => unknown) => loose(fn, { context: true, label: "wraps" });

  it.each<[string, Task, string]>([
    ["undefined", loose(function nothing() {})(), `function "nothing" returned undefined: ${WHAT}`],
    ["null", loose(() => null, { name: "n" })(), `function "n" returned null: ${WHAT}`],
    ["a number", loose(async () => 5, { name: "n" })(), `function "n" returned a number: ${WHAT}`],
    [
      "an object",
      loose(() => ({ a: 1 }), { name: "n" })(),
      `function "n" returned an object: ${WHAT}`,
    ],
    [
      "an object inside",
      loose(() => ["a", [new Date()]], { name: "n" })(),
      `function "n" returned an array whose element [1][0] is an object of class Date: ${WHAT}`,
    ],
    [
      "a promise inside",
      loose(() => [Promise.resolve("a")], { name: "n" })(),
      `function "n" returned an array whose element [0] is a promise (await it, or all of them: await Promise.all(...)): ${WHAT}`,
    ],
    [
      "a function in wrap",
      inContext((ctx) => ctx.wrap({ deep: [() => 1] }))(),
      "TypeError: ctx.wrap can't clone value.deep[0], which is a function",
    ],
    [
      "None",
      python("def f(): pass"),
      `Invalid result from python code: None: it returns nothing; ${PYTHON_WHAT}`,
    ],
    [
      "a number in Python",
      python("def f(): return 5"),
      `Invalid result from python code: int: ${PYTHON_WHAT}`,
    ],
    [
      "a dict inside",
      python("def f(): return ['a', [{}]]"),
      `Invalid result from python code at result[1][0]: dict: ${PYTHON_WHAT}`,
    ],
    [
      "a generator",
      python("def f():\n  yield 'a'"),
      "Invalid result from python code: a generator: collect what it gives",
    ],
    [
      "a lock in wrap",
      python("import threading\ndef f(ctx): return ctx.wrap(threading.Lock())", { context: true }),
      "Invalid result from python code: an object of type _thread.lock can't be pickled",
    ],
    [
      "half a character",
      python("def f(): return '\\ud800'"),
      "Invalid result from python code: text that is not UTF-8",
    ],
  ])("%s", async (_, task, message) => {
    expect((await reasonOf(task)).startsWith(message)).toBe(true);
  });
});

describe("a function that can't be had says why:", () => {
  const external = { external: ["no-such-package"], label: "needs it" };

  it.each<[string, Task, RegExp]>([
    [
      "no package on the worker",
      loose(async () => `${await import("no-such-package" as string)}`, external)(),
      /^module "no-such-package", which function ".*" needs, is not found on the worker/,
    ],
    ["no JavaScript module", new Task({ type: "loom/js/call", inputs: [a] }), /malformed/],
    ["no code", new Task({ type: "loom/js/call" }), /first input must be the function's code/],
    [
      "a syntax error",
      python("x = 1\ndef f(:\n  pass"),
      /^The Python source of 'f' has an error in line 2: invalid syntax\n +def f\(:/,
    ],
    [
      "no such function",
      python("def g(): pass"),
      /^The Python source defines no 'f'; it defines g/,
    ],
    ["no function", python("f = 1"), /is of type int/],
    [
      "a module that the source imports",
      python("import no_such_module\ndef f(): pass"),
      /^The Python source of 'f' fails:[\s\S]*line 1[\s\S]*No module named 'no_such_module'/,
    ],
    [
      "no Python module",
      tasks.python("no_such_module:f"),
      /^Python function no_such_module:f can't be imported: there is no module 'no_such_module'\. Install it for the worker's Python 3/,
    ],
    [
      "nothing of that name in a module",
      tasks.python("os:nothing"),
      /^Python function os:nothing is not there/,
    ],
    [
      "no function object in Python",
      new Task({ type: "loom/py/call", inputs: [a] }),
      /first input must be the function \(a Python object\), it is of kind plain/,
    ],
    [
      "garbage as function",
      new Task({
        type: "loom/py/call",
        inputs: [new Task({ type: "loom/py/value", config: "garbage" })],
      }),
      /can't be loaded by the worker's Python[\s\S]*no pickle/,
    ],
  ])("%s", async (_, task, message) => {
    expect(await reasonOf(task)).toMatch(message);
  });
});

describe("wrong arguments and inputs:", () => {
  const array = tasks.arrayMake([a, a]);
  it.each<[string, Task, RegExp]>([
    [
      "too few in TypeScript",
      loose((data: Data) => data.text())(),
      /^TypeError: Cannot read properties of undefined \(reading 'text'\)\n +at .*wrong-use/,
    ],
    [
      "too few in Python",
      python("def f(a, b): return ''", { inputs: [a] }),
      /TypeError: f\(\) missing 1 required positional argument: 'b'/,
    ],
    [
      "too many in Python",
      python("def f(): return ''", { args: [1], inputs: [a] }),
      /TypeError: f\(\) takes 0 positional arguments but 2 were given/,
    ],
    ["text of an array", loose((d: Data) => d.text())(array), /^TypeError: an array has no bytes/],
    ["no JSON", loose((d: Data) => `${d.json()}`)(a), /^SyntaxError: .*JSON/],
    [
      "no value",
      loose((d: Data<unknown>) => `${d.unwrap()}`)(a),
      /^TypeError: unwrap\(\) of 1 bytes/,
    ],
    [
      "no such element",
      loose((d: Data) => d.at(2).text())(array),
      /^RangeError: index 2 is out of range: the data has length 2/,
    ],
    ["no such element in Python", expression("d", "d[2]", array as Task<Buffer[]>), /IndexError/],
  ])("%s", async (_, task, message) => {
    expect(await reasonOf(task)).toMatch(message);
  });
});
