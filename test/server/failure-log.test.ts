/** The ring of the last failures. */
import { expect, it } from "vitest";
import { FailureLog } from "../../src/server/failure-log.js";
import type { FailureDetails } from "../../src/server-core/index.js";

const details = (taskId: number, stderr?: Uint8Array): FailureDetails => ({
  taskId,
  label: undefined,
  taskType: 5,
  worker: 0,
  message: "it failed".repeat(stderr === undefined ? 1 : 10_000),
  stderr,
});
const logged = (one: FailureDetails, timeMs = 0) => {
  return { timeMs, client: 1, taskType: "loom/run/run", worker: "host:1", details: one };
};

it("has the newest first, at most 1000, and counts all", () => {
  const log = new FailureLog();
  expect(log.list()).toEqual([]);
  for (let i = 0; i < 2500; i++) log.add(logged(details(i), i));
  expect(log.total).toBe(2500);
  expect(log.list().map(({ timeMs }) => timeMs)).toEqual(
    Array.from({ length: 1000 }, (_, i) => 2499 - i),
  );
  expect(log.list(2).map((one) => one.details.taskId)).toEqual([2499, 2498]);
});

it("has a failure once, however many plans it fails", () => {
  const log = new FailureLog();
  const one = details(1);
  log.add(logged(one));
  log.add(logged(one));
  log.add(logged(details(1)));
  expect([log.total, log.list().length]).toEqual([2, 2]);
});

it("keeps the last 16 KiB of standard error", () => {
  const log = new FailureLog();
  const stderr = Buffer.alloc(100_000, "a");
  stderr.write("the end", stderr.length - 7);
  const given = details(1, stderr);
  log.add(logged(given));
  const kept = log.list()[0].details.stderr!;
  expect(kept.length).toBe(16 * 1024);
  expect(Buffer.from(kept).toString().endsWith("aathe end")).toBe(true);
  // Nor is the rest held through it.
  expect(kept.buffer.byteLength).toBeLessThan(40_000);
  expect(log.list()[0].details.message.length).toBe(16 * 1024);
  expect(given.stderr).toBe(stderr);
});
