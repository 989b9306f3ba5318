/**
 * Executions of tasks with requests: when they end, and that they end sooner or later when their
 * worker changes its speed. Owns their times. Called by the modelled workers.
 */
import type { WorkerTask } from "../worker-core/index.js";
import { Rank } from "./event-queue.js";
import type { ModelledWorker } from "./modelled-worker.js";
import { EventKind, type SimulationCore } from "./simulation-core.js";

/** One execution; used again. */
export class Run {
  worker!: ModelledWorker;
  task!: WorkerTask;
  /** Number of the task in the workload. */
  number = 0;
  cpus = 0;
  /** Since when its cores are not free; its execution starts a moment later. */
  heldMs = 0;
  startMs = 0;
  endMs = 0;
  /** Of the time in which it holds its cores: not its execution. */
  overheadMs = 0;
  /** How long it has held its cores, once it does not any more. */
  coreMs = 0;
  /** Counts what it was used for: events of earlier uses are nobody's. */
  generation = 0;

  constructor(readonly index: number) {}
}

export class Runs {
  private readonly runs: Run[] = [];
  private readonly free: Run[] = [];

  constructor(private readonly simulation: SimulationCore) {}

  /** The task holds its cores from `atMs` on. */
  start(worker: ModelledWorker, task: WorkerTask, atMs: number): Run {
    let run = this.free.pop();
    if (run === undefined) {
      run = new Run(this.runs.length);
      this.runs.push(run);
    }
    const { simulation } = this;
    const number = simulation.taskAt(task.row);
    run.worker = worker;
    run.task = task;
    run.number = number;
    run.cpus = task.cpus;
    const callMs = simulation.costs.callUs / 1000;
    run.heldMs = simulation.nowMs;
    run.startMs = atMs;
    run.overheadMs = atMs - run.heldMs + callMs;
    run.endMs = atMs + callMs + simulation.workload.durationMs[number] / worker.speed;
    this.plan(run);
    return run;
  }

  /** The run whose end an event tells; undefined: it was stopped or moved meanwhile. */
  find(index: number, generation: number): Run | undefined {
    const run = this.runs[index];
    return run.generation === generation ? run : undefined;
  }

  /** What is left of the run takes `factor` times as long. */
  stretch(run: Run, factor: number): void {
    const { nowMs } = this.simulation;
    if (run.endMs <= nowMs) return;
    const fromMs = Math.max(nowMs, run.startMs);
    run.generation = (run.generation + 1) | 0;
    run.endMs = fromMs + (run.endMs - fromMs) * factor;
    this.plan(run);
  }

  /** The run is over. */
  release(run: Run): void {
    run.generation = (run.generation + 1) | 0;
    this.free.push(run);
  }

  private plan(run: Run): void {
    const { queue } = this.simulation;
    queue.add(run.endMs, Rank.normal, EventKind.runEnd, run.index, run.generation);
  }
}
