/** Resources through a real worker: what it registers with, what programs and functions are told. */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RequestedAmount } from "../../src/graph/index.js";
import type { WorkerEnd } from "./scripted-server.js";
import {
  program,
  scratchDirectory,
  startOne,
  startServer,
  startTestWorker,
  text,
} from "./worker-fixture.js";

const GPUS = { name: "gpus", amount: 2, indices: ["0", "GPU-b"] };
const MEM = { name: "mem", amount: 2 ** 30, indices: [] };
const TRUE = program("/bin/true");

/** Tells the worker of a request, and assigns a program with it. */
function assignProgram(
  end: WorkerEnd,
  row: number,
  cpus: number,
  amounts: RequestedAmount[],
  config = TRUE,
): void {
  end.writer.request({ id: 1000 + row, cpus, amounts });
  end.assign({ row, type: "loom/run/run", request: 1000 + row, config });
}

const some = (name: string, amount: number): RequestedAmount => ({ name, amount, indices: [] });

describe("registration", () => {
  it("tells of what was given and what was detected", async () => {
    const { end } = await startOne({ resources: [GPUS, { ...MEM, name: "scratch" }] });
    const { resources } = end.register;
    expect(resources.map(({ name }) => name)).toEqual(["gpus", "scratch", "mem"]);
    expect(resources[0]).toMatchObject(GPUS);
    expect(resources[1]).toMatchObject({ name: "scratch", amount: 2 ** 30, indices: [] });
    expect(resources[2].amount).toBeGreaterThan(0);
    expect(resources[2].amount).toBeLessThanOrEqual(totalmem());
  });
});

describe("a program", () => {
  it("is told what it holds, and sees its GPUs alone", async () => {
    const { end } = await startOne({ cpus: 2, resources: [GPUS, MEM] });
    const path = join(scratchDirectory(), "told");
    const script = 'printf "%s %s" "$CUDA_VISIBLE_DEVICES" "$LOOM_RESOURCES" > "$0"';
    const amounts = [some("gpus", 0.5), some("mem", 1000)];
    assignProgram(end, 1, 1, amounts, program("/bin/sh", "-c", script, path));
    await end.next("finished", 1);
    const told = readFileSync(path, "utf8");
    expect(told.slice(0, 2)).toBe("0 ");
    const held = JSON.parse(told.slice(2));
    expect(held).toEqual({
      cpus: { amount: 1, indices: ["0"] },
      gpus: { amount: 0.5, indices: ["0"] },
      mem: { amount: 1000, indices: [] },
    });
  });

  it("of another task gets other indices, one without GPUs sees none", async () => {
    const { end } = await startOne({ cpus: 2, resources: [GPUS] });
    const hold = program("/bin/sh", "-c", "exec sleep 1000");
    assignProgram(end, 1, 1, [some("gpus", 1)], hold);
    const show = program("/bin/sh", "-c", 'printf "<%s>" "$CUDA_VISIBLE_DEVICES"');
    assignProgram(end, 2, 0, [some("gpus", 1)], show);
    assignProgram(end, 3, 1, [], show);
    expect(text((await end.next("finished", 2)).inline)).toBe("<GPU-b>");
    expect(text((await end.next("finished", 3)).inline)).toBe("<>");
    end.writer.cancel(1, 1);
    await end.settled();
  });

  it("that can never run here fails", async () => {
    const { end } = await startOne({ cpus: 2, resources: [GPUS] });
    assignProgram(end, 1, 1, [some("gpus", 3)]);
    expect((await end.next("failed", 1)).failure.message).toBe(
      "the task asks for 3 gpus but this worker has 2 gpus; ask for less or start a larger worker",
    );
  });
});

it("an assignment with a request that was never sent ends the connection", async () => {
  const { end, worker } = await startOne();
  end.assign({ row: 1, type: "loom/run/run", request: 7, config: TRUE });
  await end.next("closed");
  await expect(worker.stopped).rejects.toThrow("request 7, which it did not send");
});

it("an object is fetched ahead, and used by a task that comes later", async () => {
  const server = await startServer();
  const [{ end: maker, port }, { end: user }] = [
    await startTestWorker(server),
    await startTestWorker(server),
  ];
  maker.assign({ row: 1, type: "loom/data/const", config: "x".repeat(100) });
  await maker.next("finished", 1);
  user.writer.peer(0, "127.0.0.1", port);
  user.writer.prefetch(9, 100, [0]);
  user.writer.prefetch(8, 100, [7]);
  user.writer.prefetch(1, 100, [0]);
  await user.next("fetched", 1);
  user.assign({ row: 2, type: "loom/base/size", inputs: [{ local: 1 }] });
  const { inline } = await user.next("finished", 2);
  expect([...inline!]).toEqual([100, 0, 0, 0, 0, 0, 0, 0]);
  await user.settled();
  // Nothing is said of those that could not be had.
  expect(user.events.map(({ kind }) => kind).sort()).toEqual(["fetched", "finished", "pong"]);
});
