import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BuiltinExecutor, TaskError, type TaskExecution } from "../../src/executors/index.js";
import {
  arrayObject,
  type BytesObject,
  type DataObject,
  indexObject,
  openFile,
  plainObject,
  storedPlain,
} from "../../src/object-store/index.js";
import { bytesOf, scratchDirectory, textOf } from "../object-store/scratch-directory.js";
import { aTask } from "./task-execution.js";

const executor = new BuiltinExecutor();

function task(taskType: string, config: Uint8Array, inputs: readonly DataObject[]): TaskExecution {
  return aTask({ taskType, config, inputs });
}

const NO_CONFIG = new Uint8Array(0);

/** The result of work that must be done at once. */
function run(taskType: string, config: Uint8Array, ...inputs: DataObject[]): DataObject {
  const result = executor.execute(task(taskType, config, inputs));
  if (result instanceof Promise) throw new Error(`${taskType} returned a promise`);
  return result;
}

async function failureOf(
  taskType: string,
  config: Uint8Array,
  ...inputs: DataObject[]
): Promise<string> {
  try {
    await executor.execute(task(taskType, config, inputs));
  } catch (error) {
    expect(error).toBeInstanceOf(TaskError);
    return (error as TaskError).message;
  }
  throw new Error(`${taskType} did not fail`);
}

function u64(...values: (number | bigint)[]): Uint8Array {
  const bytes = new Uint8Array(8 * values.length);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setBigUint64(8 * i, BigInt(value), true);
  });
  return bytes;
}

const plain = (text: string): BytesObject => plainObject(bytesOf(text));
const content = (object: DataObject): string => textOf((object as BytesObject).bytes());
const number = (object: DataObject): bigint =>
  Buffer.from((object as BytesObject).bytes()).readBigUInt64LE();
const words = indexObject(plain("one two three"), Uint32Array.of(0, 4, 8, 13));
const letters = arrayObject([plain("a"), plain("b"), plain("c")]);

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

describe("loom/data/const", () => {
  test("is the config", () => {
    expect(content(run("loom/data/const", bytesOf("hello")))).toBe("hello");
    expect(run("loom/data/const", NO_CONFIG).size).toBe(0);
  });

  test("keeps no frame alive that is much bigger, and copies nothing big", () => {
    const frame = new Uint8Array(1000);
    const small = run("loom/data/const", frame.subarray(10, 300)) as BytesObject;
    expect(small.bytes().buffer.byteLength).toBe(290);
    const big = run("loom/data/const", frame.subarray(100)) as BytesObject;
    expect(big.bytes().buffer).toBe(frame.buffer);
  });
});

describe("loom/data/merge", () => {
  test("joins with the delimiter between", () => {
    const merge = (delimiter: string, ...texts: string[]) =>
      content(run("loom/data/merge", bytesOf(delimiter), ...texts.map(plain)));
    expect(merge("", "a", "bc", "")).toBe("abc");
    expect(merge(", ", "a", "bc", "")).toBe("a, bc, ");
    expect(merge(", ", "a")).toBe("a");
    expect(merge(", ")).toBe("");
  });

  test("takes files and indexes", () => {
    const file = openFile(scratchDirectory().write("file"));
    expect(content(run("loom/data/merge", bytesOf("|"), file, words, words.piece(0)))).toBe(
      "file|one two three|one ",
    );
  });

  test("of random contents is what Buffer.concat makes", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 100 })),
        fc.uint8Array({ maxLength: 70 }),
        async (parts, delimiter) => {
          const expected = parts.flatMap((part, i) => (i > 0 ? [delimiter, part] : [part]));
          const result = run("loom/data/merge", delimiter, ...parts.map(plainObject));
          expect(Buffer.concat(expected).equals((result as BytesObject).bytes())).toBe(true);
        },
      ),
    );
  });

  test("of big files does not block", async () => {
    const scratch = scratchDirectory();
    const a = openFile(scratch.write("a".repeat(2_500_000)));
    const b = storedPlain(scratch.write("b".repeat(1_500_000)));
    const promise = executor.execute(task("loom/data/merge", bytesOf("--"), [a, plain("x"), b]));
    expect(promise).toBeInstanceOf(Promise);
    const text = content(await promise);
    expect(text).toBe(`${"a".repeat(2_500_000)}--x--${"b".repeat(1_500_000)}`);
  });

  test("with a result too big for memory fails before it reads", async () => {
    const path = scratchDirectory().write("");
    truncateSync(path, 3_000_000_000);
    const file = openFile(path);
    expect(await failureOf("loom/data/merge", NO_CONFIG, file, file)).toMatch(
      /^loom\/data\/merge: the result has 6000000000 bytes, too many for one piece of memory/,
    );
  });
});

describe("loom/data/open", () => {
  test("is a file object; nothing is read", () => {
    const path = scratchDirectory().write("");
    truncateSync(path, 5_000_000_000);
    expect(run("loom/data/open", bytesOf(path))).toMatchObject({
      kind: "file",
      path,
      size: 5_000_000_000,
    });
  });

  test("fails with the path and the reason", async () => {
    const { path } = scratchDirectory();
    const open = (config: Uint8Array) => failureOf("loom/data/open", config);
    expect(await open(bytesOf(`${path}/x`))).toBe(
      `loom/data/open: cannot open file "${path}/x": there is no such file`,
    );
    expect(await open(bytesOf(path))).toBe(
      `loom/data/open: cannot open file "${path}": it is a directory`,
    );
    expect(await open(NO_CONFIG)).toBe(
      "loom/data/open: the config is empty, it must be the path of a file",
    );
    expect(await open(Uint8Array.of(0x2f, 0xff))).toBe(
      "loom/data/open: the config is not valid UTF-8, it must be the path of a file",
    );
    expect(await open(bytesOf("/a\0b"))).toContain("the path contains a null byte");
  });
});

describe("loom/data/split", () => {
  const pieces = (object: DataObject): string[] => {
    if (object.kind !== "index") throw new Error(`not an index but ${object.kind}`);
    return Array.from({ length: object.length }, (_, i) => textOf(object.piece(i).bytes()));
  };

  test("keeps the delimiter at the end of each piece", () => {
    const split = (text: string, delimiter = "") =>
      pieces(run("loom/data/split", bytesOf(delimiter), plain(text)));
    expect(split("a\nbc\n")).toEqual(["a\n", "bc\n"]);
    expect(split("a\n\nbc")).toEqual(["a\n", "\n", "bc"]);
    expect(split("a\nb;c", ";")).toEqual(["a\nb;", "c"]);
    expect(split("\n")).toEqual(["\n"]);
    expect(split("abc")).toEqual(["abc"]);
    expect(split("")).toEqual([]);
    expect(split("x\0y", "\0")).toEqual(["x\0", "y"]);
  });

  test("takes files, indexes and pieces", () => {
    const file = openFile(scratchDirectory().write("x\ny"));
    expect(pieces(run("loom/data/split", NO_CONFIG, file))).toEqual(["x\n", "y"]);
    expect(pieces(run("loom/data/split", bytesOf(" "), words.join(1, 3)))).toEqual([
      "two ",
      "three",
    ]);
    expect(pieces(run("loom/data/split", bytesOf("o"), words))).toEqual(["o", "ne two", " three"]);
  });

  test("of random text joins to the text, every piece with one delimiter at its end", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 300 }), (text) => {
        const parts = pieces(run("loom/data/split", NO_CONFIG, plain(text)));
        expect(parts).toEqual(text.match(/[^\n]*\n|[^\n]+$/g) ?? []);
      }),
    );
  });

  test("of a big file reads it in chunks", async () => {
    const lines = Array.from({ length: 300_000 }, (_, i) => `line ${i}\n`);
    const path = scratchDirectory().write(lines.join(""));
    const promise = executor.execute(task("loom/data/split", NO_CONFIG, [openFile(path)]));
    expect(promise).toBeInstanceOf(Promise);
    const index = await promise;
    expect(index).toMatchObject({ kind: "index", length: 300_000, path });
    if (index.kind !== "index") return;
    expect(textOf(index.join(123_456, 123_458).bytes())).toBe("line 123456\nline 123457\n");
    expect(textOf(index.piece(299_999).bytes())).toBe("line 299999\n");
  });

  test("refuses a delimiter of several bytes", async () => {
    expect(await failureOf("loom/data/split", bytesOf("ab"), plain("x"))).toBe(
      "loom/data/split: the config has 2 bytes, it must be empty (split after newlines) or the one byte to split after",
    );
  });
});

describe("loom/data/save", () => {
  const save = async (path: string, input: DataObject) =>
    executor.execute(task("loom/data/save", bytesOf(path), [input]));

  test("writes the content and returns nothing", async () => {
    const scratch = scratchDirectory();
    const path = join(scratch.path, "out");
    const source = scratch.write("from a file", "source");
    for (const input of [plain("hello"), words, words.piece(1), openFile(source)]) {
      expect(await save(path, input)).toMatchObject({ kind: "plain", size: 0 });
      expect(readFileSync(path, "utf8")).toBe(content(input));
    }
    expect(readdirSync(scratch.path).sort()).toEqual(["out", "source"]);
  });

  test("fails with the path and the reason, and leaves nothing", async () => {
    const scratch = scratchDirectory();
    const failed = (path: string) => failureOf("loom/data/save", bytesOf(path), plain("x"));
    expect(await failed("out/x")).toBe(
      'loom/data/save: the path "out/x" is relative, it must be absolute',
    );
    expect(await failed("")).toBe(
      "loom/data/save: the config is empty, it must be the absolute path to save to",
    );
    const missing = join(scratch.path, "none");
    expect(await failed(`${missing}/x`)).toBe(
      `loom/data/save: cannot write file "${missing}/x": there is no directory "${missing}"; create it first`,
    );
    mkdirSync(missing);
    expect(await failed(missing)).toBe(
      `loom/data/save: cannot write file "${missing}": it is a directory`,
    );
    expect(await failed("/proc/x")).toContain('loom/data/save: cannot write file "/proc/x": ');
    expect(await failed("/a\0b")).toContain("the path contains a null byte");
    expect(readdirSync(scratch.path)).toEqual(["none"]);
  });
});

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
