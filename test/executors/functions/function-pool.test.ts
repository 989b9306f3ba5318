/** The pool of function processes: calls, sharing, cancelling, deaths. Real processes. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ReturnedTask } from "../../../src/executors/index.js";
import {
  arrayObject,
  type DataObject,
  indexObject,
  openFile,
  type PlainObject,
  plainObject,
  valueObject,
} from "../../../src/object-store/index.js";
import { failureOf, PoolBench, text, textOf } from "./pool-bench.js";

let bench: PoolBench;
beforeEach(() => {
  bench = new PoolBench();
});
afterEach(() => bench.close());

const big = (size: number, fill: string): PlainObject => plainObject(Buffer.alloc(size, fill));

describe("objects reach the process", () => {
  test("of every kind", async () => {
    const index = indexObject(text("abcdef"), Uint32Array.of(1, 3, 6));
    const array = arrayObject([text("1"), arrayObject([text("2"), index])]);
    const value = valueObject("loom/pyobj", text("V"));
    expect(await bench.call("echo", [text("a"), array, index, value])).toBe("a12bcdefbcdefV");
  });

  test("large ones as files, shared once, of views only what is needed", async () => {
    const whole = big(300_000, "w");
    const half = indexObject(whole, Uint32Array.of(0, 200_000));
    const part = indexObject(whole, Uint32Array.of(100_000, 200_000)).piece(0);
    expect(await bench.call("echo", [whole, whole, half.piece(0), part])).toBe("w".repeat(900_000));
    expect(await bench.call("echo", [whole])).toBe("w".repeat(300_000));
    expect(bench.sharedFiles().length).toBe(2);
  });

  test("files of the user by their path, unless they were changed", async () => {
    const path = join(import.meta.dirname, "pool-bench.ts");
    expect(await bench.call("echo", [openFile(path)])).toBe(readFileSync(path, "utf8"));
    expect((await failureOf(bench.call("fail no such thing"))).message).toBe("no such thing");
  });
});

describe("results come back", () => {
  test("inputs themselves, elements, pieces", async () => {
    const inner = text("inner");
    const index = indexObject(text("abcdef"), Uint32Array.of(1, 3, 6));
    const inputs = [text("0"), arrayObject([inner, index]), text("4")];
    expect(await bench.start("input 0", inputs).result).toBe(inputs[0]);
    expect(await bench.start("input 1", inputs).result).toBe(inputs[1]);
    expect(await bench.start("input 2", inputs).result).toBe(inner);
    expect(await bench.start("input 3", inputs).result).toBe(index);
    expect(await bench.start("input 4", inputs).result).toBe(inputs[2]);
    expect(await bench.call("piece 3 1", inputs)).toBe("def");
  });

  test("arrays, values, files, tasks", async () => {
    const array = await bench.start("array", [text("a")]).result;
    expect(array).toMatchObject({ kind: "array", length: 2, size: 2 });
    const value = await bench.start("value my/type", [text("v")]).result;
    expect(value).toMatchObject({ kind: "value", type: "my/type", size: 1 });
    const task = (await bench.start("task loom/data/merge , and", [text("i")])
      .result) as ReturnedTask;
    expect(task).toBeInstanceOf(ReturnedTask);
    expect([task.taskType, Buffer.from(task.config).toString(), task.inputs.length]).toEqual([
      "loom/data/merge",
      ", and",
      1,
    ]);
    const file = (await bench.start("file 100000").result) as DataObject;
    expect(textOf(file)).toBe("f".repeat(100_000));
    expect(bench.sharedFiles().length).toBe(1);
    bench.store.discard(file);
    await bench.store.filesRemoved();
    expect(bench.sharedFiles()).toEqual([]);
  });

  test("a file of another size fails the call", async () => {
    const error = await failureOf(bench.call("short 10"));
    expect(error.message).toMatch(/10 bytes instead of 11/);
    expect(await bench.call("echo", [text("on")])).toBe("on");
  });

  test("lines that were logged, before", async () => {
    await bench.call("log look out");
    expect(bench.logged).toEqual([[4, "look out"]]);
  });
});

describe("processes", () => {
  test("are kept, and know each function once", async () => {
    const pid = await bench.call("pid");
    const other = text("another function");
    expect(await bench.call("pid", [], { function: other })).toBe(pid);
    expect(await bench.call("functions", [], { function: other })).toBe("1,2");
    expect(await bench.call("functions")).toBe("1,2");
  });

  test("work side by side, light calls in lanes of their own", async () => {
    const one = bench.start("until-cancel");
    const two = bench.start("until-cancel");
    const light = await bench.call("pid", [], { cpus: 0 });
    const lights = [1, 2, 3].map(() => bench.start("until-cancel", [], { cpus: 0 }));
    expect(await bench.call("pid", [], { cpus: 0 })).toBeTruthy();
    for (const call of [one, two, ...lights]) call.cancel();
    for (const call of [one, two, ...lights]) await failureOf(call.result);
    expect(light).toBeTruthy();
  });

  test("many short calls share one, in order", async () => {
    await bench.warmUp();
    const calls = bench.startRun(Array.from({ length: 50 }, () => "calls"));
    expect(calls.length).toBe(50);
    const numbers = await Promise.all(
      calls.map(async ({ result }) => Number(textOf(await result))),
    );
    expect(numbers).toEqual(Array.from({ length: 50 }, (_, i) => i + 4));
  });

  test("a first call, and calls that must be alone, have no company", async () => {
    const first = bench.startRun(["echo", "echo"]);
    expect(first.length).toBe(1);
    await first[0].result;
    await bench.warmUp();
    const alone = bench.start("until-cancel", [], { once: true });
    expect(bench.pool.findLeader()).toBe(undefined);
    alone.cancel();
    expect((await failureOf(alone.result)).message).toBe("The task was cancelled");
  });
});

describe("cancelling", () => {
  test("a call that answers keeps its process", async () => {
    const pid = await bench.call("pid");
    const call = bench.start("until-cancel");
    call.cancel();
    expect((await failureOf(call.result)).message).toBe("The task was cancelled");
    expect(await bench.call("pid")).toBe(pid);
  });

  test("one that does not answer is killed; those sent behind it are done elsewhere", async () => {
    await bench.warmUp();
    const [spin, ...rest] = bench.startRun(["spin", "echo", "calls"]);
    spin.cancel();
    await failureOf(spin.result);
    expect(textOf(await rest[0].result)).toBe("");
    expect(Number(textOf(await rest[1].result))).toBeLessThanOrEqual(2);
  });

  test("at the end of the time limit", async () => {
    const call = bench.start("spin", [], { timeLimitMs: 50 });
    expect((await failureOf(call.result)).message).toBe("Time limit of 50 ms exceeded");
    const polite = bench.start("until-cancel", [], { timeLimitMs: 50 });
    expect((await failureOf(polite.result)).message).toBe("Time limit of 50 ms exceeded");
  });
});

describe("a process that dies", () => {
  test("fails its call with the cause", async () => {
    const exit = await failureOf(bench.call("exit 3"));
    expect(exit.message).toBe(
      "The Scripted process that executed the function died: it ended with exit status 3\nStderr:\nexit with 3 as asked",
    );
    expect(exit.programEnd?.exitStatus).toBe(3);
    const kill = await failureOf(bench.call("kill"));
    expect(kill.message).toMatch(/it was killed by SIGKILL/);
    expect(kill.programEnd?.signal).toBe("SIGKILL");
    expect(await bench.call("echo", [text("on")])).toBe("on");
  });

  test("takes down the culprit only, which is called again alone; nothing else is lost", async () => {
    await bench.warmUp();
    const note = join(bench.folder, "note");
    const scripts = ["echo", `note ${note}`, "exit 7", "calls", "echo", "kill", "echo"];
    const calls = bench.startRun(scripts);
    expect(calls.length).toBe(scripts.length);
    const outcomes = await Promise.allSettled(calls.map(({ result }) => result));
    expect(outcomes.map(({ status }) => status)).toEqual(
      scripts.map((script) => (/exit|kill/.test(script) ? "rejected" : "fulfilled")),
    );
    expect((await failureOf(calls[2].result)).message).toMatch(/exit status 7/);
    expect((await failureOf(calls[5].result)).message).toMatch(/SIGKILL/);
    expect(existsSync(note)).toBe(true);
  });

  test("that must not run twice is not called again", async () => {
    await bench.warmUp();
    const note = join(bench.folder, "note");
    const call = bench.start("exit 1", [], { once: true });
    await failureOf(call.result);
    await bench.call(`note ${note}`, [], { once: true });
    expect(readFileSync(note, "utf8").split("\n").length).toBe(2);
  });

  test("that sends nonsense is ended", async () => {
    const error = await failureOf(bench.call("garbage"));
    expect(error.message).toMatch(/cannot be understood \(unknown record 77\)/);
    expect((await failureOf(bench.call("input 5"))).message).toMatch(/object 5 of a call without/);
    expect((await failureOf(bench.call("piece 0 0", [text("a")]))).message).toMatch(/piece 0 of/);
  });
});

describe("a process that can't be started", () => {
  test.each([
    ["says why", { args: ["unready"] }, /cannot be started: it is out of order/],
    ["dies at once", { args: ["dies"] }, /cannot be started: it ended with exit status 9/],
    ["does not exist", { command: "/no/such/program" }, /cannot be started: .*ENOENT/],
  ])("%s", async (_, options, message) => {
    const other = new PoolBench(options);
    try {
      expect((await failureOf(other.call("echo"))).message).toMatch(message);
      expect((await failureOf(other.call("echo"))).message).toMatch(message);
    } finally {
      await other.close();
    }
  });
});

test("closing ends what runs", async () => {
  const call = bench.start("spin");
  await bench.pool.close();
  expect((await failureOf(call.result)).message).toBe("The worker stops");
});
