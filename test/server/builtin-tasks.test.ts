/** Each built-in task, with the ways in which it fails, as a classic client sees it. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Value } from "./classic-client.js";
import { useCluster } from "./cluster.js";
import { waitFor } from "./deadline.js";
import { type PlanBuilder, u64 } from "./plan-builder.js";

const cluster = useCluster(2);

async function evaluate(build: (plan: PlanBuilder) => number): Promise<Value> {
  return (await cluster.client()).evaluate(build);
}

describe("loom/data/const", () => {
  it("is its config", async () => {
    expect(await evaluate((plan) => plan.const("some bytes", true))).toBe("some bytes");
  });

  it("may be empty, or larger than what travels inside messages", async () => {
    const client = await cluster.client();
    const large = "0123456789".repeat(100_000);
    expect(await client.evaluate((plan) => plan.const("", true))).toBe("");
    expect(await client.evaluate((plan) => plan.const(large, true))).toBe(large);
  });

  it.each([63, 64, 65])("of %i bytes, around the limit of small results", async (length) => {
    const content = "x".repeat(length);
    expect(await evaluate((plan) => plan.const(content, true))).toBe(content);
  });

  it("takes no inputs", async () => {
    const message = await cluster.failureOf((plan) =>
      plan.result("loom/data/const", { inputs: [plan.const("a")], config: "b" }),
    );
    expect(message).toBe("loom/data/const: takes no inputs, got 1");
  });
});

describe("loom/data/merge", () => {
  it.each([
    ["", "onetwothree"],
    [", ", "one, two, three"],
  ])("joins with the delimiter %j", async (config, joined) => {
    const value = await evaluate((plan) => {
      const inputs = ["one", "two", "three"].map((text) => plan.const(text));
      return plan.result("loom/data/merge", { inputs, config });
    });
    expect(value).toBe(joined);
  });

  it("of nothing is empty, of one is that one without a delimiter", async () => {
    const client = await cluster.client();
    expect(await client.evaluate((plan) => plan.result("loom/data/merge", { config: "-" }))).toBe(
      "",
    );
    const one = await client.evaluate((plan) =>
      plan.result("loom/data/merge", { inputs: [plan.const("x")], config: "-" }),
    );
    expect(one).toBe("x");
  });

  it("takes the same input several times", async () => {
    const value = await evaluate((plan) => {
      const [a, b] = [plan.const("a"), plan.const("b")];
      return plan.result("loom/data/merge", { inputs: [a, b, a, a, b], config: "|" });
    });
    expect(value).toBe("a|b|a|a|b");
  });

  it("joins the content of files and the pieces of indexes", async () => {
    writeFileSync(cluster.path("merged"), "x\ny\n");
    const value = await evaluate((plan) => {
      const file = plan.add("loom/data/open", { config: cluster.path("merged") });
      const index = plan.add("loom/data/split", { inputs: [file] });
      return plan.result("loom/data/merge", { inputs: [index, file, plan.const("z")] });
    });
    expect(value).toBe("x\ny\nx\ny\nz");
  });

  it("does not take arrays", async () => {
    const message = await cluster.failureOf((plan) => {
      const array = plan.add("loom/array/make", { inputs: [plan.const("a")] });
      return plan.result("loom/data/merge", { inputs: [plan.const("a"), array] });
    });
    expect(message).toMatch(/^loom\/data\/merge: input 1 is an array/);
  });
});

describe("loom/data/open", () => {
  it("delivers a file as its content", async () => {
    const path = cluster.path("opened é");
    const content = "line\n".repeat(100_000);
    writeFileSync(path, content);
    const value = await evaluate((plan) => plan.result("loom/data/open", { config: path }));
    expect(value).toBe(content);
  });

  it("delivers an empty file", async () => {
    const path = cluster.path("empty");
    writeFileSync(path, "");
    expect(await evaluate((plan) => plan.result("loom/data/open", { config: path }))).toBe("");
  });

  it.each([
    ["a file that is not there", () => cluster.path("nowhere")],
    ["a directory", () => cluster.directory],
  ])("fails for %s and names it", async (_, path) => {
    const message = await cluster.failureOf((plan) =>
      plan.result("loom/data/open", { config: path() }),
    );
    expect(message).toContain(path());
  });

  it("fails without a path", async () => {
    expect(await cluster.failureOf((plan) => plan.result("loom/data/open"))).toContain(
      "config is empty",
    );
  });
});

describe("loom/data/split", () => {
  it.each([
    ["after newlines by default", "a\nbb\n\nc", "", ["a\n", "bb\n", "\n", "c"]],
    ["after its own delimiter", "a,b\n,c,", ",", ["a,", "b\n,", "c,"]],
    ["nothing into nothing", "", "", []],
    ["what has no delimiter into one piece", "abc", ";", ["abc"]],
  ])("splits %s", async (_, content, config, pieces) => {
    const value = await evaluate((plan) =>
      plan.result("loom/data/split", { inputs: [plan.const(content)], config }),
    );
    expect(value).toEqual(pieces);
  });

  it("takes one delimiter byte and one input", async () => {
    const long = await cluster.failureOf((plan) =>
      plan.result("loom/data/split", { inputs: [plan.const("a")], config: "ab" }),
    );
    expect(long).toContain("the config has 2 bytes");
    const two = await cluster.failureOf((plan) =>
      plan.result("loom/data/split", { inputs: [plan.const("a"), plan.const("b")] }),
    );
    expect(two).toBe("loom/data/split: takes 1 input, got 2");
  });
});

describe("loom/data/save", () => {
  it("writes the file before it is finished; the result is empty", async () => {
    const path = cluster.path("saved");
    const value = await evaluate((plan) =>
      plan.result("loom/data/save", { inputs: [plan.const("to keep")], config: path }),
    );
    expect(value).toBe("");
    expect(readFileSync(path, "utf8")).toBe("to keep");
  });

  it("happens also when nobody wants its result", async () => {
    const client = await cluster.client();
    const path = cluster.path("saved silently");
    const plan = client.plan();
    const content = plan.const("x", true);
    plan.add("loom/data/save", { inputs: [content], config: path });
    await client.run(plan);
    await waitFor(() => existsSync(path), "the file is there");
  });

  it("fails for a relative path, a missing directory, an array", async () => {
    const relative = await cluster.failureOf((plan) =>
      plan.result("loom/data/save", { inputs: [plan.const("a")], config: "here" }),
    );
    expect(relative).toBe('loom/data/save: the path "here" is relative, it must be absolute');
    const missing = await cluster.failureOf((plan) =>
      plan.result("loom/data/save", {
        inputs: [plan.const("a")],
        config: cluster.path("no/such/file"),
      }),
    );
    expect(missing).toContain(`there is no directory "${cluster.path("no/such")}"`);
    const array = await cluster.failureOf((plan) =>
      plan.result("loom/data/save", {
        inputs: [plan.add("loom/array/make")],
        config: cluster.path("array"),
      }),
    );
    expect(array).toContain("input 0 is an array");
  });
});

describe("loom/base/get", () => {
  const letters = (plan: PlanBuilder) =>
    plan.add("loom/array/make", { inputs: ["a", "b", "c"].map((text) => plan.const(text)) });
  const lines = (plan: PlanBuilder) =>
    plan.add("loom/data/split", { inputs: [plan.const("x\ny\n")] });

  it("takes an element of an array or an index", async () => {
    const client = await cluster.client();
    const get = (source: (plan: PlanBuilder) => number, at: number) =>
      client.evaluate((plan) =>
        plan.result("loom/base/get", { inputs: [source(plan)], config: u64(at) }),
      );
    expect(await get(letters, 0)).toBe("a");
    expect(await get(letters, 2)).toBe("c");
    expect(await get(lines, 1)).toBe("y\n");
  });

  it.each([3n, 2n ** 63n])("fails at index %i and names index and length", async (index) => {
    const message = await cluster.failureOf((plan) =>
      plan.result("loom/base/get", { inputs: [letters(plan)], config: u64(index) }),
    );
    expect(message).toBe(`loom/base/get: index ${index} is out of range, the object has length 3`);
  });

  it("fails for a plain object and for a config of another length", async () => {
    const plain = await cluster.failureOf((plan) =>
      plan.result("loom/base/get", { inputs: [plan.const("a")], config: u64(0) }),
    );
    expect(plain).toContain("the input is a plain object");
    const config = await cluster.failureOf((plan) =>
      plan.result("loom/base/get", { inputs: [letters(plan)], config: "abc" }),
    );
    expect(config).toContain("the config has 3 bytes");
  });
});

describe("loom/base/slice", () => {
  it.each([
    [1, 3, ["b", "c"]],
    [0, 100, ["a", "b", "c", "d"]],
    [2, 2, []],
    [3, 1, []],
    [50, 60, []],
  ])("of an array from %i to %i, clamped, is an array", async (start, end, expected) => {
    const value = await evaluate((plan) => {
      const inputs = ["a", "b", "c", "d"].map((text) => plan.const(text));
      const array = plan.add("loom/array/make", { inputs });
      return plan.result("loom/base/slice", { inputs: [array], config: u64(start, end) });
    });
    expect(value).toEqual(expected);
  });

  it.each([
    [1, 3, "b\nc\n"],
    [0, 9, "a\nb\nc\n"],
    [3, 2, ""],
  ])("of an index from %i to %i is the pieces joined", async (start, end, expected) => {
    const value = await evaluate((plan) => {
      const index = plan.add("loom/data/split", { inputs: [plan.const("a\nb\nc\n")] });
      return plan.result("loom/base/slice", { inputs: [index], config: u64(start, end) });
    });
    expect(value).toBe(expected);
  });
});

describe("loom/base/size, loom/base/length", () => {
  async function numberOf(type: string, source: (plan: PlanBuilder) => number[]): Promise<bigint> {
    const client = await cluster.client();
    const plan = client.plan();
    const id = plan.result(type, { inputs: source(plan) });
    await client.run(plan);
    const { frames } = await client.fetchFrames(id);
    expect(frames[0]).toHaveLength(8);
    return frames[0].readBigUInt64LE();
  }

  it("sums sizes and lengths over all inputs", async () => {
    const source = (plan: PlanBuilder) => {
      const text = plan.const("a\nbb\n");
      const index = plan.add("loom/data/split", { inputs: [text] });
      const array = plan.add("loom/array/make", { inputs: [text, text, index] });
      return [text, index, array];
    };
    expect(await numberOf("loom/base/size", source)).toBe(5n + 5n + 15n);
    expect(await numberOf("loom/base/length", source)).toBe(0n + 2n + 3n);
    expect(await numberOf("loom/base/size", () => [])).toBe(0n);
  });

  it("takes no config", async () => {
    const message = await cluster.failureOf((plan) =>
      plan.result("loom/base/size", { config: "x" }),
    );
    expect(message).toBe("loom/base/size: takes no config, got 1 bytes");
  });
});
