/**
 * Task types of the extension in examples/extension-count: bytes counted in TypeScript and in
 * WebAssembly, in the worker and in a process of its own, in memory and from a file. Beside them
 * what the same functions do without HyperLoom. Called by cases.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, Task, type TaskLike, tasks } from "hyperloom";
import { countPlain } from "../examples/extension-count/count-plain.js";
import { countWasm } from "../examples/extension-count/count-wasm.js";
import { startCluster } from "./cluster.js";
import { type BenchCase, median, rounded } from "./record.js";

const OBJECT_BYTES = 100_000_000;
const BYTE = 120;
const EXTENSION = fileURLToPath(
  new URL("../examples/extension-count/extension.ts", import.meta.url),
);

export const extensionCase: BenchCase = {
  name: "extension-count",
  workers: "fixed",
  async run({ repeat }) {
    const bytes = Buffer.alloc(OBJECT_BYTES, "0123456789abcdef of xyz");
    const expected = countPlain(bytes, BYTE);
    const folder = mkdtempSync(join(tmpdir(), "loom-bench-"));
    const path = join(folder, "bytes");
    writeFileSync(path, bytes);
    const cluster = await startCluster(1, ["--extension", EXTENSION]);
    try {
      await using client = await Client.connect(cluster.address);
      const file = client.submitOne(tasks.open(path));
      const memory = client.submitOne(tasks.merge([file]));
      await memory.wait();
      const measured = async (way: string, input: TaskLike) => {
        const times: number[] = [];
        for (let i = 0; i <= repeat; i++) {
          const count = new Task<Buffer>({
            type: `example/count-${way}`,
            inputs: [input],
            config: Uint8Array.of(BYTE),
          });
          const start = performance.now();
          const counted = Number(await client.submitOne(count).gather());
          if (i > 0) times.push(performance.now() - start);
          if (counted !== expected) throw new Error(`${way} counted ${counted}, not ${expected}`);
        }
        return speed(median(times));
      };
      return {
        case: "extension-count",
        what: "one byte counted in 100 MB by task types of an extension",
        workers: 1,
        plainMBPerSecond: await measured("plain", memory),
        wasmMBPerSecond: await measured("wasm", memory),
        poolMBPerSecond: await measured("pool", memory),
        plainFileMBPerSecond: await measured("plain", file),
        wasmFileMBPerSecond: await measured("wasm", file),
        poolFileMBPerSecond: await measured("pool", file),
        rawPlainMBPerSecond: rawSpeed(() => countPlain(bytes, BYTE), repeat),
        rawWasmMBPerSecond: rawSpeed(() => countWasm(bytes, BYTE), repeat),
      };
    } finally {
      await cluster.stop();
      rmSync(folder, { recursive: true });
    }
  },
};

function rawSpeed(count: () => number, repeat: number): number {
  const times: number[] = [];
  for (let i = 0; i <= repeat; i++) {
    const start = performance.now();
    count();
    if (i > 0) times.push(performance.now() - start);
  }
  return speed(median(times));
}

function speed(ms: number): number {
  return rounded(OBJECT_BYTES / 1e3 / ms);
}
