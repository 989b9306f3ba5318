/** Generators of regular graphs: independent tasks, chains, trees, layers, and random ones. */
import type { Generator, TaskMaker } from "./parameters.js";

/** Tasks without inputs. */
export const fanout: Generator = {
  name: "fanout",
  size: "N",
  summary: "N tasks that do not depend on each other",
  parameters: [],
  build(builder, [count], values) {
    const tasks = values.tasks(builder, "task");
    for (let i = 0; i < count; i++) tasks.add();
  },
};

/** One task, its users, one that takes all of theirs. */
export const fork: Generator = {
  name: "fork",
  size: "N",
  summary: "one task, N that take its result, one that takes theirs",
  parameters: [],
  build(builder, [count], values) {
    const tasks = values.tasks(builder, "task");
    const source = tasks.add();
    for (let i = 0; i < count; i++) tasks.add(source);
    tasks.add();
    for (let i = 0; i < count; i++) builder.input(source + 1 + i);
  },
};

export const chain: Generator = {
  name: "chain",
  size: "N or WxN",
  summary: "a chain of N tasks, or W such chains side by side",
  parameters: [],
  build(builder, size, values) {
    const [width, length] = size.length === 1 ? [1, size[0]] : size;
    const tasks = values.tasks(builder, "step");
    for (let w = 0; w < width; w++) {
      let last = -1;
      for (let i = 0; i < length; i++) last = tasks.add(last);
    }
  },
};

export const tree: Generator = {
  name: "tree",
  size: "N",
  summary: "N leaves, reduced in groups to one result",
  parameters: [["degree", "2", "inputs of a task above the leaves"]],
  build(builder, [count], values) {
    const degree = Math.max(2, values.count("degree", 2, 100_000));
    const leaves = values.tasks(builder, "leaf");
    const nodes = values.tasks(builder, "reduce");
    let level: number[] = [];
    for (let i = 0; i < count; i++) level.push(leaves.add());
    while (level.length > 1) {
      const next: number[] = [];
      for (let i = 0; i < level.length; i += degree) {
        next.push(nodes.add(level[i]));
        for (let k = i + 1; k < Math.min(level.length, i + degree); k++) builder.input(level[k]);
      }
      level = next;
    }
  },
};

export const layers: Generator = {
  name: "layers",
  size: "WxL",
  summary: "L layers of W tasks; each takes the results of some tasks of the layer before",
  parameters: [["degree", "2", "how many; the first is the one in the same place"]],
  build(builder, [width, depth], values) {
    const degree = values.count("degree", 2, 100_000);
    const tasks = values.tasks(builder, "task");
    for (let i = 0; i < width; i++) tasks.add();
    for (let layer = 1; layer < depth; layer++) {
      const before = (layer - 1) * width;
      for (let i = 0; i < width; i++) {
        tasks.add(before + i);
        addOthers(before, i, degree - 1);
      }
    }
    function addOthers(start: number, own: number, count: number): void {
      if (width === 1) return;
      for (let k = 0; k < count; k++) {
        const step = 1 + values.random.below(width - 1);
        builder.input(start + ((own + step) % width));
      }
    }
  },
};

/** Tasks that take what recent ones made, as programs written by people do. */
export const random: Generator = {
  name: "random",
  size: "N",
  summary: "N tasks that take results of some of the tasks shortly before them",
  parameters: [
    ["degree", "3", "inputs of a task at most"],
    ["window", "100", "how many tasks before it they come from"],
    ["max-cpus", "1", "cores of a task: 1 to this many, in place of cpus"],
  ],
  build(builder, [count], values) {
    const { random: numbers } = values;
    const degree = values.count("degree", 3, 100_000);
    const window = values.count("window", 100);
    const makers: TaskMaker[] = [];
    const maxCpus = values.count("max-cpus", 1, 65_535);
    for (let cpus = 1; cpus <= maxCpus; cpus++) {
      makers.push(values.tasks(builder, `task-${cpus}`, maxCpus > 1 ? cpus : undefined));
    }
    for (let i = 0; i < count; i++) {
      makers[numbers.below(makers.length)].add();
      const inputs = Math.min(i, numbers.below(degree + 1));
      for (let k = 0; k < inputs; k++) builder.input(i - 1 - numbers.below(Math.min(i, window)));
    }
  },
};
