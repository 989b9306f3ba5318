/** Built-in tasks that make arrays, take elements of arrays and indexes, measure and count them. */
import { truncateSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  arrayObject,
  type BytesObject,
  type DataObject,
  indexObject,
  openFile,
  plainObject,
} from "../../src/object-store/index.js";
import { bytesOf, scratchDirectory } from "../object-store/scratch-directory.js";
import {
  content,
  executor,
  failureOf,
  letters,
  NO_CONFIG,
  number,
  plain,
  run,
  task,
  u64,
  words,
} from "./builtin-execution.js";

describe("loom/base/get", () => {
  const get = (index: number, input: DataObject) => run("loom/base/get", u64(index), input);

  test("is the very element of an array", () => {
    expect(get(1, letters)).toBe(letters.elements[1]);
    expect(get(0, arrayObject([letters]))).toBe(letters);
  });

  test("is a piece of an index; a small one of its own", () => {
    expect(content(get(2, words))).toBe("three");
    expect((get(2, words) as BytesObject).bytes().buffer.byteLength).toBe(5);
    const base = plainObject(new Uint8Array(10_000));
    const big = get(0, indexObject(base, Uint32Array.of(1, 10_000))) as BytesObject;
    expect(big.bytes().buffer).toBe(base.bytes().buffer);
    expect(get(0, indexObject(base, Uint32Array.of(5, 5))).size).toBe(0);
    const file = openFile(scratchDirectory().write("abc"));
    expect(content(get(0, indexObject(file, Uint32Array.of(1, 3))))).toBe("bc");
  });

  test("out of range fails with index and length", async () => {
    const failed = (index: number | bigint, input: DataObject) =>
      failureOf("loom/base/get", u64(index), input);
    expect(await failed(7, letters)).toBe(
      "loom/base/get: index 7 is out of range, the object has length 3",
    );
    expect(await failed(3, words)).toBe(
      "loom/base/get: index 3 is out of range, the object has length 3",
    );
    expect(await failed(0, arrayObject([]))).toContain("the object has length 0");
    expect(await failed(2n ** 64n - 1n, letters)).toContain("index 18446744073709551615 is out");
    expect(await failed(2 ** 32, letters)).toContain("index 4294967296 is out of range");
  });

  test("of something without elements, or with another config, fails", async () => {
    expect(await failureOf("loom/base/get", u64(0), plain("x"))).toBe(
      "loom/base/get: the input is a plain object; only arrays and indexes have elements",
    );
    const file = openFile(scratchDirectory().write("abc"));
    expect(await failureOf("loom/base/get", u64(0), file)).toContain("the input is a file object");
    expect(await failureOf("loom/base/get", bytesOf("1234"), letters)).toBe(
      "loom/base/get: the config has 4 bytes, it must be 8: the index as u64",
    );
  });
});

describe("loom/base/slice", () => {
  const slice = (start: number | bigint, end: number | bigint, input: DataObject) =>
    run("loom/base/slice", u64(start, end), input);

  test("of an array is an array, of an index the pieces joined; both ends are clamped", () => {
    const texts = ["a", "b", "c"];
    const pieces = ["one ", "two ", "three"];
    const ends = [0, 1, 2, 3, 4, 100, 2 ** 32, 2n ** 64n - 1n];
    for (const start of ends) {
      for (const end of ends) {
        const [from, to] = [Number(start), Number(end)];
        const part = slice(start, end, letters);
        expect(part.kind === "array" && part.elements.map(content)).toEqual(texts.slice(from, to));
        expect(slice(start, end, words).kind).toBe("plain");
        expect(content(slice(start, end, words))).toBe(pieces.slice(from, to).join(""));
      }
    }
  });

  test("of anything else, or with another config, fails", async () => {
    expect(await failureOf("loom/base/slice", u64(0, 1), plain("x"))).toBe(
      "loom/base/slice: the input is a plain object; only arrays and indexes can be sliced",
    );
    expect(await failureOf("loom/base/slice", u64(0), letters)).toBe(
      "loom/base/slice: the config has 8 bytes, it must be 16: start and end as u64",
    );
  });
});

describe("loom/base/size and loom/base/length", () => {
  test("are sums over all inputs", () => {
    const path = scratchDirectory().write("");
    truncateSync(path, 5_000_000_000);
    const inputs = [plain("hello"), letters, words, arrayObject([letters, words])];
    expect(number(run("loom/base/size", NO_CONFIG, ...inputs))).toBe(5n + 3n + 13n + 16n);
    expect(number(run("loom/base/length", NO_CONFIG, ...inputs))).toBe(0n + 3n + 3n + 2n);
    expect(number(run("loom/base/size", NO_CONFIG))).toBe(0n);
    expect(number(run("loom/base/length", NO_CONFIG))).toBe(0n);
    const file = openFile(path);
    expect(number(run("loom/base/size", NO_CONFIG, file, file))).toBe(10_000_000_000n);
  });
});

describe("loom/scheduler/dslice and loom/scheduler/dget", () => {
  const types = ["loom/scheduler/dslice", "loom/scheduler/dget"] as const;

  test.each(types)("%s counts elements", async (type) => {
    expect(number(run(type, NO_CONFIG, letters))).toBe(3n);
    expect(number(run(type, NO_CONFIG, words))).toBe(3n);
    expect(await failureOf(type, bytesOf("x"), letters)).toMatch(/takes no config, got 1 bytes/);
    expect(await failureOf(type, NO_CONFIG, plain("abc"))).toBe(
      `${type}: the input is a plain object; only arrays and indexes have elements`,
    );
  });

  test("nothing to slice is nothing, nothing to get is an error", async () => {
    expect(number(run("loom/scheduler/dslice", NO_CONFIG, arrayObject([])))).toBe(0n);
    expect(await failureOf("loom/scheduler/dget", NO_CONFIG, arrayObject([]))).toBe(
      "loom/scheduler/dget: the input is empty (an array), it has no element to get",
    );
  });
});

describe("loom/array/make", () => {
  test("is an array of its inputs, which may be of any kind and repeat", () => {
    const inputs = [letters, words, letters];
    const array = executor.execute(task("loom/array/make", NO_CONFIG, inputs));
    expect(array).toMatchObject({ kind: "array", length: 3, size: 19 });
    inputs.pop();
    expect((array as typeof letters).elements).toEqual([letters, words, letters]);
    expect(run("loom/array/make", NO_CONFIG)).toMatchObject({ kind: "array", length: 0, size: 0 });
  });
});
