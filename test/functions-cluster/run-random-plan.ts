/** Executes a random plan and compares what comes with the model. Called by random-plans.test.ts. */
import {
  type Client,
  type Context,
  cpus,
  type Data,
  type Future,
  jsTask,
  Task,
  TaskFailed,
  tasks,
} from "hyperloom";
import {
  Failed,
  type Operation,
  type Plan,
  type PlannedTask,
  type Value,
  Wrapped,
} from "./random-plans.js";
import { within } from "./shared-cluster.js";

type Loose = (...args: unknown[]) => Task;

const jsUpper = jsTask((d: Data) => d.text().toUpperCase());
/** As those do who use JavaScript. */
const functions = {
  jsUpper,
  jsReverse: jsTask((d: Data) => [...d.text()].reverse().join("")),
  jsJoin: jsTask((...all: Data[]) => all.map((d) => d.text()).join(",")),
  jsRepeat: jsTask(async (times: number, d: Data) => d.text().repeat(times)),
  jsPair: jsTask((a: Data, b: Data) => [b, ["in between"], a]),
  jsPick: jsTask((i: number, d: Data) => d.at(i)),
  jsWrap: jsTask(
    (ctx: Context, d: Data) => ctx.wrap({ text: d.text(), map: new Map([[1, d.text()]]) }),
    {
      context: true,
    },
  ),
  jsUnwrap: jsTask((d: Data<{ map: Map<number, string> }>) => d.unwrap().map.get(1) as string),
  jsRedirect: jsTask((n: number, d: Data) => tasks.merge([d, tasks.const(`${n}`)], "|")),
  jsTwice: jsTask((d: Data) => tasks.arrayMake([jsUpper(d), tasks.run("cat", { stdin: d })])),
  jsFail: jsTask((d: Data): string => {
    throw new Error(`fails as planned with ${d.size} bytes`);
  }),
} as unknown as Record<string, Loose>;

const SOURCE = `
from loom import tasks

def pyUpper(d): return d.read().upper()
def pyReverse(d): return d.read()[::-1]
def pyJoin(*all): return b",".join(d.read() for d in all)
async def pyRepeat(times, d): return d.read() * times
def pyPair(a, b): return (b, ["in between"], a)
def pyPick(i, d): return d[i]
def pyWrap(ctx, d): return ctx.wrap({"text": d.read(), "numbers": (1, 2)})
def pyUnwrap(d): return d.unwrap()["text"]
def pyRedirect(n, d): return tasks.merge((d, tasks.const(str(n))), "|")
def pyTwice(d): return tasks.array_make((tasks.py_call(pyUpper, (d,)), tasks.run("cat", stdin=d)))
def pyFail(d): raise ValueError(f"fails as planned with {d.size()} bytes")
`;
const WITH_ARGUMENT = /(Pick|Repeat|Redirect)$/;

function makeTask(planned: PlannedTask, inputs: readonly (Task | Future)[]): Task {
  const { operation, cpus: cores, number } = planned;
  const task = makeOperation(planned, inputs as Task<Buffer>[]);
  const isFunction = /^(js|py)/.test(operation);
  const request = isFunction ? (cores > 0 ? cpus(cores) : undefined) : task.request;
  const { type, config } = task;
  const label = `t${number}`;
  const policy = isFunction && number % 7 === 0 ? "once" : "repeat";
  return new Task({ type, config, inputs: task.inputs, request, label, policy });
}

function makeOperation(
  { operation, argument }: PlannedTask,
  inputs: readonly Task<Buffer>[],
): Task {
  switch (operation) {
    case "const":
      return tasks.const(`Text ${argument} `.repeat(1 + (argument % 5)));
    case "merge":
      return tasks.merge(inputs, ",");
    case "get":
      return tasks.get(inputs[0] as Task<unknown> as Task<unknown[]>, argument);
    case "size":
      // As text, like all others.
      return jsTextOfSize(tasks.size(...inputs));
    case "arrayMake":
      return tasks.arrayMake(inputs);
    case "cat":
      return tasks.run("cat", { stdin: inputs[0] });
    default:
      return callOf(operation, argument, inputs);
  }
}

const jsTextOfSize = jsTask((d: Data) => `${Buffer.from(d.bytes()).readBigUInt64LE()}`);

function callOf(operation: Operation, argument: number, inputs: readonly Task<Buffer>[]): Task {
  const args = WITH_ARGUMENT.test(operation) ? [argument] : [];
  if (operation.startsWith("js")) return functions[operation](...args, ...inputs);
  const context = operation === "pyWrap";
  return tasks.pythonSource(SOURCE, { function: operation, args, inputs, context });
}

/** What may go wrong besides what is planned, as a text of the failure. */
export type Excuse = RegExp | undefined;

/** Throws an Error that shows the plan when something is wrong. */
export async function runPlan(
  client: Client,
  plan: Plan,
  excuse: Excuse = undefined,
): Promise<void> {
  const made = new Map<number, Task>();
  const futures = new Map<number, Future>();
  const planned = plan.flatMap(({ tasks }) => tasks);
  try {
    for (const { tasks: added, released } of plan) {
      for (const task of added) {
        made.set(
          task.number,
          makeTask(
            task,
            task.inputs.map((input) => futures.get(input) ?? made.get(input)!),
          ),
        );
      }
      const results = added.filter(({ isResult }) => isResult);
      const submitted = client.submit(results.map(({ number }) => made.get(number)!));
      results.forEach(({ number }, i) => {
        futures.set(number, submitted[i]);
      });
      for (const number of released) {
        futures.get(number)?.release();
        futures.delete(number);
      }
    }
    await Promise.all(
      [...futures].map(async ([number, future]) => {
        const problem = await findProblem(planned[number], future, excuse);
        if (problem !== undefined) throw new Error(`t${number} ${problem}`);
      }),
    );
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`${message}\nin the plan\n${describePlan(plan)}`, { cause: error });
  } finally {
    for (const future of futures.values()) future.release();
  }
}

async function findProblem(
  { number, value }: PlannedTask,
  future: Future,
  excuse: Excuse,
): Promise<string | undefined> {
  let got: unknown;
  try {
    got = await within(`t${number}`, future.fetch());
  } catch (error) {
    if (!(error instanceof TaskFailed)) return `failed with ${error}`;
    if (excuse?.test(error.reason)) return undefined;
    if (!(value instanceof Failed)) return `should not fail: ${error.message}`;
    const isPlanned = [...value.causes].some((cause) => error.label === `t${cause}`);
    return isPlanned && /fails as planned/.test(error.reason)
      ? undefined
      : `failed otherwise: ${error.message}`;
  }
  if (value instanceof Failed) return `should fail, but is ${show(got)}`;
  return isSame(value, got) ? undefined : `is ${show(got)}, but should be ${show(value)}`;
}

function isSame(value: Value, got: unknown): boolean {
  if (typeof value === "string") return Buffer.isBuffer(got) && got.toString("latin1") === value;
  if (value instanceof Wrapped) {
    const { text, map } = got as { text: unknown; map: unknown };
    return text === value.text && map instanceof Map && map.get(1) === value.text;
  }
  return (
    Array.isArray(got) &&
    got.length === value.length &&
    value.every((one, i) => isSame(one, got[i]))
  );
}

function describePlan(plan: Plan): string {
  return plan
    .flatMap(({ tasks: added, released }) => [
      ...added.map(({ number, operation, inputs, argument, cpus, value, isResult }) => {
        const marks = `${isResult ? " (result)" : ""} (${cpus} cpus)`;
        const on = inputs.map((input) => `t${input}`).join(", ");
        return `t${number}${marks} = ${operation} ${argument} (${on}) -> ${show(value)}`;
      }),
      `submit; release ${released}`,
    ])
    .join("\n");
}

function show(value: unknown): string {
  if (value instanceof Failed) return `failure of ${[...value.causes].map((n) => `t${n}`)}`;
  if (value instanceof Wrapped) return `${value.language}(${show(value.text)})`;
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  const text = Buffer.isBuffer(value) ? value.toString("latin1") : String(value);
  return text.length > 40 ? `${text.slice(0, 40)}… (${text.length})` : text;
}
