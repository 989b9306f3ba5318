/**
 * Python tasks of existing programs: wire version 2, a package `loom` that is not ours on the
 * worker's PYTHONPATH, functions and tasks of that package. What docs/wire-v2.md says of loom/py/call.
 */
import { execFileSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { describe, expect, it } from "vitest";
import { defaultPython } from "../../src/executors/index.js";
import type { ClassicClient } from "./classic-client.js";
import { useCluster } from "./cluster.js";
import type { PlanBuilder } from "./plan-builder.js";

const folder = join(import.meta.dirname, "python");
process.env.PYTHONPATH = [folder, process.env.PYTHONPATH].filter(Boolean).join(delimiter);
const pickles = JSON.parse(
  execFileSync(defaultPython(), [join(folder, "make_pickles.py")], { encoding: "utf8" }),
) as Record<string, string>;
const pickle = (name: string): Buffer => Buffer.from(pickles[name], "base64");

const cluster = useCluster(2);

const value = (plan: PlanBuilder, name: string): number =>
  plan.add("loom/py/value", { config: pickle(name) });

/** A call of the function, as a result. */
function call(plan: PlanBuilder, name: string, inputs: number[], args?: string): number {
  return plan.result("loom/py/call", {
    inputs: [value(plan, name), ...inputs],
    config: args === undefined ? new Uint8Array(0) : pickle(args),
    cpus: 1,
  });
}

async function evaluate(build: (plan: PlanBuilder) => number): Promise<unknown> {
  return (await cluster.client()).evaluate(build);
}

/** A pyobj as Python shows it. */
async function unpickled(client: ClassicClient, id: number): Promise<string> {
  const { message, frames } = await client.fetchFrames(id);
  expect(client.symbols[message.data!.typeId]).toBe("loom/pyobj");
  expect(frames.length).toBe(1);
  const script = "import sys, cloudpickle; print(cloudpickle.load(sys.stdin.buffer))";
  return execFileSync(defaultPython(), ["-c", script], { input: frames[0], encoding: "utf8" });
}

describe("functions", () => {
  it("of their package get inputs and give bytes", async () => {
    expect(await evaluate((plan) => call(plan, "join", [plan.const("a"), plan.const("b")]))).toBe(
      "a+b",
    );
  });

  it("find their own package, not ours", async () => {
    expect(await evaluate((plan) => call(plan, "owner", []))).toBe("somebody else's");
  });

  it("with a context and direct arguments", async () => {
    expect(await evaluate((plan) => call(plan, "repeat", [plan.const("ABC")], "args"))).toBe(
      "ABCABCABC",
    );
    expect(cluster.log.some(({ msg }) => msg === "called")).toBe(true);
  });

  it("return tasks of their own class, executed in their place", async () => {
    expect(
      await evaluate((plan) => call(plan, "redirect", [plan.const("a"), plan.const("b")])),
    ).toBe("a, const, b");
  });

  it("return sequences, which become arrays", async () => {
    expect(await evaluate((plan) => call(plan, "nested", []))).toEqual(["text", ["bytes", []]]);
  });

  it("look into arrays and indexes", async () => {
    expect(
      await evaluate((plan) => {
        const parts = [plan.const("x"), plan.const("y")];
        return call(plan, "pick", [plan.add("loom/array/make", { inputs: parts })]);
      }),
    ).toBe("y");
    expect(
      await evaluate((plan) => {
        const lines = plan.const("a\nbc\n");
        return call(plan, "count", [plan.add("loom/data/split", { inputs: [lines] })]);
      }),
    ).toBe("[5, 2, 2, ['a\\n', 'bc\\n']]");
  });

  it("take and give Python objects", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const id = call(plan, "use", [value(plan, "value")]);
    const shown = call(plan, "show", [plan.const("no Python object")]);
    await client.run(plan);
    expect(await unpickled(client, id)).toBe("[1, 2, 3, 40]\n");
    expect(await client.fetch(shown)).toBe("None");
  });

  it("are not used up by one plan", async () => {
    const client = await cluster.client();
    for (let i = 0; i < 3; i++) {
      expect(await client.evaluate((plan) => call(plan, "join", [plan.const(`${i}`)]))).toBe(
        `${i}`,
      );
    }
  });
});

describe("failures", () => {
  it("an exception: with the traceback", async () => {
    const message = await cluster.failureOf((plan) => call(plan, "fail", [plan.const("way")]));
    expect(message).toMatch(/Traceback/);
    expect(message).toMatch(/ValueError: no: way$/m);
    expect(message).not.toMatch(/function_process/);
  });

  it("a result that is none", async () => {
    expect(await cluster.failureOf((plan) => call(plan, "bad", []))).toMatch(
      /^Invalid result from python code.*int/,
    );
  });

  it("no function, and no Python object", async () => {
    expect(await cluster.failureOf((plan) => plan.result("loom/py/call", { config: "" }))).toMatch(
      /first input must be the function/,
    );
    expect(
      await cluster.failureOf((plan) => plan.result("loom/py/call", { inputs: [plan.const("f")] })),
    ).toMatch(/first input must be the function \(a Python object\), it is of kind plain/);
    expect(
      await cluster.failureOf((plan) =>
        plan.result("loom/py/call", { inputs: [plan.add("loom/py/value", { config: "junk" })] }),
      ),
    ).toMatch(/pickle|unpickl/i);
  });

  it("nothing else is affected", async () => {
    expect(await evaluate((plan) => call(plan, "join", [plan.const("fine")]))).toBe("fine");
  });
});
