/**
 * What the simulation knows of each task apart from both cores: how often it was executed and
 * whether it could start. Owns the counts by which "ready tasks wait" and "executed again"
 * are told. Called by the modelled workers.
 */
import type { CoreTime } from "./core-time.js";
import type { Workload } from "./workload.js";

export class Progress {
  /** Completed executions by task, up to 255. */
  readonly executions: Uint8Array;
  executed = 0;
  repeated = 0;
  /** Inputs that were never finished yet. */
  private readonly unfinished: Uint32Array;
  /** Bit: all inputs exist and it was never started. */
  private readonly waits: Uint8Array;
  private readonly userStart: Uint32Array;
  private readonly users: Uint32Array;
  private readonly cpus: Uint16Array;

  constructor(
    private readonly workload: Workload,
    private readonly time: CoreTime,
  ) {
    const { taskCount, inputStart, inputs, kinds, kind } = workload;
    this.cpus = Uint16Array.from(kinds, ({ request }) => request.cpus);
    this.executions = new Uint8Array(taskCount);
    this.unfinished = new Uint32Array(taskCount);
    this.waits = new Uint8Array(taskCount);
    this.userStart = new Uint32Array(taskCount + 1);
    this.users = new Uint32Array(inputs.length);
    for (let k = 0; k < inputs.length; k++) this.userStart[inputs[k] + 1]++;
    for (let i = 0; i < taskCount; i++) this.userStart[i + 1] += this.userStart[i];
    const next = this.userStart.slice(0, taskCount);
    for (let task = 0; task < taskCount; task++) {
      for (let k = inputStart[task]; k < inputStart[task + 1]; k++) {
        this.users[next[inputs[k]]++] = task;
      }
      this.unfinished[task] = inputStart[task + 1] - inputStart[task];
      if (this.unfinished[task] === 0) this.becameReady(task, this.cpus[kind[task]]);
    }
  }

  /** A task with a request starts. */
  started(task: number): void {
    if (this.waits[task] === 0) return;
    this.waits[task] = 0;
    this.time.readyCores -= this.cpus[this.workload.kind[task]];
  }

  /** A task has been executed; returns whether it was for the first time. */
  finished(task: number): boolean {
    this.executed++;
    const before = this.executions[task];
    if (before < 255) this.executions[task] = before + 1;
    if (before > 0) {
      this.repeated++;
      return false;
    }
    const { kind } = this.workload;
    const end = this.userStart[task + 1];
    for (let k = this.userStart[task]; k < end; k++) {
      const user = this.users[k];
      if (--this.unfinished[user] === 0) this.becameReady(user, this.cpus[kind[user]]);
    }
    return true;
  }

  private becameReady(task: number, cpus: number): void {
    if (cpus === 0) return;
    this.waits[task] = 1;
    this.time.readyCores += cpus;
  }
}
