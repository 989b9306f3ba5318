/** Programs through a real worker: results, failures, output while they run, cancelling. */
import { expect, it } from "vitest";
import { encodeTaskExtras } from "../../src/protocol/index.js";
import type { WorkerEnd } from "./scripted-server.js";
import { program, startOne, text, until } from "./worker-fixture.js";

const FOREVER = program("/bin/sh", "-c", "echo $$; exec sleep 1000");

/** The number that the program has written first. */
async function pidWritten(end: WorkerEnd, row: number): Promise<number> {
  for (let requestId = 1; ; requestId++) {
    end.writer.readOutput(requestId, row, 1, 1, 0, 100);
    end.flush();
    const output = await end.waitFor((one) => one.kind === "output" && one.requestId === requestId);
    if (output.kind === "output" && output.totalSize > 0) {
      expect(output.ended).toBe(false);
      return Number(text(output.bytes));
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it("a program's output is the result", async () => {
  const { end } = await startOne();
  end.assign({ row: 1, type: "loom/run/run", cpus: 1, config: program("/bin/echo", "hello") });
  const finished = await end.next("finished", 1);
  expect(text(finished.inline)).toBe("hello\n");
  expect(finished.durationUs).toBeGreaterThan(0);
  expect(end.events[0].kind).toBe("started");
});

it("a program that fails tells how it ended", async () => {
  const { end } = await startOne();
  const config = program("/bin/sh", "-c", "echo oh >&2; exit 3");
  end.assign({ row: 1, type: "loom/run/run", cpus: 1, config });
  const { failure } = await end.next("failed", 1);
  expect(failure.message).toBe("Program terminated with status 3\nStderr:\noh\n");
  expect([failure.exitStatus, text(failure.stderr)]).toEqual([3, "oh\n"]);
});

it("a running program is killed when its task is cancelled, and its core is free then", async () => {
  const { end } = await startOne({ cpus: 1 });
  end.assign({ row: 1, type: "loom/run/run", cpus: 1, config: FOREVER });
  end.assign({ row: 2, type: "loom/run/run", cpus: 1, config: program("/bin/true") });
  await end.next("started", 1);
  const pid = await pidWritten(end, 1);
  end.writer.retract(1, 1);
  end.writer.cancel(1, 1);
  await end.next("finished", 2);
  await until(() => !isAlive(pid));
  expect(end.events.some((event) => event.kind === "failed" || event.kind === "retracted")).toBe(
    false,
  );
});

it("output of a task that does not run here is empty and ended", async () => {
  const { end } = await startOne();
  end.writer.readOutput(7, 1, 1, 2, 0, 100);
  const output = await end.next("output");
  expect(output).toMatchObject({ requestId: 7, totalSize: 0, ended: true });
});

it("close() kills what runs", async () => {
  const { end, worker } = await startOne();
  end.assign({
    row: 1,
    type: "loom/run/run",
    cpus: 1,
    config: FOREVER,
    extras: encodeTaskExtras({ label: "long" }),
  });
  const pid = await pidWritten(end, 1);
  await worker.close();
  await until(() => !isAlive(pid));
  await worker.stopped;
});
