/** What the server is told of programs that die, with real ones. */
import { existsSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { encodeRunConfig, encodeTaskExtras, type FailureInfo } from "../../src/protocol/index.js";
import { MemoryCurve } from "../../src/worker/memory-curve.js";
import { program, scratchDirectory, startOne, text, until } from "./worker-fixture.js";

const linux = process.platform === "linux";

async function failureOf(config: Uint8Array, extras?: Uint8Array): Promise<FailureInfo> {
  const { end } = await startOne();
  end.assign({ row: 1, type: "loom/run/run", cpus: 1, config, extras });
  return (await end.next("failed", 1)).failure;
}

/** The memory of a task is measured from now on once more. */
async function untilMeasured(): Promise<void> {
  const measured = vi.spyOn(MemoryCurve.prototype, "add");
  await until(() => measured.mock.calls.length > 0);
  measured.mockRestore();
}

/** A time limit: more than it takes until a program has written, on a busy machine too. */
const WRITTEN_MS = 1500;

const shell = (script: string) => program("/bin/sh", "-c", script);

describe("a program that dies", () => {
  it("by its exit status: where, when, how long", async () => {
    const before = Date.now();
    const { exitStatus, execution } = await failureOf(shell("exit 3"));
    expect(exitStatus).toBe(3);
    expect(execution).toMatchObject({ host: hostname(), workerPid: process.pid, oomLikely: false });
    expect(Number(execution!.startedMs)).toBeGreaterThanOrEqual(before - 5);
    expect(Number(execution!.startedMs)).toBeLessThanOrEqual(Date.now() + 5);
    expect(execution!.durationMs).toBeLessThan(Date.now() - before + 5);
    // Too short to be measured.
    expect([execution!.peakKib, execution!.memoryMs, execution!.timeLimitMs]).toEqual([0, [], 0]);
  });

  it("by a signal", async () => {
    const { signal, exitStatus, stderr, execution } = await failureOf(
      shell("echo oh >&2; kill -9 $$"),
    );
    expect([signal, exitStatus, text(stderr)]).toEqual(["SIGKILL", 0, "oh\n"]);
    expect(execution).toMatchObject({ oomLikely: false, timeLimitMs: 0 });
  });

  it("at its time limit", async () => {
    const args = ["/bin/sh", "-c", "echo slow >&2; exec sleep 1000"];
    const config = encodeRunConfig({ args, timeLimitMs: WRITTEN_MS });
    const { signal, stderr, execution } = await failureOf(config);
    expect([signal, text(stderr), execution!.timeLimitMs]).toEqual([
      "SIGKILL",
      "slow\n",
      WRITTEN_MS,
    ]);
    expect(execution!.durationMs).toBeGreaterThanOrEqual(WRITTEN_MS - 10);
  });

  it("at the time limit of its task", async () => {
    const extras = encodeTaskExtras({ timeLimitMs: WRITTEN_MS });
    const failure = await failureOf(shell("echo slow >&2; exec sleep 1000"), extras);
    expect(failure.message).toBe("Time limit of 1500 ms exceeded\nStderr:\nslow\n");
    expect([failure.signal, text(failure.stderr)]).toEqual(["SIGKILL", "slow\n"]);
    expect(failure.execution!.timeLimitMs).toBe(WRITTEN_MS);
    expect(failure.execution!.durationMs).toBeGreaterThanOrEqual(WRITTEN_MS - 10);
  });

  it.runIf(linux)("after its memory has grown: the curve of all its processes", async () => {
    // A child of it, in a session of its own, grows to 200 MB when it may, and ends when it may.
    const folder = scratchDirectory();
    const grow = `
      const { existsSync, writeFileSync } = require("node:fs");
      const at = (name) => process.argv[1] + "/" + name;
      const until = async (name) => {
        while (!existsSync(at(name))) await new Promise((resolve) => setTimeout(resolve, 5));
      };
      (async () => {
        await until("grow");
        globalThis.kept = Buffer.alloc(200e6, 1);
        writeFileSync(at("grown"), "");
        await until("end");
        process.exit(3);
      })();`;
    const config = program(
      "/bin/sh",
      "-c",
      'setsid -w "$0" -e "$1" "$2"; exit $?',
      process.execPath,
      grow,
      folder,
    );
    const failing = failureOf(config);
    await untilMeasured();
    writeFileSync(join(folder, "grow"), "");
    await until(() => existsSync(join(folder, "grown")));
    await untilMeasured();
    writeFileSync(join(folder, "end"), "");
    const { exitStatus, execution } = await failing;
    expect(exitStatus).toBe(3);
    const { memoryMs, memoryKib, peakKib, durationMs } = execution!;
    expect(peakKib).toBeGreaterThan(200e6 / 1024);
    expect(peakKib).toBeLessThan(600e6 / 1024);
    expect(memoryKib.length).toBe(memoryMs.length);
    expect(memoryMs.length).toBeGreaterThanOrEqual(2);
    expect(Math.max(...memoryKib)).toBe(peakKib);
    expect(memoryKib[0]).toBeLessThan(peakKib - 20e6 / 1024);
    expect(memoryMs[0]).toBeGreaterThanOrEqual(1000);
    expect(memoryMs.at(-1)!).toBeLessThanOrEqual(durationMs);
  });
});

it("a task that never ran has no times", async () => {
  const { execution } = await failureOf(Uint8Array.of(255));
  expect(execution).toMatchObject({ host: hostname(), startedMs: 0n, durationMs: 0 });
});
