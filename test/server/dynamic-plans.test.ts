/** dslice and dget, as a classic client sees them. */
import { describe, expect, it } from "vitest";
import { useCluster } from "./cluster.js";
import { type PlanBuilder, u64 } from "./plan-builder.js";

const cluster = useCluster(2);

function lines(plan: PlanBuilder, text = "one\ntwo\n"): number {
  return plan.add("loom/data/split", { inputs: [plan.const(text)] });
}

describe("a classic client", () => {
  it("gets all results in one array", async () => {
    const client = await cluster.client();
    const value = await client.evaluate((plan) => {
      const each = plan.add("loom/scheduler/dget", { inputs: [lines(plan)] });
      const part = plan.add("loom/scheduler/dslice", { inputs: [lines(plan, "three\n")] });
      const joined = plan.add("loom/data/merge", { inputs: [each, part], config: "+" });
      return plan.result("loom/array/make", { inputs: [joined, plan.const("end")] });
    });
    expect(value).toEqual(["one\n+three\n", "two\n+three\n", "end"]);
  });

  it("is told that there is no element to get", async () => {
    const message = await cluster.failureOf((plan) => {
      const each = plan.add("loom/scheduler/dget", { inputs: [lines(plan, "")] });
      plan.result("loom/array/make", { inputs: [each] });
      return each;
    });
    expect(message).toBe(
      "loom/scheduler/dget: the input is empty (an index), it has no element to get",
    );
  });

  it("is told the id of the task that was copied", async () => {
    const message = await cluster.failureOf((plan) => {
      const each = plan.add("loom/scheduler/dget", { inputs: [lines(plan)] });
      const element = plan.add("loom/base/get", { inputs: [each], config: u64(0) });
      plan.result("loom/array/make", { inputs: [element] });
      return element;
    });
    expect(message).toMatch(/^loom\/base\/get: the input is a plain object/);
  });
});
