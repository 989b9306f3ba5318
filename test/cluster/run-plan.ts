/** Runs a random plan through a client and compares what comes with the model. */
import { type Client, type Future, TaskFailed, tasks } from "../../src/client/index.js";
import type { Task } from "../../src/graph/index.js";
import { Failed, isSame, type Operation, Pieces } from "./model.js";
import type { Plan, PlannedTask } from "./random-plans.js";
import { within } from "./test-cluster.js";

/** Gets each future as soon as there is one. */
export type Watch = (future: Future) => void;

/**
 * Submits the plan step by step, compares what comes with the model and releases everything.
 * Throws an Error that shows the plan when something is wrong.
 */
export async function runPlan(client: Client, plan: Plan, watch: Watch = () => {}): Promise<void> {
  const futures = new Map<number, Future>();
  /** Tasks that need no future: they can be submitted again in any step. */
  const independent = new Map<number, Task>();
  const planned = plan.flatMap((step) => step.tasks);
  const check = async (number: number): Promise<void> => {
    const future = futures.get(number)!;
    const { value } = planned[number];
    const outcome = await within(`the result of t${number}`, outcomeOf(future));
    const problem = findProblem(planned[number], outcome);
    if (problem !== undefined) throw new Error(`t${number}: ${problem}`);
    const status = value instanceof Failed ? "failed" : "finished";
    if (future.status !== status) throw new Error(`t${number}: its status is ${future.status}`);
  };
  const release = (numbers: Iterable<number>) => {
    for (const number of [...numbers]) {
      futures.get(number)!.release();
      futures.delete(number);
    }
  };
  try {
    for (const step of plan) {
      // What earlier steps made is their future if it is still held, else it is computed again.
      const made = new Map<number, Task>();
      const inputOf = (number: number): Task | Future => futures.get(number) ?? taskOf(number);
      const taskOf = (number: number): Task => {
        let task = independent.get(number) ?? made.get(number);
        if (task === undefined) {
          const inputs = planned[number].inputs.map(inputOf);
          task = makeTask(planned[number], inputs);
          const alone = inputs.every((input) => [...independent.values()].includes(input as Task));
          (alone ? independent : made).set(number, task);
        }
        return task;
      };
      const results = step.tasks.filter(({ isResult }) => isResult);
      const submitted: Future[] = client.submit(results.map(({ number }) => taskOf(number)));
      results.forEach(({ number }, i) => {
        futures.set(number, submitted[i]);
        watch(submitted[i]);
      });
      release(step.releasedEarly);
      await Promise.all(step.read.map(check));
      release(step.releasedLate);
    }
    await Promise.all([...futures.keys()].map(check));
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${message}\nin the plan\n${describePlan(plan)}`, { cause: error });
  } finally {
    release(futures.keys());
  }
}

async function outcomeOf(future: Future): Promise<{ value: unknown } | { error: unknown }> {
  try {
    return { value: await future.fetch() };
  } catch (error) {
    return { error };
  }
}

function findProblem(
  task: PlannedTask,
  outcome: { value: unknown } | { error: unknown },
): string | undefined {
  const { value } = task;
  if ("value" in outcome) {
    if (value instanceof Failed) return `it should fail, but is ${describeValue(outcome.value)}`;
    if (isSame(value, outcome.value)) return undefined;
    return `it is ${describeValue(outcome.value)}, but should be ${describeValue(value)}`;
  }
  const { error } = outcome;
  if (!(error instanceof TaskFailed)) return `it failed with ${error}`;
  if (!(value instanceof Failed)) return `it should not fail: ${error.message}`;
  const cause = [...value.causes].find((number) => error.label === `t${number}`);
  return cause === undefined ? `it failed because of another task: ${error.message}` : undefined;
}

function makeTask(task: PlannedTask, inputs: (Task | Future)[]): Task {
  const plain = makeOperation(task.operation, inputs);
  // A failure must be recognized; of others only some: a label takes another way to the worker.
  const labelled = task.value instanceof Failed || task.number % 3 === 0;
  const made = labelled ? plain.withLabel(`t${task.number}`) : plain;
  return task.cpus > 0 && made.request === undefined ? made.withCpus(task.cpus) : made;
}

function makeOperation(operation: Operation, inputs: (Task | Future)[]): Task {
  const bytes = inputs as (Task<Buffer> | Future<Buffer>)[];
  const lists = inputs as (Task<Buffer[]> | Future<Buffer[]>)[];
  switch (operation.op) {
    case "const":
      return tasks.const(operation.bytes);
    case "open":
      return tasks.open(operation.path);
    case "merge":
      return tasks.merge(bytes, operation.delimiter);
    case "split":
      return tasks.split(bytes[0], operation.delimiter);
    case "slice":
      return tasks.slice(lists[0], operation.start, operation.end);
    case "get":
      return tasks.get(lists[0], operation.index);
    case "size":
      return tasks.size(...inputs);
    case "length":
      return tasks.length(...inputs);
    case "arrayMake":
      return tasks.arrayMake(inputs);
    case "cat":
      return tasks.run("cat", { stdin: inputs[0] });
    case "echo":
      return tasks.run(["printf", "%s:%s", inputs[0], inputs[1]]);
    case "twoFiles":
      return tasks.run(["sh", "-c", "cat first second; cat second >copy"], {
        inputs: { first: inputs[0], second: inputs[1] },
        outputs: ["+out", "copy"],
      });
    case "exit":
      return tasks.run(["sh", "-c", `exit ${operation.status}`]);
  }
}

function describePlan(plan: Plan): string {
  return plan
    .map(({ tasks, releasedEarly, read, releasedLate }) => {
      const lines = tasks.map(({ number, operation, inputs, value, isResult, cpus }) => {
        const { op, ...rest } = operation;
        const details = Object.entries(rest).map(([name, of]) => `${name} ${describeValue(of)}`);
        const marks = `${isResult ? " (result)" : ""}${cpus > 0 ? ` (${cpus} cpus)` : ""}`;
        const on = inputs.map((input) => `t${input}`).join(", ");
        return `t${number}${marks} = ${op}(${on}) ${details.join(" ")} -> ${describeValue(value)}`;
      });
      const end = `submit; release ${releasedEarly}; read ${read}; release ${releasedLate}`;
      return [...lines, end].join("\n");
    })
    .join("\n");
}

function describeValue(value: unknown): string {
  if (Buffer.isBuffer(value)) {
    const text = value.toString("latin1");
    return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}… ${text.length} bytes` : text);
  }
  if (value instanceof Pieces) return `pieces ${describeValue(value.pieces)}`;
  if (value instanceof Failed) return `failure of ${[...value.causes].map((n) => `t${n}`)}`;
  if (Array.isArray(value)) return `[${value.map(describeValue).join(", ")}]`;
  return String(value);
}
