/**
 * A 1 GiB object made on one worker and needed on another, compared with a plain TCP copy of
 * as many bytes. Called by cases.ts.
 *
 * Whatever the scheduler prefers, the two workers have to differ: each has one cpu, and a
 * program that waits for a file holds the cpu of the worker that must not be used.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, type Future, type Task, tasks } from "hyperloom";
import { startCluster } from "./cluster.js";
import { residentBytes } from "./process-usage.js";
import { rawCopyMs } from "./raw-figures.js";
import { type BenchCase, median, rounded } from "./record.js";

const PIECE_BYTES = 64 * 1024 * 1024;
const PIECES = 16;
const OBJECT_BYTES = PIECES * PIECE_BYTES;

export const transferCase: BenchCase = {
  name: "transfer",
  workers: "fixed",
  async run({ repeat }) {
    const folder = mkdtempSync(join(tmpdir(), "loom-bench-"));
    try {
      const transfers: number[] = [];
      const copies: number[] = [];
      let grownBytes = 0;
      for (let i = 0; i < repeat; i++) {
        const { ms, grown } = await oneTransfer(join(folder, String(i)));
        transfers.push(ms);
        grownBytes = grown;
        copies.push(await rawCopyMs(OBJECT_BYTES));
      }
      const gigabytesPerSecond = (ms: number): number => rounded(OBJECT_BYTES / 1e6 / ms);
      return {
        case: "transfer",
        what: "1 GiB made on one worker, needed on another",
        workers: 2,
        gigabytesPerSecond: gigabytesPerSecond(median(transfers)),
        rawTcpGigabytesPerSecond: gigabytesPerSecond(median(copies)),
        ratioToRawTcp: rounded(median(copies) / median(transfers)),
        // Near 1,074 when the bytes have really moved.
        workersGrewMB: rounded(grownBytes / 1e6),
      };
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
};

/** In fresh processes, so that no worker has memory of the object left over. */
async function oneTransfer(prefix: string): Promise<{ ms: number; grown: number }> {
  const cluster = await startCluster(2, ["--cpus", "1"]);
  try {
    await using client = await Client.connect(cluster.address);
    const first = await occupyWorker(client, `${prefix}-first`);
    const piece = tasks.const(Buffer.alloc(PIECE_BYTES, 1));
    // Not where `first` runs.
    const object = client.submitOne(
      tasks.merge(Array.from({ length: PIECES }, () => piece)).withCpus(1),
    );
    await object.wait();
    // The only free cpu is where the object is.
    const second = await occupyWorker(client, `${prefix}-second`);
    await first.end();
    const memory = (): number =>
      cluster.workerPids.reduce((sum, pid) => sum + residentBytes(pid), 0);
    const before = memory();
    const start = performance.now();
    // The only free cpu is on the worker that does not have the object.
    const size = client.submitOne((tasks.size(object) as Task<Buffer>).withCpus(1));
    await size.wait();
    const ms = performance.now() - start;
    const grown = memory() - before;
    await second.end();
    return { ms, grown };
  } finally {
    await cluster.stop();
  }
}

/** Lets a program hold one cpu until end(); resolves when it runs. */
async function occupyWorker(client: Client, prefix: string): Promise<{ end(): Promise<void> }> {
  const started = `${prefix}-started`;
  const ended = `${prefix}-ended`;
  const script = `: > "$0"; while [ ! -e "$1" ]; do sleep 0.02; done`;
  const future: Future = client.submitOne(tasks.run(["sh", "-c", script, started, ended]));
  while (!existsSync(started)) {
    if (future.status === "failed") await future.wait();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    async end() {
      writeFileSync(ended, "");
      await future.gather();
    },
  };
}
