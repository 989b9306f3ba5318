/**
 * External programs: some thousand times /bin/true in a fresh directory with redirected output, on
 * one worker with 4 cpus; also while that worker holds 2 GB of objects (starting a program
 * from a big process is slow unless somebody took care). Called by cases.ts.
 */
import { Client, type Future, type Task, tasks } from "hyperloom";
import { startCluster } from "./cluster.js";
import { cpuTimeUs, residentBytes } from "./process-usage.js";
import { type BenchCase, median, rounded } from "./record.js";

const CPUS = 4;
const BALLAST_PIECE_BYTES = 64 * 1024 * 1024;

function programs(count: number): Task {
  return tasks.arrayMake(Array.from({ length: count }, () => tasks.run(["/bin/true"])));
}

export function runCase(name: string, ballastBytes: number, count = 2_000): BenchCase {
  return {
    name,
    workers: "fixed",
    async run({ repeat }) {
      const cluster = await startCluster(1, ["--cpus", String(CPUS)]);
      try {
        await using client = await Client.connect(cluster.address);
        const ballast = await holdObjects(client, ballastBytes);
        const times: number[] = [];
        const pids = [...cluster.workerPids];
        let cpuBefore = 0;
        for (let i = 0; i <= repeat; i++) {
          if (i === 1) cpuBefore = cpuTimeUs(pids);
          const start = performance.now();
          const future = client.submitOne(programs(count));
          await future.wait();
          times.push(performance.now() - start);
          future.release();
        }
        const workerUs = cpuTimeUs(pids) - cpuBefore;
        const workerRssMB = residentBytes(pids[0]) / 1e6;
        client.release(ballast);
        return {
          case: name,
          what: `${count} times /bin/true, ${CPUS} at a time`,
          workers: 1,
          tasks: count,
          coldTasksPerSecond: rounded((count / times[0]) * 1000),
          warmTasksPerSecond: rounded((count / median(times.slice(1))) * 1000),
          warmWorkerCpuUsPerTask: rounded(workerUs / repeat / count),
          workerRssMB: rounded(workerRssMB),
        };
      } finally {
        await cluster.stop();
      }
    },
  };
}

/** Lets the worker hold that many bytes, in pieces that it has to keep in memory. */
async function holdObjects(client: Client, bytes: number): Promise<Future[]> {
  const futures: Future[] = [];
  for (let held = 0; held < bytes; held += BALLAST_PIECE_BYTES) {
    const future = client.submitOne(tasks.const(Buffer.alloc(BALLAST_PIECE_BYTES, 1)));
    await future.wait();
    futures.push(future);
  }
  return futures;
}
