/**
 * Measures the worker and what it has started, each second while somebody looks. Owns the timer
 * and what is needed to make rates of counters; sends nothing. Started and stopped by the session
 * with the server.
 */
import { freemem, totalmem } from "node:os";
import { performance } from "node:perf_hooks";
import type { WorkerSample } from "../protocol/index.js";
import { MemoryGroups } from "./memory-groups.js";
import { ProcessTable } from "./process-table.js";

const INTERVAL_MS = 1000;

/** Bytes of objects that went between workers, since the worker has started. */
export interface Traffic {
  sentBytes: number;
  receivedBytes: number;
}

export interface SamplerOptions {
  readonly cpus: number;
  readonly traffic: Readonly<Traffic>;
  /** Objects in the store: bytes in memory. */
  storeBytes(): number;
  /** Number of tasks that run. */
  runningTasks(): number;
  readonly processes?: ProcessTable;
  readonly groups?: MemoryGroups;
}

/** Counters at a sample. */
interface Counters {
  readonly atMs: number;
  readonly workerCpuMs: number;
  /** NaN: not known. */
  readonly taskCpuMs: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/**
 * @example
 * const sampler = new WorkerSampler({ cpus: 4, traffic, storeBytes, runningTasks });
 * sampler.start((sample) => writer.sample(sample));
 */
export class WorkerSampler {
  private readonly processes: ProcessTable;
  private readonly groups: MemoryGroups;
  private readonly totalMemoryBytes: number;
  private before: Counters | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: SamplerOptions) {
    this.processes = options.processes ?? new ProcessTable();
    this.groups = options.groups ?? new MemoryGroups();
    this.totalMemoryBytes = Math.min(
      totalmem(),
      this.groups.findLimit() ?? Number.POSITIVE_INFINITY,
    );
  }

  /** Gives a sample at once and then each second, in place of what was started before. */
  start(onSample: (sample: WorkerSample) => void): void {
    this.stop();
    onSample(this.sample());
    this.timer = setInterval(() => onSample(this.sample()), INTERVAL_MS).unref();
  }

  /** The next sample will be a first one again. */
  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.before = undefined;
  }

  /** Rates are of the time since the last sample, 0 in the first one. */
  sample(): WorkerSample {
    const { options, before } = this;
    const { cpus, traffic } = options;
    let taskCpuMs = Number.NaN;
    let taskRssBytes = Number.NaN;
    const own = process.cpuUsage();
    const processes = this.processes.read();
    const worker = processes.get(process.pid);
    if (worker !== undefined) {
      // What has ended counts with who has waited for it, so the sum does not fall.
      taskCpuMs = -worker.cpuMs;
      taskRssBytes = -worker.rssBytes;
      for (const { cpuMs, endedCpuMs, rssBytes } of processes.values()) {
        taskCpuMs += cpuMs + endedCpuMs;
        taskRssBytes += rssBytes;
      }
    }
    const now: Counters = {
      atMs: performance.now(),
      workerCpuMs: (own.user + own.system) / 1000,
      taskCpuMs,
      ...{ sentBytes: traffic.sentBytes, receivedBytes: traffic.receivedBytes },
    };
    this.before = now;
    const since = before ?? now;
    const cpuTimeMs = Math.max(1, now.atMs - since.atMs) * cpus;
    return {
      timeMs: Date.now(),
      workerCpu: (now.workerCpuMs - since.workerCpuMs) / cpuTimeMs,
      // What nobody has waited for is missing in the sum when it has ended.
      taskCpu: Math.max(0, now.taskCpuMs - since.taskCpuMs) / cpuTimeMs,
      workerRssBytes: process.memoryUsage.rss(),
      taskRssBytes,
      freeMemoryBytes: this.groups.freeBytes(freemem()),
      totalMemoryBytes: this.totalMemoryBytes,
      storeBytes: options.storeBytes(),
      sentBytes: now.sentBytes - since.sentBytes,
      receivedBytes: now.receivedBytes - since.receivedBytes,
      runningTasks: options.runningTasks(),
    };
  }
}
