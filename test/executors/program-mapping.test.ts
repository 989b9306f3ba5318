import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TaskError } from "../../src/executors/index.js";
import { type Mapping, mapProgram } from "../../src/executors/program/mapping.js";
import { type DataObject, plainObject } from "../../src/object-store/index.js";
import { decodeRunConfig, encodeRunConfig, type RunConfigInit } from "../../src/protocol/index.js";
import { text } from "./programs/harness.js";

const map = (init: RunConfigInit, inputs: DataObject[] = []): Mapping =>
  mapProgram(decodeRunConfig(encodeRunConfig({ args: ["p"], ...init })), inputs);

const refusal = (init: RunConfigInit, inputs: DataObject[] = []): string => {
  try {
    map(init, inputs);
  } catch (error) {
    if (error instanceof TaskError) return error.message;
    throw error;
  }
  return "accepted";
};

describe("refused mappings", () => {
  const two = [text("1"), text("2")];

  test("no program", () => {
    expect(refusal({ args: [] })).toBe("The program to run is missing: args is empty");
    expect(refusal({ args: ["", "x"] })).toContain("the first of args is empty");
  });

  test("fewer or more mappings than inputs", () => {
    const start = "The task has 2 inputs but";
    expect(refusal({ mapInputs: ["a"] }, two)).toContain(`${start} 1 input mappings`);
    expect(refusal({ mapInputs: ["a", "b", "c"] }, two)).toContain(`${start} 3 input mappings`);
  });

  test("names outside of the directory, and no names", () => {
    for (const name of ["/abs", "..", "../a", "a/../../b", "a/.."]) {
      expect(refusal({ mapInputs: [name] }, [text("")])).toMatch(/^Input mapping '/);
      expect(refusal({ mapOutputs: [name] })).toMatch(/^Output mapping '/);
    }
    for (const name of ["", ".", "./", "a/", "a/b/"]) {
      expect(refusal({ mapInputs: [name] }, [text("")])).toMatch(/^Input mapping '/);
      expect(refusal({ mapOutputs: [name] })).toMatch(/^Output mapping '/);
    }
  });

  test("names of the streams", () => {
    for (const name of ["+out", "+err", "./+in", "./+out"]) {
      expect(refusal({ mapInputs: [name] }, [text("")])).toContain("an input can't be a file");
    }
    expect(refusal({ mapOutputs: ["+in"] })).toContain("that is the standard input");
    expect(refusal({ mapOutputs: ["+err/x"] })).toContain("'+err' is mapped to a file");
  });

  test("one name twice", () => {
    for (const names of [
      ["a", "a"],
      ["a", "./a"],
      ["d//a", "d/b/../a"],
      ["$X", "$X"],
      ["+in", "+in"],
    ]) {
      expect(refusal({ mapInputs: names }, two)).toMatch(/^Two inputs are mapped to '/);
    }
    expect(refusal({ mapOutputs: ["+out", "+out"] })).toBe("Two outputs are mapped to '+out'");
    expect(refusal({ mapOutputs: ["b", "a/../b"] })).toBe("Two outputs are mapped to 'b'");
  });

  test("a file that would have to be a folder too", () => {
    expect(refusal({ mapInputs: ["a", "a/b"] }, two)).toContain("'a' is mapped to a file");
    expect(refusal({ mapInputs: ["a"], mapOutputs: ["a/b"] }, [text("")])).toContain("'a' is");
  });

  test("NUL bytes and impossible variables", () => {
    expect(refusal({ args: ["p", "a\0b"] })).toBe("Argument 'a\\0b' contains a NUL byte");
    expect(refusal({ mapInputs: ["a\0"] }, [text("")])).toContain("NUL");
    expect(refusal({ mapOutputs: ["a\0"] })).toContain("NUL");
    expect(refusal({ env: { A: "\0" } })).toContain("NUL");
    expect(refusal({ env: { "A\0": "" } })).toContain("NUL");
    expect(refusal({ env: { "A=B": "" } })).toContain("'A=B' can't be the name");
    expect(refusal({ env: { "": "" } })).toContain("'' can't be the name");
  });

  test("far too big a variable", () => {
    const input = plainObject(new Uint8Array(7_000_000).fill(65));
    expect(refusal({ mapInputs: ["$X"] }, [input])).toContain("too many for an argument");
  });
});

test("a file whose folder is named like a variable", () => {
  const mapping = map({ mapInputs: ["./$X"] }, [text("1")]);
  expect(mapping.files.map(({ name }) => name)).toEqual(["$X"]);
});

test("any names: refused with a TaskError, or all distinct and inside", () => {
  const part = fc.constantFrom("a", "b", "..", ".", "", "+in", "+out", "+err", "$X", "ä b");
  const name = fc.oneof(
    fc.array(part, { maxLength: 4 }).map((parts) => parts.join("/")),
    fc.string({ unit: "binary", maxLength: 4 }),
  );
  fc.assert(
    fc.property(
      fc.array(name, { maxLength: 4 }),
      fc.array(name, { maxLength: 4 }),
      fc.integer({ min: 0, max: 4 }),
      (mapInputs, mapOutputs, inputCount) => {
        const inputs = Array.from({ length: inputCount }, (_, i) => text(`input ${i}`));
        let mapping: Mapping;
        try {
          mapping = map({ mapInputs, mapOutputs }, inputs);
        } catch (error) {
          expect(error).toBeInstanceOf(TaskError);
          return;
        }
        expect(inputCount).toBe(mapInputs.length);
        const files = mapping.files.map((file) => file.name);
        for (const names of [files, mapping.outputs]) {
          expect(new Set(names).size).toBe(names.length);
        }
        for (const path of [...files, ...mapping.outputs, ...mapping.folders]) {
          expect(path).not.toMatch(/\0|^\/|\/\/|\/$|^$|^\.$/);
          expect(path.split("/")).not.toContain("..");
        }
        const all = new Set([...files, ...mapping.outputs]);
        for (const path of all) {
          const parts = path.split("/");
          for (let n = 1; n < parts.length; n++) {
            const folder = parts.slice(0, n).join("/");
            expect(mapping.folders).toContain(folder);
            expect(all).not.toContain(folder);
          }
        }
        // Outer folders come first.
        for (const [i, folder] of mapping.folders.entries()) {
          for (const later of mapping.folders.slice(i)) expect(folder).not.toMatch(`^${later}/`);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
