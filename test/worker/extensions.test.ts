/** Extensions in a real worker: execution, cancelling, time limits, values on their way. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { defineExtension, type LoadedExtension } from "../../src/extensions/index.js";
import { Task } from "../../src/graph/index.js";
import { BUILTIN_SYMBOLS, encodeTaskExtras } from "../../src/protocol/index.js";
import { PeerClient } from "../../src/transport/index.js";
import type { WorkerOptions } from "../../src/worker/index.js";
import {
  afterTest,
  scratchDirectory,
  startServer,
  startTestWorker,
  text,
  until,
} from "./worker-fixture.js";

const u64 = (...values: number[]) => new Uint8Array(new BigUint64Array(values.map(BigInt)).buffer);

class Words {
  constructor(readonly words: readonly string[]) {}
}

/** What was called in this process, in order. */
let calls: string[] = [];

interface Switches {
  serialize?: () => Uint8Array;
}

function wordsExtension(switches: Switches = {}): LoadedExtension[] {
  calls = [];
  const extension = defineExtension({
    prefix: "my",
    taskTypes: {
      split: {
        run: ({ config, value }) => value("words", new Words(config.toString().split(" "))),
      },
      join: {
        run: ({ inputs: [words], config }) => words.unwrap<Words>().words.join(config.toString()),
      },
      redirect: {
        run: ({ inputs }) =>
          new Task({ type: "my/join", config: "+", inputs: [inputs[0] as never] }),
      },
      fail: {
        run() {
          throw new Error("boom");
        },
      },
      untilAborted: {
        run: ({ signal }) =>
          new Promise((_, reject) => {
            calls.push("waits");
            signal.addEventListener("abort", () => {
              calls.push(`aborted: ${signal.reason.message}`);
              reject(signal.reason);
            });
          }),
      },
      deaf: { run: () => new Promise<string>(() => void calls.push("waits")) },
      log: {
        run: async ({ log }) => {
          log.warn("careful");
          return "";
        },
      },
    },
    dataTypes: {
      words: {
        serialize(value: Words) {
          calls.push("serialize");
          return switches.serialize?.() ?? Buffer.from(value.words.join("\n"));
        },
        deserialize(bytes: Uint8Array) {
          calls.push("deserialize");
          return new Words(Buffer.from(bytes).toString().split("\n"));
        },
        length: ({ words }) => words.length,
        get: ({ words }, i) => words[i],
        slice: ({ words }, start, end, { value }) =>
          value("words", new Words(words.slice(start, end))),
        toBytes: ({ words }) => Buffer.from(JSON.stringify(words)),
      },
    },
  });
  return [{ specifier: "./words.js", extension }];
}

const names = [...wordsExtension()[0].extension.taskTypes.keys()];
const type = (name: string) => BUILTIN_SYMBOLS.length + names.indexOf(`my/${name}`);

async function startWorkers(...options: Partial<WorkerOptions>[]) {
  const server = await startServer();
  const workers = [];
  for (const more of options) {
    workers.push(await startTestWorker(server, { python: "none", ...more }));
  }
  for (const { end } of workers) {
    end.writer.symbols(BUILTIN_SYMBOLS.length, names);
    workers.forEach(({ port }, i) => {
      end.writer.peer(i, "127.0.0.1", port);
    });
  }
  return workers;
}

/** What clients get of an object, without its length. */
async function clientBytes(port: number, row: number): Promise<[type: number, bytes: string]> {
  const peer = new PeerClient("127.0.0.1", port);
  afterTest(() => peer.close());
  const range = (await peer.readRange(row, 0, 1000))!;
  return [range.typeSymbol, Buffer.from(range.bytes).subarray(8).toString()];
}

describe("a worker with an extension", () => {
  it("offers its types", async () => {
    const [{ end }] = await startWorkers({ extensions: wordsExtension() });
    expect(end.register.taskTypes).toEqual(expect.arrayContaining(names));
    expect(end.register.dataTypes).toContain("my/words");
  });

  it("keeps values alive from task to task, and serializes nothing", async () => {
    const [{ end }] = await startWorkers({ extensions: wordsExtension() });
    end.assign({ row: 1, type: type("split"), config: "a b c" });
    end.assign({ row: 2, type: type("join"), config: "-", inputs: [{ local: 1 }] });
    end.assign({ row: 3, type: "loom/base/get", config: u64(1), inputs: [{ local: 1 }] });
    end.assign({ row: 4, type: "loom/base/slice", config: u64(1, 9), inputs: [{ local: 1 }] });
    end.assign({ row: 5, type: type("redirect"), inputs: [{ local: 4 }] });
    end.assign({ row: 6, type: "loom/base/length", inputs: [{ local: 1 }, { local: 4 }] });
    end.assign({ row: 7, type: "loom/array/make", inputs: [{ local: 1 }] });
    expect(text((await end.next("finished", 2)).inline)).toBe("a-b-c");
    expect(text((await end.next("finished", 3)).inline)).toBe("b");
    expect(text((await end.next("finished", 5)).inline)).toBe("b+c");
    expect((await end.next("finished", 6)).inline).toEqual(Buffer.from(u64(5)));
    await end.next("finished", 7);
    end.writer.drop(1);
    await end.settled();
    expect(calls).toEqual([]);
    end.assign({ row: 8, type: "loom/base/size", inputs: [{ local: 7 }, { local: 4 }] });
    expect((await end.next("finished", 8)).inline).toEqual(Buffer.from(u64(8)));
    expect(calls).toEqual(["serialize", "serialize"]);
  });

  it("fails tasks whose extension fails, and goes on", async () => {
    const [{ end, lines }] = await startWorkers({ extensions: wordsExtension() });
    end.assign({ row: 1, type: type("fail") });
    end.assign({ row: 2, type: type("split"), config: "a b" });
    end.assign({ row: 3, type: "loom/base/get", config: u64(2), inputs: [{ local: 2 }] });
    end.assign({ row: 4, type: "loom/data/merge", inputs: [{ local: 2 }] });
    const messageOf = async (row: number) => (await end.next("failed", row)).failure.message;
    expect(await messageOf(1)).toMatch(/^my\/fail: Error: boom\n {4}at .*extensions\.test/);
    expect(lines.join()).toMatch(/my\/fail failed/);
    expect(await messageOf(3)).toBe(
      "loom/base/get: index 2 is out of range, the object has length 2",
    );
    expect(await messageOf(4)).toMatch(/input 0 is a value \(my\/words\)/);
  });

  it("refuses checkpoints of values", async () => {
    const [{ end }] = await startWorkers({ extensions: wordsExtension() });
    const path = join(scratchDirectory(), "words");
    const extras = encodeTaskExtras({ checkpointPath: path });
    end.assign({ row: 1, type: type("split"), config: "a", extras });
    expect((await end.next("failed", 1)).failure.message).toMatch(
      /checkpoint ".*": the result is a value \(my\/words\); only plain, file and index/,
    );
    expect(existsSync(path)).toBe(false);
  });

  it("hands on what its tasks log", async () => {
    const [{ end, lines }] = await startWorkers({ extensions: wordsExtension() });
    end.assign({ row: 1, type: type("log") });
    expect(await end.next("log", 1)).toMatchObject({ level: 3, text: "careful" });
    await end.next("finished", 1);
    expect(lines.join()).toContain("careful");
  });
});

describe("a task that waits", () => {
  it("is told by its signal that it is cancelled", async () => {
    const [{ end }] = await startWorkers({ extensions: wordsExtension() });
    end.assign({ row: 1, type: type("untilAborted"), cpus: 1 });
    await end.next("started", 1);
    await until(() => calls.includes("waits"));
    end.writer.cancel(1, 1);
    await end.settled();
    await until(() => calls.length === 2);
    expect(calls[1]).toBe("aborted: The task was cancelled");
  });

  it("gives up its core even if it does not listen", async () => {
    const [{ end, lines }] = await startWorkers({ cpus: 1, extensions: wordsExtension() });
    end.assign({ row: 1, type: type("deaf"), cpus: 1 });
    end.assign({ row: 2, type: type("split"), config: "a", cpus: 1 });
    await end.next("started", 1);
    end.writer.cancel(1, 1);
    await end.next("finished", 2);
    expect(lines.join()).toContain("my/deaf goes on though its signal has fired");
  });

  it.each(["untilAborted", "deaf"])("fails at its time limit: %s", async (name) => {
    const [{ end }] = await startWorkers({ extensions: wordsExtension() });
    const extras = encodeTaskExtras({ timeLimitMs: 20 });
    end.assign({ row: 1, type: type(name), extras });
    expect((await end.next("failed", 1)).failure.message).toBe("Time limit of 20 ms exceeded");
  });

  it("does not keep the worker from ending", async () => {
    const [{ end, worker }] = await startWorkers({ extensions: wordsExtension() });
    end.assign({ row: 1, type: type("deaf") });
    end.flush();
    await until(() => calls.includes("waits"));
    await worker.close();
    await worker.stopped;
  });
});

describe("a value of another worker", () => {
  it("is made there when it is used", async () => {
    const extensions = wordsExtension();
    const [a, b] = await startWorkers({ extensions }, { extensions });
    a.end.assign({ row: 1, type: type("split"), config: "a b c" });
    await a.end.next("finished", 1);
    const inputs = [{ remote: 1, holders: [0] }];
    b.end.assign({ row: 2, type: "loom/base/length", inputs });
    expect((await b.end.next("finished", 2)).inline).toEqual(Buffer.from(u64(3)));
    expect(calls).toEqual(["serialize"]);
    b.end.assign({ row: 3, type: type("join"), config: "-", inputs: [{ local: 1 }] });
    b.end.assign({ row: 4, type: type("join"), config: "+", inputs: [{ local: 1 }] });
    b.end.assign({ row: 5, type: "loom/base/get", config: u64(2), inputs: [{ local: 1 }] });
    expect(text((await b.end.next("finished", 3)).inline)).toBe("a-b-c");
    expect(text((await b.end.next("finished", 4)).inline)).toBe("a+b+c");
    expect(text((await b.end.next("finished", 5)).inline)).toBe("c");
    expect(calls).toEqual(["serialize", "deserialize"]);
    expect(await clientBytes(a.port, 1)).toEqual([0, '["a","b","c"]']);
    expect(await clientBytes(b.port, 1)).toEqual([0, '["a","b","c"]']);
  });

  it("without the extension is kept, measured and handed on", async () => {
    const extensions = wordsExtension();
    const [a, b, c] = await startWorkers({ extensions }, {}, { extensions });
    a.end.assign({ row: 1, type: type("split"), config: "a b c" });
    await a.end.next("finished", 1);
    const inputs = [{ remote: 1, holders: [0] }];
    b.end.assign({ row: 2, type: "loom/array/make", inputs });
    await b.end.next("finished", 2);
    b.end.assign({ row: 3, type: "loom/base/length", inputs: [{ local: 1 }] });
    expect((await b.end.next("finished", 3)).inline).toEqual(Buffer.from(u64(3)));
    b.end.assign({ row: 4, type: "loom/base/get", config: u64(2), inputs: [{ local: 1 }] });
    expect((await b.end.next("failed", 4)).failure.message).toMatch(
      /^loom\/base\/get: .*"my\/words" can be used only by workers that were started with its ext/,
    );
    await expect(clientBytes(b.port, 1)).rejects.toThrow(/its extension/);
    c.end.assign({
      row: 5,
      type: "loom/base/get",
      config: u64(0),
      inputs: [{ remote: 2, holders: [1] }],
    });
    c.end.assign({ row: 6, type: type("join"), config: "-", inputs: [{ local: 5 }] });
    expect(text((await c.end.next("finished", 6)).inline)).toBe("a-b-c");
  });

  it("that can't be serialized fails who needs it, and clients", async () => {
    const serialize = () => {
      throw new Error("too big");
    };
    const extensions = wordsExtension({ serialize });
    const [a, b] = await startWorkers({ extensions }, { extensions });
    a.end.assign({ row: 1, type: type("split"), config: "a b c" });
    a.end.assign({ row: 2, type: type("join"), config: "-", inputs: [{ local: 1 }] });
    expect(text((await a.end.next("finished", 2)).inline)).toBe("a-b-c");
    const inputs = [{ remote: 1, holders: [0] }];
    b.end.assign({ row: 3, type: type("join"), config: "-", inputs });
    expect((await b.end.next("failed", 3)).failure.message).toMatch(
      /^my\/join: serialize of "my\/words" failed: Error: too big/,
    );
    await expect(clientBytes(b.port, 1)).rejects.toThrow(/too big/);
    expect(a.lines.join()).toMatch(/serialize of .* failed/);
  });
});
