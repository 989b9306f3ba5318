/** What functions throw and print: how it reaches users, and that enormous amounts do no harm. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Data, jsTask, type Task, tasks } from "hyperloom";
import { afterEach, describe, expect, it } from "vitest";
import { newPath } from "./bystanders.js";
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
  // How its process died, if it did, comes last.
  expect(message).toContain(reason.trimEnd());
  return reason;
}

/** As those do who use JavaScript. */
const loose = (fn: unknown) => jsTask(fn as () => string) as (...args: unknown[]) => Task;
const HERE = fileURLToPath(import.meta.url);
/** `file:line` of the first line of this file with the text. */
function placeOf(text: string): string {
  const lines = readFileSync(HERE, "utf8").split("\n");
  return `${HERE}:${lines.findIndex((line) => line.includes(text)) + 1}:`;
}

class OwnError extends RangeError {
  override name = "OwnError";
}

function thrower(text: string): never {
  throw new OwnError(text); // the place
}

describe("what functions throw", () => {
  it("has the places in the author's files", async () => {
    const throws = jsTask(async (text: string) => {
      await null;
      return thrower(text); // the call
    });
    const reason = await reasonOf(throws("bad"));
    expect(reason.startsWith(`OwnError: bad\n    at thrower (${placeOf("// the place")}`)).toBe(
      true,
    );
    expect(reason).toContain(placeOf("// the call"));
    expect(reason).not.toContain("function-process");
    const inPython = await reasonOf(python("def g(): 1 / 0\ndef f():\n  g()"));
    expect(inPython).toMatch(
      /line 3, in f\n +g\(\)\n.*line 1, in g\n[\s\S]*\nZeroDivisionError: division by zero$/,
    );
    expect(inPython).not.toContain("function_process");
  });

  it.each<[string, Task, RegExp]>([
    [
      "with a cause",
      loose(() => {
        throw new Error("outer", { cause: new TypeError("inner") });
      })(),
      /^Error: outer\n[\s\S]*\nCaused by: TypeError: inner\n/,
    ],
    [
      "several",
      loose(() => Promise.any([Promise.reject(new Error("one"))]))(),
      /^AggregateError: [\s\S]*Error: one/,
    ],
    [
      "null",
      loose(() => {
        throw null;
      })(),
      /^null was thrown, which is no Error$/,
    ],
    [
      "a string",
      loose(() => {
        throw "text";
      })(),
      /^'text' was thrown/,
    ],
    [
      "an object that makes trouble",
      loose(() => {
        throw {
          toString() {
            throw 1;
          },
          get stack() {
            throw 2;
          },
        };
      })(),
      /was thrown, which is no Error$/,
    ],
    [
      "a proxy that makes trouble",
      loose(() => {
        throw new Proxy(
          {},
          {
            get() {
              throw 1;
            },
          },
        );
      })(),
      /was thrown, which is no Error$/,
    ],
    [
      "with a cause in Python",
      python("def f():\n  try: 1/0\n  except Exception as e: raise KeyError('k') from e"),
      /ZeroDivisionError[\s\S]*direct cause[\s\S]*KeyError: 'k'$/,
    ],
    [
      "without a text in Python",
      python(
        "class E(Exception):\n  def __str__(self): raise ValueError('no')\ndef f(): raise E()",
      ),
      /\bE\b.*<exception str\(\) failed>$/,
    ],
    [
      "no exception in Python",
      python("def f(): raise 5"),
      /TypeError: exceptions must derive from BaseException$/,
    ],
    [
      "of odd characters",
      loose(() => {
        throw new Error("a\ud800b\0c");
      })(),
      /^Error: a\ufffdb\0c\n/,
    ],
    [
      "of odd characters in Python",
      python("def f(): raise ValueError('a\\ud800b\\0c')"),
      /ValueError: a\\ud800b\0c$/,
    ],
  ])("%s", async (_, task, message) => {
    expect(await reasonOf(task)).toMatch(message);
  });

  it.each<[string, Task]>([
    [
      "TypeScript",
      loose((): string => {
        throw new Error(`begin ${"x".repeat(1e7)} end`);
      })(),
    ],
    ["Python", python("def f():\n  raise ValueError('begin ' + 'x' * 10**7 + ' end')")],
  ])("by the megabyte is cut in the middle in %s", async (_, task) => {
    const reason = await reasonOf(task);
    expect(reason.length).toBeGreaterThan(128 * 1024);
    expect(reason.length).toBeLessThan(132 * 1024);
    expect(reason).toMatch(/begin x+\n\.\.\. \d+ characters left out \.\.\.\nx+ end/);
  });
});

describe("what functions print", () => {
  const megabytes = (pid: number, name: string) =>
    Number(
      new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1],
    ) / 1024;

  it("is in the log, also what has no newline at its end", async () => {
    const mark = newPath();
    const prints = jsTask((mark: string) => {
      console.log(`${mark} one\n${mark} two`);
      return "";
    });
    const inPython = python("import sys\ndef f(mark):\n  print(mark, 'three')\n  return ''", {
      args: [mark],
    });
    await within("both", shared.client.gather(shared.client.submit([prints(mark), inPython])));
    const crashes = python(
      "import os\ndef f(mark):\n  os.write(2, mark.encode() + b' four')\n  os._exit(1)",
      { args: [mark] },
    );
    await reasonOf(crashes);
    for (const word of ["one", "two", "three", "four"]) {
      await within(word, logHas(`${mark} ${word}`));
    }
  });

  it.each<[string, Task]>([
    [
      "lines in Python",
      python("def f():\n  for i in range(1000): print(('x' * 99 + '\\n') * 1000)\n  return 'done'"),
    ],
    [
      "no lines in Python",
      python(
        "import sys\ndef f():\n  for i in range(1000): sys.stderr.write('x' * 100_000)\n  return 'done'",
      ),
    ],
    [
      "invalid UTF-8",
      python(
        "import os\ndef f():\n  for i in range(1000): os.write(1, b'\\xff' * 100_000)\n  return 'done'",
      ),
    ],
    [
      "lines in TypeScript",
      jsTask(() => {
        for (let i = 0; i < 1000; i++) process.stdout.write(`${"x".repeat(99)}\n`.repeat(1000));
        return "done";
      })(),
    ],
  ])("100 MB of %s do not stop the worker or fill its memory", async (_, task) => {
    const { client } = shared;
    const [{ pid }] = shared.workers;
    const before = megabytes(pid, "VmHWM");
    const future = client.submitOne(task);
    for (let i = 0; i < 5; i++) {
      const beside = client.submitOne(alive(tasks.const(`${i}`)));
      expect(String(await within("one beside", beside.gather()))).toBe(`${i}`);
    }
    expect(String(await within("it", future.gather()))).toBe("done");
    expect(megabytes(pid, "VmHWM") - before).toBeLessThan(60);
  });

  async function logHas(text: string): Promise<void> {
    while (!shared.logged.includes(text)) await new Promise((resolve) => setTimeout(resolve, 10));
  }
});
