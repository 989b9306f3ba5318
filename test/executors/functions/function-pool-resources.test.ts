/** What function processes are told of the resources of their calls, and which process gets which GPUs. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { TaskResources } from "../../../src/functions/index.js";
import { failureOf, PoolBench, textOf } from "./pool-bench.js";

let bench: PoolBench;
beforeEach(() => {
  bench = new PoolBench();
});
afterEach(() => bench.close());

const gpus = (...indices: string[]): TaskResources => ({
  gpus: { amount: indices.length, indices },
});
const mem = { mem: { amount: 10, indices: [] } };

test("calls are told what they hold, light ones nothing", async () => {
  for (const resources of [gpus("0"), gpus("0"), mem]) {
    expect(await bench.call("held", [], { resources })).toBe(JSON.stringify(resources));
  }
  expect(await bench.call("held", [], { cpus: 3 })).toBe('{"cpus":{"amount":3,"indices":[]}}');
  expect(await bench.call("held", [], { cpus: 0 })).toBe("nothing");
});

test("tasks that hold something but no cores have a lane of their own", async () => {
  const one = bench.start("until-cancel", [], { resources: mem, cpus: 0 });
  const two = bench.call("pid", [], { resources: mem, cpus: 0 });
  expect(await two).toBeTruthy();
  one.cancel();
  await failureOf(one.result);
});

test("calls that join one that runs hold what it holds", async () => {
  await bench.warmUp();
  const calls = bench.startRun(["held", "held", "held"]);
  expect(calls.length).toBe(3);
  for (const { result } of calls) expect(textOf(await result)).toContain('"cpus"');
});

test("a process that takes the place of one that died is told again", async () => {
  await bench.warmUp();
  const calls = bench.startRun(["echo", "exit 1", "held"]);
  await failureOf(calls[1].result);
  expect(textOf(await calls[2].result)).toBe('{"cpus":{"amount":1,"indices":[]}}');
});

describe("a process", () => {
  const pid = (resources?: TaskResources) => bench.call("pid", [], resources && { resources });

  test("that has held GPUs gets only calls that hold the same ones", async () => {
    const first = await pid();
    expect(await pid(gpus("0"))).toBe(first);
    expect(await pid(gpus("0"))).toBe(first);
    const second = await pid(gpus("1"));
    expect(second).not.toBe(first);
    const third = await pid();
    expect([first, second]).not.toContain(third);
    expect(await pid(gpus("1"))).toBe(second);
    expect(await pid(gpus("0"))).toBe(first);
    expect(await bench.call("pid", [], { cpus: 0 })).toBe(third);
  });

  test("ends when calls of another one get some of its GPUs", async () => {
    const first = await pid(gpus("0", "1"));
    const other = await pid(gpus("2"));
    const second = await pid(gpus("1"));
    expect(second).not.toBe(first);
    const third = await pid(gpus("0", "1"));
    expect([first, second]).not.toContain(third);
    expect(await pid(gpus("2"))).toBe(other);
  });
});
