/** Functions that return tasks: of every type, in both languages, nested, in chains. */
import { fileURLToPath } from "node:url";
import { type Context, type Data, jsTask, Task, tasks } from "hyperloom";
import { afterEach, describe, expect, it } from "vitest";
import { python } from "./python.js";
import { failureOf, sharedCluster, within } from "./shared-cluster.js";

const shared = sharedCluster({ workers: 1, cpus: 2 });
afterEach(() => shared.untilIdle());

function result<T>(task: Task<T>): Promise<T> {
  return within(`the result of ${task.label ?? task.type}`, shared.client.submitOne(task).gather());
}
async function text(task: Task<unknown>): Promise<string> {
  return String(await result(task));
}

const TEXT_MODULE = fileURLToPath(new URL("programs/text.mjs", import.meta.url));
const LINES = "a\nb\n";
const lines = tasks.const(LINES);
const LARGE = 300_000;

const upper = jsTask((data: Data) => data.text().toUpperCase());
const source = (text: string) => `def f(d):\n  return ${text}`;

const value = jsTask((ctx: Context) => ctx.wrap({ a: [1, 2n] }), { context: true });
const readValue = jsTask((data: Data<{ a: unknown[] }>) => `${data.unwrap().a.length}`);
const countDown = jsTask((n: number, path: Data): Task<Buffer> | Data =>
  n === 0 ? path : (countDown(n - 1, path) as Task<Buffer>),
);

describe("a TypeScript function returns", () => {
  const passed = jsTask((d: Data) => [d, d]);
  const inLanguage = jsTask((source: string, d: Data) =>
    tasks.pythonSource(source, { function: "f", inputs: [d] }),
  );
  const deep = jsTask((source: string, d: Data) => {
    const reversed = tasks.pythonSource(source, { function: "f", inputs: [upper(d)] });
    const counted = tasks.run("wc -c", { stdin: tasks.merge([reversed, d, tasks.const("x")]) });
    return tasks.arrayMake([counted, reversed, d, tasks.arrayMake([upper(reversed)])]);
  });

  it.each<[string, Task<unknown>, unknown]>([
    ["const", jsTask(() => tasks.const("c"))(), "c"],
    [
      "merge",
      jsTask((d: Data) => tasks.merge([d, tasks.const("c"), d], ","))(lines),
      "a\nb\n,c,a\nb\n",
    ],
    ["a program", jsTask((d: Data) => tasks.run("tac", { stdin: d }))(lines), "b\na\n"],
    [
      "a program with files",
      jsTask((d: Data) => {
        const command = ["sh", "-c", "cat x x > y"];
        const outputs = ["+out", "y"] as const;
        return tasks.get(tasks.run(command, { inputs: { x: d }, outputs }), 1);
      })(lines),
      LINES + LINES,
    ],
    [
      "open",
      jsTask((path: string) => tasks.open(path))(TEXT_MODULE),
      expect.stringContaining("shout"),
    ],
    ["split and get", jsTask((d: Data) => tasks.get(tasks.split(d), 1))(lines), "b\n"],
    ["slice", jsTask((d: Data) => tasks.slice(tasks.split(d), 0, 1))(lines), "a\n"],
    ["a function", jsTask((d: Data) => upper(d))(lines), "A\nB\n"],
    ["a Python function", inLanguage(source("d.read()[::-1]"), lines), "\nb\na"],
    [
      "a task of an input that is an array",
      jsTask((d: Data) => tasks.get(d, 1))(passed(lines)),
      LINES,
    ],
    ["tasks of tasks", deep(source("d.read()[::-1]"), lines), `9\n,\nB\nA,${LINES},\nB\nA`],
    [
      "large bytes through tasks",
      jsTask((size: number) => tasks.run("wc -c", { stdin: tasks.const("x".repeat(size)) }))(LARGE),
      `${LARGE}\n`,
    ],
  ])("%s", async (_, task, expected) => {
    expect(await text(task)).toEqual(expected);
  });

  it("tasks of values, which keep their type", async () => {
    const twice = jsTask(() => tasks.arrayMake([value(), value()]));
    expect(await result(twice())).toEqual([{ a: [1, 2n] }, { a: [1, 2n] }]);
    expect(await text(jsTask(() => readValue(value()))())).toBe("2");
  });
});

describe("a Python function returns", () => {
  const returns = (text: string, ...inputs: Task<Buffer>[]) =>
    python(`from loom import tasks\ndef f(*d):\n  return ${text}`, { inputs });

  it.each<[string, Task<unknown>, unknown]>([
    ["const", returns("tasks.const('c')"), "c"],
    [
      "merge",
      returns("tasks.merge((d[0], tasks.const('c'), d[0]), ',')", lines),
      "a\nb\n,c,a\nb\n",
    ],
    ["a program", returns("tasks.run('tac', stdin=d[0])", lines), "b\na\n"],
    [
      "a program with files",
      returns(
        "tasks.get(tasks.run(['sh', '-c', 'cat x x > y'], inputs=[(d[0], 'x')], outputs=[None, 'y']), 1)",
        lines,
      ),
      LINES + LINES,
    ],
    ["open", returns(`tasks.open('${TEXT_MODULE}')`), expect.stringContaining("shout")],
    ["split and get", returns("tasks.get(tasks.split(d[0]), 1)", lines), "b\n"],
    ["slice", returns("tasks.slice(tasks.split(d[0]), 0, 1)", lines), "a\n"],
    ["a function", returns("tasks.py_call(lambda x: x.read() * 2, (d[0],))", lines), LINES + LINES],
    [
      "a TypeScript function",
      returns(`tasks.js_call('${TEXT_MODULE}:shout', [d[0]])`, lines),
      "A\nB\n!",
    ],
    [
      "tasks of tasks",
      returns(
        `(lambda up: tasks.array_make((tasks.run('wc -c', stdin=tasks.merge((up, d[0]))), up, d[0])))(tasks.js_call('${TEXT_MODULE}:shout', [tasks.py_call(lambda x: x, (d[0],))]))`,
        lines,
      ),
      `9\n,A\nB\n!,${LINES}`,
    ],
    [
      "large bytes through tasks",
      returns(`tasks.run('wc -c', stdin=tasks.const('x' * ${LARGE}))`),
      `${LARGE}\n`,
    ],
  ])("%s", async (_, task, expected) => {
    expect(await text(task)).toEqual(expected);
  });
});

describe("chains", () => {
  it("of a thousand redirections, within TypeScript, within Python, and between them", async () => {
    expect(await text(countDown(1000, lines))).toBe(LINES);
    const down =
      "from loom import tasks\ndef f(n, d):\n  return tasks.py_call(f, (d,), (n - 1,)) if n else d";
    expect(await text(python(down, { args: [1000], inputs: [lines] }))).toBe(LINES);
    const between = `from loom import tasks
def f(n, source, module, code, d):
  return tasks.js_call(module + ":pingPong", [code, d], (n - 1,)) if n else d`;
    const inputs = [tasks.const(between), lines];
    const args = [1000, between, TEXT_MODULE];
    expect(await text(python(between, { args, inputs }))).toBe(LINES);
  });

  it("of a hundred redirections beside each other", async () => {
    const futures = shared.client.submit(
      Array.from({ length: 100 }, (_, i) => countDown(10, tasks.const(`${i}`))),
    );
    const values = await within("all", shared.client.gather(futures));
    expect(values.map(String)).toEqual(values.map((_, i) => `${i}`));
  });

  it("of tasks nested in each other", async () => {
    const nest = jsTask((depth: number, d: Data) => {
      let task = tasks.merge([d]);
      for (let i = 1; i < depth; i++) task = tasks.merge([task]);
      return task;
    });
    expect(await text(nest(500, lines))).toBe(LINES);
    const nestPython = `from loom import tasks
def f(depth, d):
  for i in range(depth): d = tasks.merge((d,))
  return d`;
    expect(await text(python(nestPython, { args: [300], inputs: [lines] }))).toBe(LINES);
    for (const depth of [3000, 100_000]) {
      const failure = await failureOf(shared.client.submitOne(nest(depth, lines)));
      expect(failure.reason).toMatch(/nested/);
      const inPython = python(nestPython, { args: [depth], inputs: [lines] });
      expect((await failureOf(shared.client.submitOne(inPython))).reason).toMatch(/nested/);
    }
  });
});

const failing = jsTask((d: Data) => {
  throw new RangeError(`no ${d.text()}`);
});

describe("a returned task that fails is the failure of the function's task", () => {
  it.each<[string, Task<unknown>, RegExp]>([
    [
      "a program",
      jsTask(() => tasks.run(["sh", "-c", "echo why >&2; exit 3"]), { label: "outer" })(),
      /status 3\nStderr:\nwhy/,
    ],
    [
      "a function",
      jsTask((d: Data) => failing(d), { label: "outer" })(lines),
      /^RangeError: no a\nb/,
    ],
    [
      "an input of one",
      jsTask((d: Data) => tasks.merge([d, failing(d)]), { label: "outer" })(lines),
      /^RangeError: no a\nb/,
    ],
    [
      "an unknown type",
      jsTask(() => new Task({ type: "my/type" }), { label: "outer" })(),
      /"my\/type", which this worker does not offer/,
    ],
    [
      "a built-in task",
      jsTask((d: Data) => tasks.get(tasks.split(d), 7), { label: "outer" })(lines),
      /7/,
    ],
    [
      "a Python function",
      jsTask(() => tasks.pythonSource("def f(): raise KeyError('k')", { function: "f" }), {
        label: "outer",
      })(),
      /KeyError: 'k'/,
    ],
    [
      "a missing Python module",
      jsTask(() => tasks.python("no_such_module:f"), { label: "outer" })(),
      /no_such_module/,
    ],
    [
      "of a Python function",
      python("from loom import tasks\ndef f():\n  return tasks.run('exit 4')", { label: "outer" }),
      /exit/,
    ],
    [
      "what is no task in Python",
      python("class T:\n  task_type = 5\n  config = b''\n  inputs = ()\ndef f():\n  return T()", {
        label: "outer",
      }),
      /Invalid result from python code/,
    ],
  ])("%s", async (_, task, message) => {
    const failure = await failureOf(shared.client.submitOne(task));
    expect(failure.label).toBe("outer");
    expect(failure.reason).toMatch(message);
  });

  it("with the time limit of the function's task", async () => {
    const sleeps = jsTask(() => tasks.run("sleep 60"), { timeLimitMs: 300, label: "outer" });
    expect((await failureOf(shared.client.submitOne(sleeps()))).reason).toBe(
      "Time limit of 300 ms exceeded",
    );
    const spins = jsTask(
      () => tasks.pythonSource("def f():\n  while True: pass", { function: "f" }),
      { timeLimitMs: 300 },
    );
    expect((await failureOf(shared.client.submitOne(spins()))).reason).toBe(
      "Time limit of 300 ms exceeded",
    );
    expect(await text(upper(lines))).toBe("A\nB\n");
  });
});
