/** Problems for tests of the lookahead, from tasks and objects with names. */
import type { LookaheadProblem } from "../../../src/scheduler/lookahead/index.js";

export interface TaskSpec {
  /** Its output has the same name. */
  name: string;
  ms: number;
  /** Default 1. */
  cpus?: number;
  needs?: string[];
  /** Size of the output. Default 0. */
  bytes?: number;
  userPriority?: number;
  /** Runs there already, and still needs `ms`. */
  runningAt?: number;
  /** Workers that may execute it. Default: all. */
  only?: number[];
}

export interface ProblemSpec {
  /** Cores of the workers. */
  workers: number[];
  speed?: number[];
  tasks: TaskSpec[];
  /** Objects that exist. */
  existing?: { name: string; bytes: number; holders: number[] }[];
  bytesPerMs?: number;
  latencyMs?: number;
  maxDownloads?: number;
  maxDownloadsPerSource?: number;
}

/** 1000 bytes per ms unless said otherwise. Task i is `spec.tasks[i]`, object i its output; then those that exist. */
export function aProblem(spec: ProblemSpec): LookaheadProblem {
  const { workers, tasks, existing = [] } = spec;
  const numberOf = new Map<string, number>();
  for (const { name } of [...tasks, ...existing]) numberOf.set(name, numberOf.size);
  const objectCount = numberOf.size;
  const inputStart = [0];
  const inputs: number[] = [];
  for (const { name, needs = [] } of tasks) {
    for (const need of needs) {
      const object = numberOf.get(need);
      if (object === undefined) throw new Error(`task ${name} needs ${need}, which is nowhere`);
      inputs.push(object);
    }
    inputStart.push(inputs.length);
  }
  const holderStart = new Uint32Array(objectCount + 1);
  existing.forEach(({ holders }, i) => {
    holderStart[tasks.length + i + 1] = holderStart[tasks.length + i] + holders.length;
  });
  const isLimited = tasks.some(({ only }) => only !== undefined);
  return {
    workerCount: workers.length,
    workerCpus: Uint16Array.from(workers),
    workerSpeed: spec.speed === undefined ? undefined : Float64Array.from(spec.speed),
    taskCount: tasks.length,
    durationMs: Float64Array.from(tasks, ({ ms }) => ms),
    cpus: Uint16Array.from(tasks, ({ cpus }) => cpus ?? 1),
    userPriority: Int8Array.from(tasks, ({ userPriority }) => userPriority ?? 0),
    objectCount,
    objectBytes: Float64Array.from([...tasks, ...existing], ({ bytes }) => bytes ?? 0),
    objectProducer: Int32Array.from({ length: objectCount }, (_, o) => (o < tasks.length ? o : -1)),
    holderStart,
    holders: Uint16Array.from(existing.flatMap(({ holders }) => holders)),
    inputStart: Uint32Array.from(inputStart),
    inputs: Uint32Array.from(inputs),
    runningAt: Int32Array.from(tasks, ({ runningAt }) => runningAt ?? -1),
    remainingMs: Float64Array.from(tasks, ({ ms }) => ms),
    allowed: isLimited ? (task, worker) => tasks[task].only?.includes(worker) ?? true : undefined,
    network: {
      bytesPerMs: spec.bytesPerMs ?? 1000,
      latencyMs: spec.latencyMs ?? 0,
      maxDownloads: spec.maxDownloads ?? 4,
      maxDownloadsPerSource: spec.maxDownloadsPerSource ?? 2,
    },
  };
}

/** Priorities that fall with the task number, a million apart as in plans. */
export function inOrder(problem: LookaheadProblem): Float64Array {
  return Float64Array.from({ length: problem.taskCount }, (_, t) => (problem.taskCount - t) * 1e6);
}
