/** What `--resource` and `--share` make of texts, and what they say of wrong ones. */
import { describe, expect, it } from "vitest";
import { resourceOf, shareOf } from "../../src/cli/resource-values.js";
import type { WorkerResource } from "../../src/graph/index.js";

function all(...texts: string[]): WorkerResource[] {
  let list: WorkerResource[] | undefined;
  for (const text of texts) list = resourceOf(text, list);
  return list!;
}

describe("--resource", () => {
  it.each<[string, number, string[]]>([
    ["gpus=2", 2, ["0", "1"]],
    ["gpus=0", 0, []],
    ["gpus = [0, GPU-8f,b]", 3, ["0", "GPU-8f", "b"]],
    ["mem=64GiB", 64 * 2 ** 30, []],
    ["mem=1.5kB", 1500, []],
    ["mem=100B", 100, []],
    ["mem=2 MiB", 2 * 2 ** 20, []],
    ["licences=2.5", 2.5, []],
    ["licences=0.0001", 0.0001, []],
    ["slots=1025", 1025, []],
  ])("%s", (text, amount, indices) => {
    const name = text.split(/ ?=/)[0];
    expect(all(text)).toEqual([{ name, amount, indices }]);
  });

  it("1024 are told apart, and several are collected", () => {
    const [slots, other] = all("slots=1024", "a.b-c_D9=1");
    expect([slots.indices.length, slots.indices[1023]]).toEqual([1024, "1023"]);
    expect(other).toEqual({ name: "a.b-c_D9", amount: 1, indices: ["0"] });
  });

  const many = Array.from({ length: 64 }, (_, i) => `r${i}=1`);
  const long = "x".repeat(65);
  it.each<[string[], RegExp]>([
    [[""], /^--resource "" has no amount; give NAME=AMOUNT such as gpus=2/],
    [["gpus"], /^--resource gpus has no amount; give/],
    [["=2"], /: "" is not a name; give 1 to 64 letters/],
    [["2gpus=2"], /2gpus=2: 2gpus is not a name/],
    [[`${long}=2`], /is not a name/],
    [["cpus=4"], /^--resource cpus=4: cores are given as --cpus 4$/],
    [["gpus="], /: "" is not an amount; give a number, with a unit \(B, KiB/],
    [["gpus=-1"], /: -1 is not an amount/],
    [["gpus=many"], /: many is not an amount/],
    [["mem=64GB/s"], /: 64GB\/s is not an amount/],
    [["mem=64gib"], /: 64gib is not an amount/],
    [["mem=1e3"], /: 1e3 is not an amount/],
    [["mem=NaN"], /: NaN is not an amount/],
    [["mem=9999999999TiB"], /: 9999999999TiB is not an amount/],
    [["licences=0.00001"], /: 0.00001 is less than 1\/10000; give more, or 0 for none at all/],
    [["licences=0.0"], /: 0.0 is less than 1\/10000/],
    [["gpus=[]"], /: the list is empty; give a list such as \[a,b,c\]/],
    [["gpus=[0,1"], /: the list does not end with "\]"/],
    [["gpus=[0,,1]"], /: an element is empty/],
    [["gpus=[0,1,0]"], /: 0 is there twice/],
    [[`gpus=[${long}]`], /x is longer than 64 characters/],
    [[`gpus=[${Array.from({ length: 1025 }, (_, i) => i)}]`], /: the list is longer than 1024/],
    [["gpus=2", "mem=1", "gpus=0"], /gpus=0: gpus is given twice; give all of it at once/],
    [[...many, "more=1"], /a worker has at most 64 resources/],
  ])("%j is refused", (texts, message) => {
    let error: unknown;
    try {
      all(...texts);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ message: expect.stringMatching(message), exitCode: 2 });
    expect((error as Error).message).not.toContain("\n");
  });
});

describe("--share", () => {
  it("is a part and the number of parts", () => {
    expect(shareOf("1/1")).toEqual({ part: 1, of: 1 });
    expect(shareOf("3/12")).toEqual({ part: 3, of: 12 });
  });

  it.each(["", "1", "0/2", "3/2", "1/0", "a/b", "1/2/3", "-1/2", "1.5/2", "1/100000"])(
    "%s is refused",
    (text) => {
      expect(() => shareOf(text)).toThrow(/is not a share; give which part and of how many/);
    },
  );
});
