/** Built-in tasks that make, join, split, read and write bytes: loom/data/… */
import { mkdirSync, readdirSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type BytesObject,
  type DataObject,
  openFile,
  plainObject,
  storedPlain,
} from "../../src/object-store/index.js";
import { bytesOf, scratchDirectory, textOf } from "../object-store/scratch-directory.js";
import {
  content,
  executor,
  failureOf,
  NO_CONFIG,
  plain,
  run,
  task,
  words,
} from "./builtin-execution.js";

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
      `loom/data/open: cannot open file "${path}/x": no such file or directory`,
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
