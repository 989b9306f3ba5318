/** Functions that do not end by themselves: time limits, releasing, and what they have started. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Data, jsTask, type Task, tasks } from "hyperloom";
import { afterEach, describe, expect, it } from "vitest";
import { failureAmongOthers, lightWaitFor, newPath, touch } from "./bystanders.js";
import { python } from "./python.js";
import {
  failureOf,
  isAlive,
  SharedCluster,
  sharedCluster,
  until,
  within,
} from "./shared-cluster.js";

const shared = sharedCluster({ workers: 1, cpus: 2 });
afterEach(() => shared.untilIdle());

async function result<T>(task: Task<T>): Promise<T> {
  return within("a result", shared.client.submitOne(task).gather());
}

const never = () => new Promise<string>(() => {});
const spin = () => {
  for (;;);
};
const SPIN = "def f():\n  while True: pass";
const SLEEP = "import time\ndef f():\n  time.sleep(1000)";

describe("time limits", () => {
  it.each<[string, Task<unknown>]>([
    ["an endless loop in TypeScript", jsTask(spin)()],
    ["one that waits in TypeScript", jsTask(never)()],
    ["a light endless loop in TypeScript", jsTask(spin, { cpus: 0 })()],
    ["a light one that waits in TypeScript", jsTask(never, { cpus: 0 })()],
    ["an endless loop in Python", python(SPIN)],
    ["one that sleeps in Python", python(SLEEP)],
    ["a light one that sleeps in Python", python(SLEEP, { cpus: 0 })],
    [
      "one that ignores all signals in Python",
      python(
        "import signal, time\ndef f():\n  for s in (2, 15): signal.signal(s, signal.SIG_IGN)\n  time.sleep(1000)",
      ),
    ],
  ])("end %s", async (_, task) => {
    const failure = await failureAmongOthers(shared, task.withTimeLimit(150));
    expect(failure.reason).toBe("Time limit of 150 ms exceeded");
  });

  it("do not hold light functions up that run beside each other", async () => {
    const path = newPath();
    const { client } = shared;
    const waiting = client.submit(
      Array.from({ length: 50 }, () => lightWaitFor(path).withTimeLimit(20_000)),
    );
    const late = client.submitOne(jsTask(never, { cpus: 0, timeLimitMs: 100 })());
    expect((await failureOf(late)).reason).toBe("Time limit of 100 ms exceeded");
    await result(touch(path));
    const values = await within("all", client.gather(waiting));
    expect(new Set(values.map(String))).toEqual(new Set(["unharmed"]));
  });
});

describe("releasing", () => {
  it.each<[string, (path: string) => Task<unknown>]>([
    [
      "an endless loop in TypeScript",
      jsTask((path: string) => {
        require("node:fs").writeFileSync(path, String(process.pid));
        for (;;);
      }),
    ],
    [
      "an endless loop in Python",
      (path) =>
        python(
          `import os\ndef f(path):\n  with open(path, "w") as f: f.write(str(os.getpid()))\n  while True: pass`,
          { args: [path] },
        ),
    ],
  ])("ends %s and frees its core", async (_, make) => {
    const { client } = shared;
    const paths = [newPath(), newPath()];
    const futures = client.submit(paths.map((path) => make(path)));
    const pidIn = (path: string) => (existsSync(path) ? Number(readFileSync(path, "utf8")) : 0);
    await until("both run", () => paths.every((path) => pidIn(path) > 0));
    const after = client.submitOne(jsTask((a: Data) => a.text())(tasks.const("a")));
    client.release(futures);
    expect(String(await within("the next", after.gather()))).toBe("a");
    await until("both processes are gone", () => paths.every((path) => !isAlive(pidIn(path))));
  });

  it("lets light functions beside the released one go on, and ends what it goes on to do", async () => {
    const { client } = shared;
    const [path, calls, zombie] = [newPath(), newPath(), newPath()];
    const counted = jsTask(
      async (path: string, calls: string) => {
        const fs = await import("node:fs");
        fs.appendFileSync(calls, "x");
        while (!fs.existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5));
        return "unharmed";
      },
      { cpus: 0 },
    );
    const forever = jsTask(
      async (zombie: string) => {
        const fs = await import("node:fs");
        fs.writeFileSync(zombie, String(process.pid));
        return never();
      },
      { cpus: 0 },
    );
    const waiting = client.submit(Array.from({ length: 8 }, () => counted(path, calls)));
    const released = client.submit([forever(zombie), forever(`${zombie}b`)]);
    const noted = () => (existsSync(calls) ? readFileSync(calls, "utf8").length : 0);
    const pidIn = () => (existsSync(zombie) ? Number(readFileSync(zombie, "utf8")) : 0);
    await until("all run", () => noted() === 8 && pidIn() > 0 && existsSync(`${zombie}b`));
    client.release(released);
    await until("the released ones are forgotten", async () => {
      const { workers } = await client.status();
      return workers[0].assigned === 8;
    });
    await result(touch(path));
    await within("all", client.gather(waiting));
    expect(noted()).toBe(8);
    await until("its process is gone", () => !isAlive(pidIn()));
  });
});

describe("processes that functions have started", () => {
  const starts = jsTask(
    async (path: string, how: "exits" | "returns" | "loops", detached: boolean) => {
      const { spawn } = await import("node:child_process");
      const child = spawn("sleep", ["1000"], { stdio: "inherit", detached });
      require("node:fs").writeFileSync(path, String(child.pid));
      child.unref();
      if (how === "exits") process.exit(5);
      while (how === "loops");
      return "started";
    },
  );
  const startsInPython = (path: string, how: string, detached: boolean) =>
    python(
      `import os, subprocess
def f(path, how, detached):
  child = subprocess.Popen(["sleep", "1000"], start_new_session=detached)
  with open(path, "w") as file: file.write(str(child.pid))
  if how == "exits": os._exit(5)
  while how == "loops": pass
  return "started"`,
      { args: [path, how, detached] },
    );

  describe.each([
    ["TypeScript", starts],
    ["Python", startsInPython],
  ])("in %s", (_, make) => {
    it("end with the function's process", async () => {
      const paths = [newPath(), newPath()];
      expect((await failureAmongOthers(shared, make(paths[0], "exits", false))).exitStatus).toBe(5);
      const loops = shared.client.submitOne(make(paths[1], "loops", false));
      const pidIn = (path: string) => (existsSync(path) ? Number(readFileSync(path, "utf8")) : 0);
      await until("it has started one", () => pidIn(paths[1]) > 0);
      loops.release();
      const pids = paths.map(pidIn);
      await until("they are gone", () => !pids.some(isAlive));
    });

    it("do not hold up the failure, the worker or its end when they live on", async () => {
      const path = newPath();
      const pids: number[] = [];
      try {
        expect((await failureAmongOthers(shared, make(path, "exits", true))).exitStatus).toBe(5);
        pids.push(Number(readFileSync(path, "utf8")));
        expect(isAlive(pids[0])).toBe(true);
        expect(String(await result(make(path, "returns", true)))).toBe("started");
        pids.push(Number(readFileSync(path, "utf8")));
        const [old] = shared.workers;
        const { pid } = await shared.addWorker();
        old.kill("SIGTERM");
        await until("the worker has ended", () => shared.workers.every((one) => one.pid === pid));
      } finally {
        for (const pid of pids) process.kill(pid, "SIGKILL");
      }
    });
  });
});

/** An interpreter that takes long to start, as on a network file system. */
describe("a function whose process is slow to start", () => {
  const folder = newPath();
  const slow = join(folder, "python");
  mkdirSync(folder);
  writeFileSync(
    slow,
    `#!/bin/sh
case "$*" in *--check*) ;; *) sleep 1 ;; esac
exec ${process.env.LOOM_PYTHON} "$@"
`,
    { mode: 0o755 },
  );
  const slowly = sharedCluster({ workers: 1, cpus: 4, python: slow });

  it("has all its time", async () => {
    const limited = python("def f():\n  return 'in time'", { timeLimitMs: 900 });
    const future = slowly.client.submitOne(limited);
    expect(String(await within("it", future.gather()))).toBe("in time");
  });

  it("can be released meanwhile, and others with it go on", async () => {
    const { client } = slowly;
    const work = (i: number) => python(`def f():\n  return '${i}'`, { cpus: i % 2 });
    const futures = client.submit(Array.from({ length: 12 }, (_, i) => work(i)));
    for (const future of futures.splice(0, 6)) future.release();
    const values = await within("the others", client.gather(futures));
    expect(values.map(Number)).toEqual([6, 7, 8, 9, 10, 11]);
    await slowly.untilIdle();
  });
});

it("a cluster closes in order, whatever its functions do, and leaves nothing", async () => {
  const closing = new SharedCluster();
  await closing.start({ workers: 2, cpus: 2 });
  const started = newPath();
  const notes = jsTask((path: string) => {
    require("node:fs").appendFileSync(path, "x");
    for (;;);
  });
  const source = `
import os, signal, time
def f(path):
    for number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)
    with open(path, "a") as file: file.write("x")
    while True: time.sleep(1)
`;
  const large = jsTask((size: number) => new Uint8Array(size));
  // Held: what nobody can ask for any more is cancelled when its future is garbage.
  const held = closing.client.submit([
    ...[0, 1].map(() => notes(started)),
    ...[0, 1].map(() => python(source, { args: [started] })),
    python(source, { args: [started], cpus: 0 }),
    lightWaitFor(newPath()),
    large(1e6),
  ]);
  await until("all run", () => existsSync(started) && readFileSync(started, "utf8").length === 5);
  // Workers that take 5 s are killed and leave their folders, which this finds.
  await closing.close();
  expect(held).toHaveLength(7);
});
