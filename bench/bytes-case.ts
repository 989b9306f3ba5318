/**
 * A chain of functions over a large object, each giving a changed copy of it: what it costs to hand large
 * bytes to functions and back. Compared with the same steps in one process which reads and
 * writes files in memory, as a function process must; the worker itself should not touch the
 * bytes. Called by cases.ts.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, type Data, jsTask, type Task, type TaskLike } from "hyperloom";
import { startCluster } from "./cluster.js";
import { peakResidentBytes, resetPeak, residentBytes } from "./process-usage.js";
import { touchMemory } from "./raw-figures.js";
import { type BenchCase, median, rounded } from "./record.js";

const OBJECT_BYTES = 100_000_000;
const STEPS = 10;

/** The step in Python. */
export const PYTHON_STEP = `
def step(a):
    copy = bytearray(a.view())
    copy[0] = (copy[0] + 1) % 256
    return copy
`;

const makeObject = jsTask((size: number) => Buffer.alloc(size, "x"));

/** The step in TypeScript. */
export const javascriptStep: (input: TaskLike<Buffer>) => Task<Buffer> = jsTask(
  (a: Data<Buffer>) => {
    const copy = Buffer.from(a.bytes());
    copy[0]++;
    return copy;
  },
);

export function bytesCase(
  name: string,
  language: string,
  step: (input: TaskLike<Buffer>) => Task<Buffer>,
): BenchCase {
  return {
    name,
    workers: "fixed",
    async run({ repeat }) {
      touchMemory((STEPS * OBJECT_BYTES) / 1e9 + 1);
      const cluster = await startCluster(1);
      try {
        await using client = await Client.connect(cluster.address);
        const [workerPid] = cluster.workerPids;
        const times: number[] = [];
        const raw: number[] = [];
        let grown = 0;
        // The first round starts the processes.
        for (let i = 0; i <= repeat; i++) {
          const first = client.submitOne(makeObject(OBJECT_BYTES));
          await first.wait();
          let last = step(first);
          for (let k = 1; k < STEPS; k++) last = step(last);
          resetPeak(workerPid);
          const before = residentBytes(workerPid);
          const start = performance.now();
          const future = client.submitOne(last);
          await future.wait();
          if (i > 0) times.push(performance.now() - start);
          grown = Math.max(grown, peakResidentBytes(workerPid) - before);
          future.release();
          first.release();
          raw.push(rawSteps());
        }
        const stepMs = median(times) / STEPS;
        const rawStepMs = median(raw) / STEPS;
        return {
          case: name,
          what: `${STEPS} ${language} functions in a row, each giving a changed copy of 100 MB`,
          workers: 1,
          tasksPerSecond: rounded(1000 / stepMs),
          msPerStep: rounded(stepMs),
          rawMsPerStep: rounded(rawStepMs),
          ratioToRaw: rounded(rawStepMs / stepMs),
          // A copy in the worker would be 100.
          workerGrewMB: rounded(grown / 1e6),
        };
      } finally {
        await cluster.stop();
      }
    },
  };
}

/** The same steps here: read the file, copy and change, write the next one. */
function rawSteps(): number {
  const folder = mkdtempSync("/dev/shm/loom-bench-");
  try {
    let path = join(folder, "0");
    writeFileSync(path, Buffer.alloc(OBJECT_BYTES, "x"));
    const start = performance.now();
    for (let k = 1; k <= STEPS; k++) {
      const copy = Buffer.from(readFileSync(path));
      copy[0]++;
      rmSync(path);
      path = join(folder, String(k));
      writeFileSync(path, copy);
    }
    return performance.now() - start;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
