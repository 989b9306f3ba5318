/** Tasks through a real worker: results, failures, chains, checkpoints. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodeTaskExtras } from "../../src/protocol/index.js";
import { scratchDirectory, startOne, text } from "./worker-fixture.js";

const u64 = (value: number) => new Uint8Array(new BigUint64Array([BigInt(value)]).buffer);

describe("results", () => {
  it("of built-in tasks come with their bytes when they are small", async () => {
    const { end } = await startOne();
    end.assign({ row: 1, type: "loom/data/const", config: "ab" });
    end.assign({ row: 2, type: "loom/data/const", config: "c".repeat(65) });
    end.assign({
      row: 3,
      type: "loom/data/merge",
      config: "-",
      inputs: [{ local: 1 }, { inline: 9, bytes: new TextEncoder().encode("xy") }, { local: 1 }],
    });
    end.assign({ row: 4, type: "loom/array/make", inputs: [{ local: 3 }] });
    expect(text((await end.next("finished", 3)).inline)).toBe("ab-xy-ab");
    const long = await end.next("finished", 2);
    expect([long.sizeBytes, long.inline]).toEqual([65, undefined]);
    const array = await end.next("finished", 4);
    expect([array.sizeBytes, array.inline]).toEqual([8, undefined]);
    expect(array.durationUs).toBe(0);
  });

  it("of a chain of 10,000 assigned ahead come in a few frames", async () => {
    const { end } = await startOne();
    const length = 10_000;
    end.assign({ row: 0, type: "loom/data/const", config: "z" });
    for (let row = 1; row < length; row++) {
      end.assign({ row, type: "loom/data/merge", inputs: [{ local: row - 1 }] });
    }
    expect(text((await end.next("finished", length - 1)).inline)).toBe("z");
    expect(end.events.map((event) => "row" in event && event.row)).toEqual([
      ...Array(length).keys(),
    ]);
    expect(end.frames).toBeLessThan(200);
  });

  it("of tasks with cpus are announced and timed", async () => {
    const { end } = await startOne();
    end.assign({ row: 1, type: "loom/data/const", config: "a", cpus: 2 });
    const finished = await end.next("finished", 1);
    expect(end.events[0]).toEqual({ kind: "started", row: 1, attempt: 1 });
    expect(finished.durationUs).toBeLessThan(60_000_000);
  });

  it("are made without doing anything in zero-work mode", async () => {
    const { end } = await startOne({ zeroWork: true });
    end.assign({ row: 1, type: "loom/run/run", config: "nonsense", cpus: 1 });
    end.assign({ row: 2, type: 40_000, inputs: [{ local: 1 }] });
    expect((await end.next("finished", 2)).inline).toHaveLength(1);
  });
});

describe("a task fails", () => {
  it("with its executor's message", async () => {
    const { end } = await startOne();
    end.assign({ row: 1, type: "loom/data/const", config: "a" });
    end.assign({ row: 2, type: "loom/array/make", inputs: [{ local: 1 }] });
    end.assign({ row: 3, type: "loom/base/get", config: u64(5), inputs: [{ local: 2 }] });
    const { failure } = await end.next("failed", 3);
    expect(failure.message).toMatch(/5.*1/);
  });

  it("when its type is unknown here, and the worker goes on", async () => {
    const { end } = await startOne();
    end.assign({ row: 1, type: "loom/index" });
    end.assign({ row: 2, type: 999 });
    expect((await end.next("failed", 1)).failure.message).toMatch(
      /does not offer task type "loom\/index"; it offers .*loom\/run\/run/,
    );
    expect((await end.next("failed", 2)).failure.message).toContain("number 999");
    end.assign({ row: 3, type: "loom/data/const" });
    await end.next("finished", 3);
  });

  it("when its extras are malformed, with the stack in the log only if it is a bug", async () => {
    const { end } = await startOne();
    end.assign({ row: 1, type: "loom/data/const", extras: Uint8Array.of(255, 255, 255) });
    expect((await end.next("failed", 1)).failure.message).toContain("malformed");
  });
});

describe("checkpoints", () => {
  it("are written before the task counts as finished", async () => {
    const { end } = await startOne();
    const path = join(scratchDirectory(), "point");
    const extras = encodeTaskExtras({ checkpointPath: path });
    end.assign({ row: 1, type: "loom/data/const", config: "kept", extras });
    expect(text((await end.next("finished", 1)).inline)).toBe("kept");
    expect(readFileSync(path, "utf8")).toBe("kept");
  });

  it("that can't be written fail the task", async () => {
    const { end } = await startOne();
    const extras = encodeTaskExtras({ checkpointPath: join(scratchDirectory(), "no/such/point") });
    end.assign({ row: 1, type: "loom/data/const", config: "kept", extras });
    const { failure } = await end.next("failed", 1);
    expect(failure.message).toMatch(/cannot write checkpoint .*no directory/);
  });
});

describe("messages about tasks", () => {
  it("retract gives back a task that waits for a core", async () => {
    const { end } = await startOne({ cpus: 1 });
    end.assign({ row: 1, type: "loom/data/merge", cpus: 1, inputs: [{ local: 7 }] });
    expect((await end.next("inputLost", 1)).inputRow).toBe(7);
    end.assign({ row: 2, type: "loom/data/const", cpus: 1 });
    end.assign({ row: 3, type: "loom/data/const", cpus: 1 });
    end.writer.retract(3, 1);
    await end.next("retracted", 3);
    await end.next("finished", 2);
  });

  it("about unknown rows are ignored", async () => {
    const { end } = await startOne();
    end.writer.drop(5);
    end.writer.cancel(5, 1);
    end.writer.retract(5, 1);
    await end.settled();
    expect(end.events.map(({ kind }) => kind)).toEqual(["pong"]);
  });
});
