/**
 * The plans that are measured: what they consist of, how many tasks, at which sizes. Called
 * by plan-case.ts, memory-case.ts and encode-case.ts.
 */
import { type Task, tasks } from "hyperloom";

export interface PlanSpec {
  name: string;
  what: string;
  /** Tasks of a plan. */
  taskCount: number;
  /** Makes the tasks anew; the result needs them all. */
  build(): Task;
}

/** Two bytes that differ from task to task, so that nothing can be shared. */
function smallConst(i: number): Task<Buffer> {
  return tasks.const(Buffer.from([i & 0xff, (i >> 8) & 0xff]));
}

export function fanout(count: number): PlanSpec {
  return {
    name: `fanout-${thousands(count)}`,
    what: `${count} const → one array`,
    taskCount: count + 1,
    build: () => tasks.arrayMake(Array.from({ length: count }, (_, i) => smallConst(i))),
  };
}

/** @param leaves a power of two */
export function tree(leaves: number): PlanSpec {
  return {
    name: `tree-${thousands(2 * leaves - 1)}`,
    what: `binary merge tree over ${leaves} const`,
    taskCount: 2 * leaves - 1,
    build: () => {
      let level: Task<Buffer>[] = Array.from({ length: leaves }, (_, i) => smallConst(i));
      while (level.length > 1) {
        const below = level;
        level = Array.from({ length: below.length / 2 }, (_, i) =>
          tasks.merge([below[2 * i], below[2 * i + 1]]),
        );
      }
      return level[0];
    },
  };
}

export function chain(length: number): PlanSpec {
  return {
    name: `chain-${thousands(length)}`,
    what: `a const, then ${length} merges in a row`,
    taskCount: length + 1,
    build: () => {
      let task = tasks.const("x");
      for (let i = 0; i < length; i++) task = tasks.merge([task]);
      return task;
    },
  };
}

/** Every node of a layer is two tasks: an array of three of the layer before, and a get. */
export function layers(depth: number, width: number): PlanSpec {
  const taskCount = width + depth * width * 2 + 1;
  return {
    name: `layers-${thousands(taskCount)}`,
    what: `${depth} layers of ${width}: array of 3 of the layer before, then get`,
    taskCount,
    build: () => {
      let layer: Task<Buffer>[] = Array.from({ length: width }, (_, i) => smallConst(i));
      for (let level = 0; level < depth; level++) {
        const before = layer;
        layer = before.map((_, i) => {
          const three = [0, 1, 7].map((step) => before[(i + step) % width]);
          return tasks.get(tasks.arrayMake(three), i % 3);
        });
      }
      return tasks.arrayMake(layer);
    },
  };
}

function thousands(count: number): string {
  return `${Math.round(count / 1000)}k`;
}
