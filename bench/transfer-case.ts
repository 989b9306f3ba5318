/**
 * A 1 GiB object made on one worker and needed on another, compared with a plain TCP copy of
 * as many bytes. Called by cases.ts.
 *
 * Two programs that wait for each other leave a piece of data on each of two workers with one
 * cpu. Each piece is made into a large object where it is; a task that needs both objects
 * then moves exactly one of them, whatever the scheduler prefers.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, type Task, tasks } from "hyperloom";
import { startCluster } from "./cluster.js";
import { residentBytes } from "./process-usage.js";
import { rawCopyMs, touchMemory } from "./raw-figures.js";
import { type BenchCase, median, rounded } from "./record.js";

const PIECE_BYTES = 64 * 1024 * 1024;
const PIECES = 16;
const OBJECT_BYTES = PIECES * PIECE_BYTES;
/** More than one copy of the object takes. */
const TOUCHED_GIGABYTES = 3;

export const transferCase: BenchCase = {
  name: "transfer",
  workers: "fixed",
  async run({ repeat }) {
    const folder = mkdtempSync(join(tmpdir(), "loom-bench-"));
    try {
      const transfers: number[] = [];
      const copies: number[] = [];
      const keptCopies: number[] = [];
      let grownBytes = 0;
      for (let i = 0; i < repeat; i++) {
        const { ms, grown } = await oneTransfer(join(folder, String(i)));
        transfers.push(ms);
        grownBytes = grown;
        copies.push(await rawCopyMs(OBJECT_BYTES));
        touchMemory(TOUCHED_GIGABYTES);
        keptCopies.push(await rawCopyMs(OBJECT_BYTES, "keep"));
      }
      const gigabytesPerSecond = (ms: number): number => rounded(OBJECT_BYTES / 1e6 / ms);
      return {
        case: "transfer",
        what: "1 GiB made on one worker, needed on another",
        workers: 2,
        gigabytesPerSecond: gigabytesPerSecond(median(transfers)),
        rawTcpGigabytesPerSecond: gigabytesPerSecond(median(copies)),
        ratioToRawTcp: rounded(median(copies) / median(transfers)),
        ratioToRawTcpKept: rounded(median(keptCopies) / median(transfers)),
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
    const pieces = client.submit(programsOnTwoWorkers(prefix));
    await client.wait(pieces);
    const objects = client.submit(
      pieces.map((piece) => tasks.merge(Array.from({ length: PIECES }, () => piece))),
    );
    await client.wait(objects);
    const memory = (): number =>
      cluster.workerPids.reduce((sum, pid) => sum + residentBytes(pid), 0);
    touchMemory(TOUCHED_GIGABYTES);
    const before = memory();
    const start = performance.now();
    await client.submitOne(tasks.size(...objects)).wait();
    const ms = performance.now() - start;
    const grown = memory() - before;
    if (grown < OBJECT_BYTES / 2) {
      throw new Error("transfer: both objects were on one worker, nothing had to move");
    }
    return { ms, grown };
  } finally {
    await cluster.stop();
  }
}

/** Each gives a piece of an object, and ends only when both run: one on each worker. */
function programsOnTwoWorkers(prefix: string): [Task<Buffer>, Task<Buffer>] {
  const script = `: > "$0"; while [ ! -e "$1" ]; do sleep 0.02; done; head -c ${PIECE_BYTES} /dev/zero`;
  const program = (own: string, other: string): Task<Buffer> =>
    tasks.run(["sh", "-c", script, `${prefix}-${own}`, `${prefix}-${other}`]);
  return [program("a", "b"), program("b", "a")];
}
