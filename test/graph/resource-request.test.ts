/** Requests as users write them: amounts, variants, what is refused. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AmountInit,
  addUpAmounts,
  anyOf,
  buildPlan,
  checkRequest,
  cpus,
  parseResourceAmount,
  type ResourceRequest,
  resources,
  roundAmount,
  Task,
} from "../../src/graph/index.js";

const named = (name: string, value: number, indices?: string[]) =>
  indices === undefined
    ? { name: `loom/resource/${name}`, value }
    : { name: `loom/resource/${name}`, value, indices };

describe("amounts in texts", () => {
  it.each([
    ["64GiB", 64 * 2 ** 30],
    ["1.5 KiB", 1536],
    ["2MiB", 2 ** 21],
    ["1TiB", 2 ** 40],
    ["3kB", 3000],
    ["3MB", 3e6],
    ["0.3GB", 3e8],
    ["7TB", 7e12],
    ["12B", 12],
    ["0.5", 0.5],
    [" 8 ", 8],
    ["0.00006", 0.0001],
    ["0", 0],
  ])("%s is %d", (text, amount) => {
    expect(parseResourceAmount(text)).toBe(amount);
  });

  it.each([
    "",
    "GiB",
    "-1",
    "+1",
    "1e3",
    "1.",
    ".5",
    "64 gib",
    "64Gib",
    "64GiB/s",
    "0x10",
    "NaN",
    "1 2",
    "1constructor",
    "Infinity",
  ])("%j is none", (text) => {
    expect(parseResourceAmount(text)).toBeUndefined();
  });

  it("are multiples of 1/10000, whole numbers as they are", () => {
    expect([0.00004, 0.00005, 1 / 3, 0.1 + 0.2].map(roundAmount)).toEqual([0, 0.0001, 0.3333, 0.3]);
    const whole = fc.nat(Number.MAX_SAFE_INTEGER);
    fc.assert(fc.property(whole, (amount) => roundAmount(amount) === amount));
    const any = fc.double({ min: 0, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(any, (amount) => {
        const rounded = roundAmount(amount);
        expect(Math.abs(rounded - amount)).toBeLessThanOrEqual(0.000051);
        expect(roundAmount(rounded)).toBe(rounded);
      }),
    );
  });
});

describe("resources()", () => {
  it("makes a request of amounts by name, in the order of the names", () => {
    expect(resources({ mem: "64GiB", gpus: 0.5, cpus: 4 })).toEqual({
      resources: [named("cpus", 4), named("gpus", 0.5), named("mem", 2 ** 36)],
    });
    expect(resources({ gpus: { indices: ["0", "3"] }, "licences.x-1": "0.25" })).toEqual({
      resources: [named("gpus", 2, ["0", "3"]), named("licences.x-1", 0.25)],
    });
    expect(resources({ cpus: 3 })).toEqual(cpus(3));
  });

  it.each<[string, unknown, RegExp]>([
    ["nothing", {}, /resources\(\) needs an amount/],
    ["no object", undefined, /needs an amount/],
    ["no cpus", { cpus: 0 }, /amount of cpus must be a number above 0.*got 0/],
    ["half a cpu", { cpus: 0.5 }, /asks for 0.5 cpus; it must be a whole number/],
    ["too many cpus", { cpus: 65_536 }, /65536 cpus, no worker has over 65535/],
    ["a negative number of cpus", { cpus: -1 }, /amount of cpus must be/],
    ["particular cpus", { cpus: { indices: ["0"] } }, /names particular cpus; ask for a number/],
    ["no gpus", { gpus: 0 }, /asks for 0 gpus; it must be a number above 0, at least 1\/10000/],
    ["less than the least", { gpus: 0.00004 }, /asks for 0.00004 gpus/],
    ["less than nothing", { gpus: -1 }, /asks for -1 gpus/],
    ["no number", { gpus: Number.NaN }, /asks for NaN gpus/],
    ["an endless number", { mem: Number.POSITIVE_INFINITY }, /asks for Infinity mem/],
    ["an unknown unit", { mem: "64GIB" }, /amount of mem must be .* a text like "64GiB".*got "64G/],
    ["null", { mem: null }, /amount of mem must be .* got null/],
    ["a list", { mem: ["0"] }, /amount of mem must be/],
    ["true", { mem: true }, /amount of mem must be/],
    ["no indices", { gpus: { indices: [] } }, /amount of gpus must be/],
    [
      "indices that are numbers",
      { gpus: { indices: [0] } },
      /names one of the gpus 0; indices are/,
    ],
    ["an empty index", { gpus: { indices: [""] } }, /indices are texts of 1 to 64 characters/],
    ["a long index", { gpus: { indices: ["x".repeat(65)] } }, /indices are texts/],
    ["an index twice", { gpus: { indices: ["1", "1"] } }, /names one of the gpus twice/],
    ["an empty name", { "": 1 }, /names the resource ""; names have 1 to 64 letters/],
    ["a name with a slash", { "a/b": 1 }, /names the resource "a\/b"/],
    ["a name that begins with a digit", { "1a": 1 }, /names the resource/],
    ["a long name", { ["x".repeat(65)]: 1 }, /names the resource/],
    [
      "256 indices",
      { gpus: { indices: Array.from({ length: 256 }, (_, i) => `${i}`) } },
      /names 256 gpus, at most 255/,
    ],
    [
      "65 resources",
      Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`r${i}`, 1])),
      /asks for 65 resources, at most 64/,
    ],
  ])("refuses %s", (_, amounts, problem) => {
    expect(() => resources(amounts as Record<string, AmountInit>)).toThrow(problem);
    expect(() => resources(amounts as Record<string, AmountInit>)).toThrow(
      expect.objectContaining({ code: "usage" }),
    );
  });
});

describe("anyOf()", () => {
  it("lists variants in order of preference", () => {
    const gpu = resources({ gpus: 1, cpus: 4 });
    expect(anyOf(gpu, cpus(16), cpus(8))).toEqual({
      resources: gpu.resources,
      alternatives: [cpus(16), cpus(8)],
    });
    expect(anyOf(gpu)).toEqual({ resources: gpu.resources, alternatives: [] });
  });

  it("refuses variants of variants, and what is no request", () => {
    const two = anyOf(cpus(1), cpus(2));
    expect(() => anyOf(two, cpus(3))).toThrow(/list all of them in one anyOf\(\)/);
    expect(() => anyOf(cpus(3), two)).toThrow(/list all of them in one anyOf\(\)/);
    for (const wrong of [undefined, null, 4, {}, { cpus: 4 }]) {
      expect(() => anyOf(cpus(1), wrong as never), String(wrong)).toThrow(/is no resource request/);
      expect(() => anyOf(wrong as never)).toThrow(/is no resource request; make one with/);
    }
  });
});

describe("entries of one resource", () => {
  it("count together", () => {
    const list = [
      { name: "gpus", value: 0.1 },
      { name: "cpus", value: 2 },
      { name: "gpus", value: 0.2 },
      { name: "cpus", value: 3 },
      { name: "fpga", value: 1, indices: ["a"] },
      { name: "fpga", value: 2, indices: ["b", "c"] },
    ];
    expect(addUpAmounts(list)).toEqual({
      cpus: 5,
      amounts: [
        { name: "gpus", amount: 0.3, indices: [] },
        { name: "fpga", amount: 3, indices: ["a", "b", "c"] },
      ],
    });
    expect(addUpAmounts([])).toEqual({ cpus: 0, amounts: [] });
  });

  it("must not contradict each other", () => {
    const any = { name: "gpus", value: 1 };
    const first = { name: "gpus", value: 1, indices: ["0"] };
    expect(addUpAmounts([any, first])).toMatch(/asks for particular gpus and for any of them/);
    expect(addUpAmounts([first, any])).toMatch(/asks for particular gpus and for any of them/);
    expect(addUpAmounts([first, first])).toMatch(/names one of the gpus twice/);
    expect(addUpAmounts([{ ...first, value: 2 }])).toMatch(/names 1 of the gpus but asks for 2/);
    const most = { name: "mem", value: Number.MAX_VALUE };
    expect(addUpAmounts([most, most])).toMatch(/asks for Infinity mem/);
  });
});

describe("a request made by hand", () => {
  const planOf = (...requests: unknown[]) =>
    buildPlan(
      requests.map((request) => {
        const options = { request: request as ResourceRequest, label: "L" };
        return new Task("test/x", new Uint8Array(0), [], options);
      }),
      { idBase: 0, resultId: () => 0 },
    );

  it("is checked when its task is submitted, naming the task", () => {
    const cases: [unknown, RegExp][] = [
      [5, /task "L" \(test\/x\): number is no resource request/],
      [{ resources: [named("gpus", -1)] }, /task "L" \(test\/x\): the request asks for -1 gpus/],
      [{ resources: [named("cpus", 1.5)] }, /asks for 1.5 cpus/],
      [{ resources: [{ name: "app/gpu", value: 0.5 }] }, /asks for 0.5 of "app\/gpu"; it must be/],
      [{ resources: [], alternatives: [{ resources: [named("gpus", 0)] }] }, /asks for 0 gpus/],
    ];
    for (const [request, problem] of cases) expect(() => planOf(request)).toThrow(problem);
    expect(() => checkRequest({ resources: [named("cpus", 0)] }, "x")).not.toThrow();
  });

  it("is listed once, told apart by indices and alternatives", () => {
    const distinct = [
      resources({ gpus: 1 }),
      resources({ gpus: { indices: ["0"] } }),
      resources({ gpus: { indices: ["1"] } }),
      anyOf(resources({ gpus: 1 }), cpus(1)),
      anyOf(resources({ gpus: 1 }), cpus(2)),
      anyOf(resources({ gpus: 1 }), cpus(1), cpus(2)),
    ];
    const again = distinct.map((request) => JSON.parse(JSON.stringify(request)));
    const plan = planOf(...distinct, ...again);
    expect(plan.requests).toEqual(distinct);
    expect([...plan.requestIndex]).toEqual([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]);
  });
});
