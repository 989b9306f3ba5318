import { expect, it } from "vitest";
import { BUILTIN_SYMBOLS, builtinSymbol } from "../../src/protocol/index.js";

it("a built-in symbol's number is its position, and none comes twice", () => {
  BUILTIN_SYMBOLS.forEach((name, number) => {
    expect(builtinSymbol(name)).toBe(number);
  });
  expect(new Set(BUILTIN_SYMBOLS).size).toBe(BUILTIN_SYMBOLS.length);
});

it("what classic clients look up is there", () => {
  const needed = ["loom/data", "loom/array", "loom/pyobj", "loom/resource/cpus", "loom/run/run"];
  for (const name of needed) expect(BUILTIN_SYMBOLS).toContain(name);
});
