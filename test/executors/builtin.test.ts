/**
 * What all built-in task types have in common: which there are, and how they refuse inputs and configs.
 * Each on its own: builtin-data.test.ts and builtin-elements.test.ts.
 */
import { rmSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openFile } from "../../src/object-store/index.js";
import { bytesOf, scratchDirectory } from "../object-store/scratch-directory.js";
import { executor, failureOf, letters, NO_CONFIG, plain, u64 } from "./builtin-execution.js";

describe("every type", () => {
  test("is offered, no more", () => {
    expect(executor.taskTypes).toEqual([
      "loom/data/const",
      "loom/data/merge",
      "loom/data/open",
      "loom/data/split",
      "loom/data/save",
      "loom/base/get",
      "loom/base/slice",
      "loom/base/size",
      "loom/base/length",
      "loom/array/make",
      "loom/scheduler/dslice",
      "loom/scheduler/dget",
    ]);
  });

  test("that is unknown fails, names of JavaScript too", async () => {
    expect(await failureOf("toString", NO_CONFIG)).toBe(
      "toString: this is not a built-in task type",
    );
    expect(await failureOf("loom/run/run", NO_CONFIG)).toBe(
      "loom/run/run: this is not a built-in task type",
    );
  });

  test("takes its number of inputs only", async () => {
    const x = plain("x");
    const path = bytesOf("/x");
    expect(await failureOf("loom/data/const", NO_CONFIG, x)).toBe(
      "loom/data/const: takes no inputs, got 1",
    );
    expect(await failureOf("loom/data/open", path, x)).toBe(
      "loom/data/open: takes no inputs, got 1",
    );
    for (const [type, config] of [
      ["loom/data/split", NO_CONFIG],
      ["loom/data/save", path],
      ["loom/base/get", u64(0)],
      ["loom/base/slice", u64(0, 1)],
      ["loom/scheduler/dslice", NO_CONFIG],
      ["loom/scheduler/dget", NO_CONFIG],
    ] as const) {
      expect(await failureOf(type, config)).toBe(`${type}: takes 1 input, got 0`);
      expect(await failureOf(type, config, x, x)).toBe(`${type}: takes 1 input, got 2`);
    }
  });

  test("that takes no config refuses one", async () => {
    for (const type of ["loom/base/size", "loom/base/length", "loom/array/make"]) {
      expect(await failureOf(type, bytesOf("abc"))).toBe(`${type}: takes no config, got 3 bytes`);
    }
  });

  test("that needs bytes refuses arrays", async () => {
    const why = "is an array of length 3; only objects with bytes (plain, file, index) can be used";
    expect(await failureOf("loom/data/merge", NO_CONFIG, plain("x"), letters)).toBe(
      `loom/data/merge: input 1 ${why}`,
    );
    expect(await failureOf("loom/data/split", NO_CONFIG, letters)).toBe(
      `loom/data/split: input 0 ${why}`,
    );
    expect(await failureOf("loom/data/save", bytesOf("/tmp/x"), letters)).toBe(
      `loom/data/save: input 0 ${why}`,
    );
  });

  test("says which file it could not read", async () => {
    const path = scratchDirectory().write("x".repeat(2_000_000));
    const file = openFile(path);
    rmSync(path);
    const why = `cannot read file "${path}": it was removed after it was opened`;
    expect(await failureOf("loom/data/merge", NO_CONFIG, file)).toBe(`loom/data/merge: ${why}`);
    expect(await failureOf("loom/data/split", NO_CONFIG, file)).toBe(`loom/data/split: ${why}`);
  });
});
