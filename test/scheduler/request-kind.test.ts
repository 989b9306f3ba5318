/** Distinct requests and their variants, each once. */
import { describe, expect, test } from "vitest";
import { RequestKinds } from "../../src/scheduler/request-kind.js";

const any = (name: string, amount: number) => ({ name, amount, indices: [] });

describe("RequestKinds", () => {
  test("equal requests are one object, in whatever order their resources are named", () => {
    const kinds = new RequestKinds();
    const a = kinds.find([{ cpus: 2, amounts: [any("gpus", 1), any("mem", 5)] }]);
    const b = kinds.find([{ cpus: 2, amounts: [any("mem", 5), any("gpus", 1)] }]);
    expect(b).toBe(a);
    expect(a.variants[0].amounts.map(({ name }) => name)).toEqual(["gpus", "mem"]);
    expect(kinds.variantCount).toBe(1);
  });

  test("another amount, other indices, other variants or another order of these are another one", () => {
    const kinds = new RequestKinds();
    const cpu = { cpus: 1, amounts: [] };
    const gpu = { cpus: 1, amounts: [any("gpus", 1)] };
    const half = { cpus: 1, amounts: [any("gpus", 0.5)] };
    const first = { cpus: 1, amounts: [{ name: "gpus", amount: 1, indices: ["0"] }] };
    const found = [[cpu], [gpu], [half], [first], [gpu, cpu], [cpu, gpu]].map((variants) =>
      kinds.find(variants),
    );
    expect(new Set(found).size).toBe(6);
    expect(kinds.list.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    // Variants are shared: workers know each under one number.
    expect(kinds.variantCount).toBe(4);
    expect(found[4].variants).toEqual([found[1].variants[0], found[0].variants[0]]);
    expect(found.map(({ cpusOnly }) => cpusOnly)).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  test("ids of variants count from 1, numbers of resources from 0", () => {
    const kinds = new RequestKinds();
    const kind = kinds.find([
      { cpus: 1, amounts: [any("b", 1)] },
      { cpus: 0, amounts: [any("a", 1), any("b", 2)] },
    ]);
    expect(kind.variants.map(({ id }) => id)).toEqual([1, 2]);
    expect(kind.variants.map(({ resourceIds }) => resourceIds)).toEqual([
      [kinds.resourceId("b")],
      [kinds.resourceId("a"), kinds.resourceId("b")],
    ]);
    expect([kinds.resourceId("b"), kinds.resourceId("a")]).toEqual([0, 1]);
  });

  test("nothing asked for is kind 0, light", () => {
    const kinds = new RequestKinds();
    expect(kinds.find([])).toBe(kinds.list[0]);
    expect(kinds.list[0].light).toBe(true);
    expect(kinds.find([{ cpus: 1, amounts: [] }]).light).toBe(false);
  });
});
