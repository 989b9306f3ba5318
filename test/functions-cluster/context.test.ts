/** What functions are told in their context, and what of it reaches users: ids, attempts, logs, signals. */
import { existsSync, readFileSync } from "node:fs";
import { type Client, type Context, jsTask, type LogLine, type Task } from "hyperloom";
import { afterEach, describe, expect, it } from "vitest";
import { newPath } from "./bystanders.js";
import { python } from "./python.js";
import { failureOf, sharedCluster, until, within } from "./shared-cluster.js";

const shared = sharedCluster({ workers: 1, cpus: 2 });
afterEach(() => shared.untilIdle());

const lines = (path: string) =>
  existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];

/** The lines that a client gets from now on. */
function linesOf(client: Client): LogLine[] {
  const lines: LogLine[] = [];
  client.onLog((line) => lines.push(line));
  return lines;
}

const tell = jsTask((ctx: Context) => `${ctx.taskId} ${ctx.attempt}`, { context: true });
const TELL = "def f(ctx):\n  return f'{ctx.task_id} {ctx.attempt}'";

/** Notes its attempt; only the third one ends. */
const noteAttempt = jsTask(
  (ctx: Context, path: string) => {
    require("node:fs").appendFileSync(path, `${ctx.attempt}\n`);
    return ctx.attempt > 2 ? "done" : new Promise<string>(() => {});
  },
  { context: true },
);
const NOTE_ATTEMPT = `
import time
def f(ctx, path):
    with open(path, "a") as file: file.write(f"{ctx.attempt}\\n")
    if ctx.attempt <= 2: time.sleep(1000)
    return "done"
`;

describe("ids and attempts", () => {
  it("are those of the future, and 1", async () => {
    const { client } = shared;
    const other = await shared.connect();
    for (const one of [client, other, client]) {
      const futures = one.submit([tell(), python(TELL, { context: true }), tell()]);
      const ids = futures.map(({ id }) => id);
      const values = await within("all", one.gather(futures));
      expect(values.map(String)).toEqual(ids.map((id) => `${id} 1`));
    }
    await other.close();
  });

  it("grow when the worker is lost", async () => {
    const { client } = shared;
    const paths = [newPath(), newPath()];
    const futures = client.submit([
      noteAttempt(paths[0]),
      python(NOTE_ATTEMPT, { args: [paths[1]], context: true }),
    ]);
    for (const attempt of [1, 2]) {
      const expected = Array.from({ length: attempt }, (_, i) => `${i + 1}`);
      await until("both run", () => paths.every((path) => lines(path).length === attempt));
      expect(paths.map(lines)).toEqual([expected, expected]);
      const [old] = shared.workers;
      await shared.addWorker();
      shared.kill(old);
    }
    expect((await within("all", client.gather(futures))).map(String)).toEqual(["done", "done"]);
    expect(paths.map(lines)).toEqual([
      ["1", "2", "3"],
      ["1", "2", "3"],
    ]);
  });
});

const LEVELS = ["debug", "info", "warn", "error", "critical"] as const;
const logs = jsTask(
  (ctx: Context, name: string, count: number) => {
    for (const level of ["debug", "info", "warn", "error", "critical"] as const) {
      ctx.log[level](`${name} ${level}`);
    }
    for (let i = 0; i < count; i++) ctx.log.info(`${name} ${i}`);
    return "";
  },
  { context: true },
);
const LOGS = `
def f(ctx, name, count):
    for level in ("debug", "info", "warn", "error", "critical"):
        getattr(ctx, "log_" + level)(f"{name} {level}")
    for i in range(count):
        ctx.log_info(f"{name} {i}")
    return ""
`;
const makers: [string, (name: string, count: number) => Task][] = [
  ["TypeScript", logs],
  ["Python", (name, count) => python(LOGS, { args: [name, count], context: true })],
];

describe.each(makers)("lines logged in %s", (_, make) => {
  it("reach their client only, with level, task and worker, before the result", async () => {
    const { client } = shared;
    const other = await shared.connect();
    const [mine, others] = [linesOf(client), linesOf(other)];
    const futures = [client.submitOne(make("mine", 0)), other.submitOne(make("others", 0))];
    await within("both", Promise.all(futures.map((future) => future.wait())));
    const expected = (name: string, taskId: number) =>
      LEVELS.map((level) => ({
        taskId,
        level,
        message: `${name} ${level}`,
        worker: shared.workers[0].address,
      }));
    expect(mine).toEqual(expected("mine", futures[0].id));
    expect(others).toEqual(expected("others", futures[1].id));
    client.release([futures[0]]);
    await other.close();
  });

  it("by the thousand all come, in order, while others work", async () => {
    const { client } = shared;
    const mine = linesOf(client);
    const count = 20_000;
    const many = client.submitOne(make("many", count));
    const beside = jsTask(() => "beside");
    for (let i = 0; i < 10; i++) {
      expect(String(await within("one beside", client.submitOne(beside()).gather()))).toBe(
        "beside",
      );
    }
    await within("the result", many.gather());
    const messages = mine.slice(LEVELS.length).map(({ message }) => message);
    expect(messages).toEqual(Array.from({ length: count }, (_, i) => `many ${i}`));
  });

  it("that are enormous are cut", async () => {
    const mine = linesOf(shared.client);
    await within("it", shared.client.submitOne(make(`${"x".repeat(1e6)}\0ä`, 0)).gather());
    expect(mine.length).toBe(LEVELS.length);
    expect(mine.every(({ message }) => message.length < 70_000 && message.startsWith("xx"))).toBe(
      true,
    );
  });

  it("of a function that then crashes are not lost", async () => {
    const mine = linesOf(shared.client);
    const crashes = jsTask(
      (ctx: Context) => {
        ctx.log.error("the end is near");
        process.abort();
      },
      { context: true },
    );
    const inPython = python(
      "import os\ndef f(ctx):\n  ctx.log_error('the end is near')\n  os._exit(1)",
      { context: true },
    );
    for (const task of [crashes(), inPython]) await failureOf(shared.client.submitOne(task));
    expect(mine.map(({ level, message }) => [level, message])).toEqual([
      ["error", "the end is near"],
      ["error", "the end is near"],
    ]);
  });
});

describe("the signal", () => {
  /** Notes why its signal fired, then ends in order. */
  const listens = jsTask(
    (ctx: Context, path: string) =>
      new Promise<string>((resolve) => {
        const fs = require("node:fs") as typeof import("node:fs");
        fs.writeFileSync(path, "running\n");
        ctx.signal.addEventListener("abort", () => {
          fs.appendFileSync(path, `${ctx.signal.reason}\n`);
          resolve("in order");
        });
      }),
    { context: true },
  );

  it.each([0, 1])("fires when the future is released (cpus: %i)", async (cpus) => {
    const path = newPath();
    const task = listens(path);
    const { client } = shared;
    const future = client.submitOne(cpus === 0 ? light(path) : task);
    await until("it runs", () => lines(path).length === 1);
    const before = shared.functionProcesses("JavaScript").map(({ pid }) => pid);
    future.release();
    await until("it was told", () => lines(path).length === 2);
    expect(lines(path)[1]).toMatch(/nobody wants the result/);
    if (cpus === 0) return;
    // It has ended in order: nothing is killed.
    await shared.untilIdle();
    expect(shared.functionProcesses("JavaScript").map(({ pid }) => pid)).toEqual(before);
  });
  const light = jsTask(listens.fn, { context: true, cpus: 0 });

  it("fires when the time is over; what comes at once then is the result", async () => {
    // More than it takes until the function listens, on a busy machine too.
    const LISTENING_MS = 1500;
    const path = newPath();
    const future = shared.client.submitOne(listens(path).withTimeLimit(LISTENING_MS));
    expect(String(await within("it", future.gather()))).toBe("in order");
    expect(lines(path)[1]).toMatch(/time limit/);
    const rejects = jsTask(
      async (ctx: Context) => {
        await new Promise((_, reject) => {
          ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason));
        });
        return "";
      },
      { context: true, timeLimitMs: 100 },
    );
    const failure = await failureOf(shared.client.submitOne(rejects()));
    expect(failure.reason).toBe("Time limit of 100 ms exceeded");
  });

  it("fires when the client goes", async () => {
    const path = newPath();
    const other = await shared.connect();
    const held = other.submitOne(listens(path));
    await until("it runs", () => lines(path).length === 1);
    await other.close();
    expect(() => held.release()).not.toThrow();
    await until("it was told", () => lines(path).length === 2);
  });
});
