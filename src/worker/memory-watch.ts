/**
 * Measures the memory of tasks that run in processes and take longer than a second: one timer for
 * the worker, so that short tasks cost nothing. Owns the timer and which process belongs to which
 * task. Called by the task runner. Linux only: elsewhere no task has a curve.
 */
import type { Executor } from "../executors/index.js";
import { MemoryCurve } from "./memory-curve.js";
import { type ProcessInfo, ProcessTable } from "./process-table.js";
import { RunningTask } from "./task-execution.js";

const INTERVAL_MS = 500;
/** Tasks that have not taken longer are not measured. */
const LONG_MS = 1000;

export class MemoryWatch {
  private timer: NodeJS.Timeout | undefined;

  /** @param onLook called with each look at tasks that take long */
  constructor(
    private readonly executors: readonly Executor[],
    private readonly onLook: (nowMs: number) => void,
    private readonly processes = new ProcessTable(),
  ) {}

  /** Looks from now on. The timer keeps no process alive. */
  start(): void {
    this.timer ??= setInterval(() => this.look(performance.now()), INTERVAL_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Adds a point to the curve of each task that takes long. `nowMs`: performance.now(). */
  look(nowMs: number): void {
    const tasks: { running: RunningTask; pid: number }[] = [];
    for (const executor of this.executors) {
      for (const { task, pid } of executor.runningProcesses?.() ?? []) {
        if (!(task instanceof RunningTask) || nowMs - task.startedMs < LONG_MS) continue;
        tasks.push({ running: task, pid });
      }
    }
    if (tasks.length === 0) return;
    this.onLook(nowMs);
    const bytes = memoryOf(new Set(tasks.map(({ pid }) => pid)), this.processes.read());
    for (const { running, pid } of tasks) {
      const rss = bytes.get(pid);
      if (rss === undefined) continue;
      running.memory ??= new MemoryCurve();
      running.memory.add(nowMs - running.startedMs, rss);
    }
  }
}

/** Resident bytes of each root's processes: its group, its session, and what they have started. */
function memoryOf(
  roots: ReadonlySet<number>,
  processes: ReadonlyMap<number, ProcessInfo>,
): Map<number, number> {
  const bytes = new Map<number, number>();
  for (const info of processes.values()) {
    const root = findRoot(info, roots, processes);
    if (root !== undefined) bytes.set(root, (bytes.get(root) ?? 0) + info.rssBytes);
  }
  return bytes;
}

function findRoot(
  info: ProcessInfo,
  roots: ReadonlySet<number>,
  processes: ReadonlyMap<number, ProcessInfo>,
): number | undefined {
  let at: ProcessInfo | undefined = info;
  // Numbers may be used again between two reads: a circle of parents must not hold us.
  for (let steps = 0; at !== undefined && steps < 1000; steps++) {
    const { pid, group, session } = at;
    const root = [pid, group, session].find((number) => roots.has(number));
    if (root !== undefined) return root;
    at = processes.get(at.parent);
  }
  return undefined;
}
