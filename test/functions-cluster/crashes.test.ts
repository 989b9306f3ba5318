/** Functions that take their process down: only they fail, with the reason, and all else goes on. */
import { existsSync, readFileSync } from "node:fs";
import { jsTask, Task } from "hyperloom";
import { afterEach, describe, expect, it } from "vitest";
import { failureAmongOthers, newPath, touch } from "./bystanders.js";
import { python } from "./python.js";
import { sharedCluster, until, within } from "./shared-cluster.js";

const shared = sharedCluster({ workers: 1, cpus: 2 });
afterEach(() => shared.untilIdle());

async function result<T>(task: Task<T>): Promise<T> {
  return within("a result", shared.client.submitOne(task).gather());
}

/** Of the function's process. */
function died(language: string, how: string): string {
  return `The ${language} process that executed the function died: ${how}`;
}

const never = () => new Promise<string>(() => {});
const throwsLater = jsTask(() => {
  setTimeout(() => {
    throw new RangeError("from a callback");
  }, 1);
  return never();
});

describe("a function that ends its process", () => {
  it.each<[string, Task<unknown>, string | RegExp, { exitStatus?: number; signal?: string }]>([
    [
      "TypeScript: exits",
      jsTask(() => {
        console.error("last words");
        process.exit(7);
      })(),
      `${died("JavaScript", "it ended with exit status 7")}\nStderr:\nlast words\nprocess.exit(7) was called by function anonymous`,
      { exitStatus: 7 },
    ],
    [
      "TypeScript: exits later",
      jsTask(() => {
        setTimeout(() => process.exit(3), 5);
        return never();
      })(),
      new RegExp(died("JavaScript", "it ended with exit status 3")),
      { exitStatus: 3 },
    ],
    [
      "TypeScript: kills itself",
      jsTask(() => {
        process.kill(process.pid, "SIGKILL");
        return never();
      })(),
      died("JavaScript", "it was killed by SIGKILL"),
      { signal: "SIGKILL" },
    ],
    [
      "TypeScript: aborts",
      jsTask(() => process.abort())(),
      new RegExp(`^${died("JavaScript", "it was killed by SIGABRT")}\nStderr:\n`),
      { signal: "SIGABRT" },
    ],
    [
      "Python: exits",
      python("import os, sys\ndef f():\n  print('last words', file=sys.stderr)\n  os._exit(7)"),
      `${died("Python", "it ended with exit status 7")}\nStderr:\nlast words`,
      { exitStatus: 7 },
    ],
    [
      "Python: kills itself",
      python("import os\ndef f():\n  os.kill(os.getpid(), 9)"),
      died("Python", "it was killed by SIGKILL"),
      { signal: "SIGKILL" },
    ],
    [
      "Python: segmentation fault",
      python("import ctypes\ndef f():\n  ctypes.string_at(0)"),
      new RegExp(
        `^${died("Python", "it was killed by SIGSEGV")}[\\s\\S]*Segmentation fault[\\s\\S]* in f\n`,
      ),
      { signal: "SIGSEGV" },
    ],
    [
      "Python: invalid UTF-8 as last words",
      python("import os\ndef f():\n  os.write(2, b'a\\xff\\xfeb\\n')\n  os._exit(1)"),
      `${died("Python", "it ended with exit status 1")}\nStderr:\na\ufffd\ufffdb`,
      { exitStatus: 1 },
    ],
  ])("%s", async (_, task, reason, end) => {
    const failure = await failureAmongOthers(shared, task);
    if (typeof reason === "string") expect(failure.reason).toBe(reason);
    else expect(failure.reason).toMatch(reason);
    expect({ exitStatus: failure.exitStatus, signal: failure.signal }).toEqual({
      exitStatus: undefined,
      signal: undefined,
      ...end,
    });
  });

  it.each<[string, Task<unknown>, RegExp]>([
    ["TypeScript: deep recursion", jsTask(() => deep(0))(), /^RangeError: Maximum call stack/],
    [
      "TypeScript: an error in a callback",
      throwsLater(),
      /^RangeError: from a callback\n +at .*crashes\.test\.ts:\d+:/,
    ],
    [
      "TypeScript: a rejection that nobody waits for",
      jsTask(() => {
        void Promise.reject(new Error("alone"));
        return never();
      })(),
      /^Error: alone/,
    ],
    ["Python: deep recursion", python("def f():\n  return f() + 1"), /RecursionError/],
    ["Python: no memory", python("def f():\n  return bytes(10**15)"), /MemoryError/],
    ["Python: sys.exit", python("import sys\ndef f():\n  sys.exit(7)"), /SystemExit: 7/],
    [
      "Python: KeyboardInterrupt",
      python("def f():\n  raise KeyboardInterrupt"),
      /KeyboardInterrupt/,
    ],
  ])("is not what this is: %s", async (_, task, reason) => {
    const before = shared.functionProcesses().map(({ pid }) => pid);
    expect((await failureAmongOthers(shared, task)).reason).toMatch(reason);
    const after = shared.functionProcesses().map(({ pid }) => pid);
    expect(after).toEqual(expect.arrayContaining(before));
  });

  it("leaves no file of a result that it has begun", async () => {
    const inPython = `
import os
class Ends(list):
    def __iter__(self): os._exit(4)
def f():
    return [b"x" * 10**6, Ends()]`;
    expect((await failureAmongOthers(shared, python(inPython))).exitStatus).toBe(4);
    const ends = jsTask(() => {
      const last = new Proxy([], { get: () => process.exit(5) });
      return ["x".repeat(1e6), last];
    });
    expect((await failureAmongOthers(shared, ends())).exitStatus).toBe(5);
    await until("no file is left", () => shared.resultFiles().length === 0);
  });
});

const deep = (n: number): string => deep(n + 1) + n;

describe("tiny functions that were sent together with one that crashes", () => {
  const COUNT = 300;
  const CULPRITS = [0, 100, 101, 299];
  /** Notes each call in a file. */
  const tiny = jsTask((path: string, i: number, isCulprit: boolean) => {
    require("node:fs").appendFileSync(path, `${i}\n`);
    if (isCulprit) process.exit(1);
    return `${i}`;
  });
  const TINY = `
import os
def f(path, i, is_culprit):
    with open(path, "a") as file: file.write(f"{i}\\n")
    if is_culprit: os._exit(1)
    return str(i)
`;

  it.each([
    ["TypeScript", tiny],
    ["Python", (...args: unknown[]) => python(TINY, { args })],
  ])("all succeed in %s, those that must not run twice included", async (_, make) => {
    const { client } = shared;
    const path = newPath();
    await client.gather(client.submit([make(path, 1000, false), make(path, 1001, false)]));
    const isOnce = (i: number) => i % 50 === 1;
    const futures = client.submit(
      Array.from({ length: COUNT }, (_, i) => {
        const task = make(path, i, CULPRITS.includes(i)).withLabel(`t${i}`);
        return isOnce(i) ? new Task({ ...task, policy: "once" }) : task;
      }),
    );
    const outcomes = await within("all", Promise.allSettled(futures.map((f) => f.gather())));
    const failed = outcomes.flatMap(({ status }, i) => (status === "rejected" ? [i] : []));
    expect(failed).toEqual(CULPRITS);
    const calls = readFileSync(path, "utf8").trim().split("\n").map(Number);
    const times = (i: number) => calls.filter((call) => call === i).length;
    const all = futures.map((_, i) => times(i));
    expect(Math.min(...all)).toBe(1);
    expect(all.filter((_, i) => isOnce(i))).toEqual(all.filter((_, i) => isOnce(i)).map(() => 1));
  });

  it("are light: those beside it are called again, but not those that must not run twice", async () => {
    const { client } = shared;
    const [path, go] = [newPath(), newPath()];
    const light = jsTask(
      async (path: string, go: string, i: number) => {
        const fs = await import("node:fs");
        fs.appendFileSync(path, `${i}\n`);
        while (!fs.existsSync(go)) await new Promise((resolve) => setTimeout(resolve, 5));
        if (i === 0 && fs.readFileSync(path, "utf8").split("\n").length < 8) process.exit(1);
        return `${i}`;
      },
      { cpus: 0 },
    );
    const all = [1, 2, 3, 4, 5, 0].map((i) => {
      const task = light(path, go, i);
      return i > 3 ? new Task({ ...task, policy: "once" }) : task;
    });
    const futures = client.submit(all);
    const noted = () =>
      existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
    await until("all have begun", () => noted().length === all.length);
    await result(touch(go));
    const outcomes = await within("all", Promise.allSettled(futures.map((f) => f.gather())));
    const times = [0, 1, 2, 3, 4, 5].map((i) => noted().filter((one) => one === `${i}`).length);
    expect(times.slice(4)).toEqual([1, 1]);
    // Which of them were in the process that died is up to the worker.
    expect(outcomes.slice(0, 3).every(({ status }) => status === "fulfilled")).toBe(true);
    expect(Math.max(...times)).toBeLessThanOrEqual(2);
  });
});

describe("a function that needs more memory than there is", () => {
  const small = sharedCluster({ workers: 1, cpus: 2 }, { NODE_OPTIONS: "--max-old-space-size=96" });

  it("fails alone", async () => {
    const grows = jsTask(() => {
      const all: unknown[] = [];
      for (;;) all.push(new Array(1000).fill(all.length));
    });
    const failure = await failureAmongOthers(small, grows());
    expect(failure.reason).toMatch(/The JavaScript process.*died: it was killed by SIGABRT/);
    expect(failure.reason).toMatch(/heap out of memory|heap limit/);
  });
});
