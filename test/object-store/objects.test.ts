import { mkdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LoomError } from "../../src/base/index.js";
import {
  arrayObject,
  type BytesObject,
  indexObject,
  isBytes,
  isInMemory,
  openFile,
  plainObject,
  readChunks,
  storedPlain,
} from "../../src/object-store/index.js";
import { anySpec, build, bytesSpec, contentOf, expectSame, look, sizeOf } from "./object-model.js";
import { bytesOf, scratchDirectory, textOf } from "./scratch-directory.js";

describe("objects against a model", () => {
  test("look the same and have the same sizes", () => {
    const scratch = scratchDirectory();
    fc.assert(
      fc.property(anySpec, (spec) => {
        const { object, model } = build(spec, scratch);
        expectSame(look(object), model);
        expect(object.size).toBe(sizeOf(model));
        if (model.kind === "array") expect(object.length).toBe(model.elements.length);
        else if (model.kind === "index") expect(object.length).toBe(model.pieces.length);
        else expect(object.length).toBe(0);
        expect(isBytes(object)).toBe(model.kind !== "array" && model.kind !== "value");
      }),
    );
  });

  test("any range and all chunks of a D-object are its content", async () => {
    const scratch = scratchDirectory();
    await fc.assert(
      fc.asyncProperty(bytesSpec, fc.nat(), fc.nat(), async (spec, a, b) => {
        const { object, model } = build(spec, scratch);
        const content = contentOf(model);
        const bytes = object as BytesObject;
        const from = a % (content.length + 1);
        const count = b % (content.length - from + 1);
        expect(Buffer.compare(bytes.bytes(), content)).toBe(0);
        expect(Buffer.compare(bytes.read(from, count), content.subarray(from, from + count))).toBe(
          0,
        );
        const chunks: Uint8Array[] = [];
        for await (const chunk of readChunks(bytes)) chunks.push(chunk);
        expect(Buffer.concat(chunks).equals(content)).toBe(true);
      }),
    );
  });
});

describe("plain objects", () => {
  test("keep the bytes they are given", () => {
    const bytes = bytesOf("hello");
    const object = plainObject(bytes);
    expect(object.bytes()).toBe(bytes);
    expect(object).toMatchObject({ kind: "plain", size: 5, length: 0, path: undefined });
    expect(textOf(object.read(1, 3))).toBe("ell");
  });
});

describe("indexes", () => {
  const base = plainObject(bytesOf("one two three"));

  test("pieces and joins are views", () => {
    const index = indexObject(base, Uint32Array.of(0, 4, 8, 13));
    expect(index).toMatchObject({ kind: "index", size: 13, length: 3 });
    expect([0, 1, 2].map((i) => textOf(index.piece(i).bytes()))).toEqual(["one ", "two ", "three"]);
    const joined = index.join(1, 3);
    expect(textOf(joined.bytes())).toBe("two three");
    expect(joined.bytes().buffer).toBe(base.bytes().buffer);
  });

  test("an index of an index's pieces is put on the bytes themselves", () => {
    const outer = indexObject(base, Uint32Array.of(4, 8, 13));
    const inner = indexObject(outer, Uint32Array.of(1, 4, 9));
    expect(textOf(inner.bytes())).toBe("wo three");
    expect(textOf(inner.piece(0).bytes())).toBe("wo ");
    const ofPiece = indexObject(inner.piece(1), Uint32Array.of(2, 5));
    expect(textOf(ofPiece.piece(0).bytes())).toBe("ree");
  });

  test("refuse offsets that leave the base, fall, or are none", () => {
    const bad = (offsets: Uint32Array | Float64Array) => () => indexObject(base, offsets);
    expect(bad(Uint32Array.of(0, 14))).toThrow(
      "offset 1 of an index is 14; it must be from 0 to 13",
    );
    expect(bad(Uint32Array.of(5, 3))).toThrow("offset 1 of an index is 3; it must be from 5 to 13");
    expect(bad(Float64Array.of(0, Number.NaN))).toThrow("offset 1 of an index is NaN");
    expect(bad(Uint32Array.of())).toThrow("an index needs at least one offset");
  });

  test("a piece that is not there is a bug of the caller", () => {
    const index = indexObject(base, Uint32Array.of(0, 4));
    expect(() => index.piece(1)).toThrow(RangeError);
    expect(() => index.join(1, 0)).toThrow(RangeError);
  });

  test("a view of all of a file can be used as the file", () => {
    const path = scratchDirectory().write("abc");
    const file = openFile(path);
    expect(indexObject(file, Uint32Array.of(0, 1, 3)).path).toBe(path);
    expect(indexObject(file, Uint32Array.of(0, 1, 3)).join(0, 2).path).toBe(path);
    expect(indexObject(file, Uint32Array.of(0, 2)).path).toBeUndefined();
    expect(indexObject(file, Uint32Array.of(0, 2)).piece(0).path).toBeUndefined();
  });
});

describe("arrays", () => {
  test("nest far deeper than the call stack", () => {
    let array = arrayObject([plainObject(bytesOf("x"))]);
    for (let i = 0; i < 50_000; i++) array = arrayObject([array]);
    expect(array.size).toBe(1);
  });
});

describe("files", () => {
  const failure = (action: () => unknown): LoomError => {
    try {
      action();
    } catch (error) {
      expect(error).toBeInstanceOf(LoomError);
      expect((error as LoomError).code).toBe("task");
      return error as LoomError;
    }
    throw new Error("did not throw");
  };

  test("are opened by their absolute path", () => {
    const path = scratchDirectory().write("hello");
    const file = openFile(relative(process.cwd(), path));
    expect(file).toMatchObject({ kind: "file", size: 5, length: 0, path });
    expect(textOf(file.bytes())).toBe("hello");
    expect(isInMemory(file)).toBe(false);
  });

  test("that are missing, directories, devices or unnameable can't be opened", () => {
    const { path } = scratchDirectory();
    expect(failure(() => openFile(join(path, "none"))).message).toBe(
      `cannot open file "${path}/none": no such file or directory`,
    );
    expect(failure(() => openFile(path)).message).toBe(
      `cannot open file "${path}": it is a directory`,
    );
    expect(failure(() => openFile("/dev/null")).message).toBe(
      'cannot open file "/dev/null": it is not a regular file',
    );
    expect(failure(() => openFile(`${path}/a\0b`)).message).toContain("contains a null byte");
    const file = scratchDirectory().write("x");
    expect(failure(() => openFile(`${file}/below`)).message).toContain(
      "a part of the path is not a directory",
    );
  });

  test("that are gone or changed fail at the next read, however it reads", async () => {
    const scratch = scratchDirectory();
    const all = async (object: BytesObject) => {
      for await (const _ of readChunks(object));
    };
    const changes: [string, (path: string) => void, string][] = [
      ["removed", (path) => rmSync(path), "it was removed after it was opened"],
      ["shorter", (path) => truncateSync(path, 10), "it was changed after it was opened"],
      ["touched", (path) => utimesSync(path, 1, 1), "it was changed after it was opened"],
    ];
    for (const size of [100, 3_000_000]) {
      for (const [name, change, message] of changes) {
        const path = scratch.write(new Uint8Array(size), `${name}-${size}`);
        const file = openFile(path);
        const piece = indexObject(file, Uint32Array.of(1, size)).piece(0);
        const stored = storedPlain(path);
        expect(file.bytes().length).toBe(size);
        change(path);
        for (const object of [file, piece, stored]) {
          expect(failure(() => object.bytes()).message).toContain(`"${path}": ${message}`);
          expect(failure(() => object.read(0, 5)).message).toContain(message);
          await expect(all(object)).rejects.toThrow(message);
        }
      }
    }
  });

  test("that change while they are streamed fail the stream", async () => {
    const path = scratchDirectory().write(new Uint8Array(3_000_000));
    const chunks = readChunks(openFile(path));
    await chunks.next();
    truncateSync(path, 1_500_000);
    await expect(
      (async () => {
        for await (const _ of chunks);
      })(),
    ).rejects.toThrow("it was changed after it was opened (it had 3000000 bytes then)");
  });

  test("replaced by a directory can't be read", () => {
    const path = scratchDirectory().write("x");
    const file = openFile(path);
    rmSync(path);
    mkdirSync(path);
    expect(failure(() => file.bytes()).message).toContain("it was changed after it was opened");
  });

  test("too big for memory say so, and are still read by position", () => {
    const path = scratchDirectory().write("head");
    const size = 5 * 2 ** 30;
    truncateSync(path, size);
    const file = openFile(path);
    expect(textOf(file.read(0, 4))).toBe("head");
    expect(file.read(size - 2, 2)).toEqual(new Uint8Array(2));
    expect(failure(() => file.bytes()).message).toMatch(
      /has 5368709120 bytes, too many for one piece of memory \(limit \d+ bytes\)/,
    );
  });

  test("read past their end fail and don't hang", () => {
    const file = openFile(scratchDirectory().write("hello"));
    expect(failure(() => file.read(4, 2)).message).toContain("cannot read file");
  });

  test("content that somebody still has is not read twice", () => {
    const path = scratchDirectory().write("hello");
    const file = openFile(path);
    expect(file.bytes()).toBe(file.bytes());
    writeFileSync(path, "changed");
    expect(() => file.bytes()).toThrow("it was changed");
  });
});
