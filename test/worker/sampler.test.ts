/** Samples of a worker: asked for, right in size, and no more when nobody looks. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { freemem, totalmem } from "node:os";
import { expect, it, vi } from "vitest";
import { ObserveFlag, type WorkerSample } from "../../src/protocol/index.js";
import { MemoryGroups } from "../../src/worker/memory-groups.js";
import { ProcessTable } from "../../src/worker/process-table.js";
import { WorkerSampler } from "../../src/worker/sampler.js";
import type { WorkerEnd } from "./scripted-server.js";
import {
  afterTest,
  program,
  scratchDirectory,
  startOne,
  startServer,
  startTestWorker,
  until,
} from "./worker-fixture.js";

const linux = process.platform === "linux";

function samplesOf(end: WorkerEnd): WorkerSample[] {
  return end.events.flatMap((event) => (event.kind === "sample" ? [event.sample] : []));
}

it("come each second, from when they are asked for", async () => {
  const { end } = await startOne();
  await end.settled();
  expect(samplesOf(end)).toEqual([]);
  end.assign({ row: 1, type: "loom/run/run", cpus: 1, config: program("/bin/sleep", "1000") });
  await end.next("started", 1);
  end.writer.observe(ObserveFlag.samples, "");
  end.flush();
  await until(() => samplesOf(end).length === 2);
  const [first, second] = samplesOf(end);
  expect([first.workerCpu, first.taskCpu, first.sentBytes]).toEqual([0, linux ? 0 : Number.NaN, 0]);
  expect(second.timeMs - first.timeMs).toBeGreaterThanOrEqual(900);
  expect(second.runningTasks).toBe(1);
  expect(second.workerRssBytes).toBeGreaterThan(20e6);
  expect(second.totalMemoryBytes).toBeLessThanOrEqual(totalmem());
  expect(second.freeMemoryBytes).toBeLessThanOrEqual(second.totalMemoryBytes);
  // The helper processes that start programs.
  if (linux) expect(second.taskRssBytes).toBeGreaterThan(1e6);
});

it("count what workers get from each other, on both sides", async () => {
  const server = await startServer();
  const one = await startTestWorker(server);
  const two = await startTestWorker(server);
  const bytes = 300_000;
  one.end.assign({ row: 1, type: "loom/data/const", config: new Uint8Array(bytes) });
  await one.end.next("finished", 1);
  for (const { end } of [one, two]) {
    end.writer.observe(ObserveFlag.samples, "");
    await end.next("sample");
  }
  two.end.writer.peer(5, "127.0.0.1", one.port);
  two.end.assign({
    row: 2,
    type: "loom/data/merge",
    inputs: [{ remote: 1, sizeBytes: bytes, holders: [5] }],
  });
  await two.end.next("finished", 2);
  const sum = (end: WorkerEnd, field: "sentBytes" | "receivedBytes") =>
    samplesOf(end).reduce((total, sample) => total + sample[field], 0);
  // A sample that comes now may be older than the transfer.
  await until(() => sum(one.end, "sentBytes") >= bytes && sum(two.end, "receivedBytes") >= bytes);
  expect(sum(one.end, "sentBytes")).toBe(sum(two.end, "receivedBytes"));
  expect([sum(one.end, "receivedBytes"), sum(two.end, "sentBytes")]).toEqual([0, 0]);
  expect(samplesOf(one.end).at(-1)!.storeBytes).toBeGreaterThanOrEqual(bytes);
});

const options = {
  cpus: 2,
  traffic: { sentBytes: 0, receivedBytes: 0 },
  storeBytes: () => 0,
  runningTasks: () => 0,
};

it("end when they are not wanted any more", () => {
  vi.useFakeTimers();
  afterTest(() => vi.useRealTimers());
  const sampler = new WorkerSampler(options);
  const samples: WorkerSample[] = [];
  sampler.start((sample) => samples.push(sample));
  vi.advanceTimersByTime(3000);
  // Asked for again: one timer, not two.
  sampler.start((sample) => samples.push(sample));
  vi.advanceTimersByTime(2000);
  expect(samples.length).toBe(7);
  sampler.stop();
  vi.advanceTimersByTime(5000);
  expect(samples.length).toBe(7);
});

it.runIf(linux)("have the CPU time of processes that have ended meanwhile, too", async () => {
  const sampler = new WorkerSampler(options);
  const startMs = performance.now();
  sampler.sample();
  const loop = "while (process.cpuUsage().user < 300_000);";
  const child = spawn(process.execPath, ["-e", loop], { stdio: "ignore" });
  afterTest(() => child.kill("SIGKILL"));
  await once(child, "exit");
  const { taskCpu, workerCpu } = sampler.sample();
  const seconds = (performance.now() - startMs) / 1000;
  expect(taskCpu * 2 * seconds).toBeGreaterThan(0.25);
  expect(taskCpu).toBeLessThanOrEqual(1.05);
  expect(workerCpu).toBeGreaterThanOrEqual(0);
});

it("know what they can't measure, and limits of memory", () => {
  const root = scratchDirectory();
  const sampler = new WorkerSampler({
    ...options,
    processes: new ProcessTable(process.pid, `${root}/none`),
    groups: { findLimit: () => 5000, freeBytes: () => 70 } as unknown as MemoryGroups,
  });
  expect(sampler.sample()).toMatchObject({
    taskCpu: Number.NaN,
    taskRssBytes: Number.NaN,
    totalMemoryBytes: 5000,
    freeMemoryBytes: 70,
  });
  const unlimited = new WorkerSampler({ ...options, groups: new MemoryGroups(root) }).sample();
  expect(unlimited.totalMemoryBytes).toBe(totalmem());
  expect(unlimited.freeMemoryBytes).toBeGreaterThan(freemem() / 2);
});
