import { rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/base/index.js";
import {
  arrayObject,
  type DataObject,
  FileNotHereError,
  fromNative,
  indexObject,
  type NativeOptions,
  nativeBody,
  nativeBodyBytes,
  nativeHeader,
  ObjectStore,
  openFile,
  plainObject,
  storedPlain,
} from "../../src/object-store/index.js";
import { anySpec, build, expectSame, look } from "./object-model.js";
import { bytesOf, scratchDirectory, textOf } from "./scratch-directory.js";

async function bodyOf(object: DataObject, options?: NativeOptions): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of nativeBody(object, options)) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

async function sent(object: DataObject, options?: NativeOptions): Promise<DataObject> {
  const body = await bodyOf(object, options);
  expect(body.length).toBe(nativeBodyBytes(object, options));
  return fromNative(nativeHeader(object, options), body);
}

const hasFile = (object: DataObject): boolean =>
  object.kind === "file" || (object.kind === "array" && object.elements.some(hasFile));

describe("native form", () => {
  test("carries any object there and back", async () => {
    const scratch = scratchDirectory();
    await fc.assert(
      fc.asyncProperty(anySpec, fc.boolean(), async (spec, fileContent) => {
        const { object, model } = build(spec, scratch);
        const there = await sent(object, { fileContent });
        expectSame(look(there), model);
        expect(there.size).toBe(object.size);
        expect(hasFile(there)).toBe(hasFile(object) && !fileContent);
        // Once more, as the objects made of received bytes are sent on, too.
        expectSame(look(await sent(there, { fileContent })), model);
      }),
    );
  });

  test("shows parts of the body and copies nothing", async () => {
    const big = new Uint8Array(10_000);
    const array = arrayObject([plainObject(bytesOf("ab")), plainObject(big)]);
    const parts = nativeBody(array) as Uint8Array[];
    expect(parts.map((part) => part.length)).toEqual([2, 10_000]);
    expect(parts[1].buffer).toBe(big.buffer);
    const body = await bodyOf(array);
    const there = fromNative(nativeHeader(array), body);
    const element = there.kind === "array" ? there.elements[1] : undefined;
    expect(element?.kind === "plain" && element.bytes().buffer).toBe(body.buffer);
    const store = new ObjectStore(undefined);
    store.put(1, there);
    if (element !== undefined) store.put(2, element);
    expect(store.memoryBytes).toBe(10_002);
    store.clear();
    expect(store.memoryBytes).toBe(0);
  });

  test("of a small object has a few bytes of header", () => {
    expect(nativeHeader(plainObject(bytesOf("abc")))).toEqual(Uint8Array.of(1, 3));
    expect(nativeHeader(arrayObject([]))).toEqual(Uint8Array.of(3, 0));
    const index = indexObject(plainObject(bytesOf("abcd")), Uint32Array.of(1, 2, 4));
    expect(nativeHeader(index)).toEqual(Uint8Array.of(4, 2, 1, 2));
    expect(nativeBody(index)).toEqual([bytesOf("bcd")]);
  });

  test("of a piece is the bytes it shows only", async () => {
    const index = indexObject(
      plainObject(new Uint8Array(1_000_000)),
      Uint32Array.of(0, 10, 1_000_000),
    );
    expect(nativeBodyBytes(index.piece(0))).toBe(10);
    expect((await sent(index.piece(0))).size).toBe(10);
    expect(nativeBodyBytes(arrayObject([index.piece(0), index.piece(0)]))).toBe(20);
  });

  test("of arrays nested deeper than the call stack works", async () => {
    let object: DataObject = plainObject(bytesOf("x"));
    for (let i = 0; i < 50_000; i++) object = arrayObject([object]);
    let there = await sent(object);
    let depth = 0;
    for (; there.kind === "array"; depth++) there = there.elements[0];
    expect(depth).toBe(50_000);
  });

  test("of an array that doubles itself many times is refused", () => {
    let object: DataObject = plainObject(bytesOf("x"));
    for (let i = 0; i < 60; i++) object = arrayObject([object, object]);
    expect(() => nativeHeader(object)).toThrow(/too many to send \(limit 50000000\)/);
  });
});

describe("files", () => {
  test("travel by path; 5 GB of them need no body", async () => {
    const path = scratchDirectory().write("head");
    truncateSync(path, 5_000_000_000);
    const file = openFile(path);
    const index = indexObject(file, Float64Array.of(2, 4, 4_900_000_000));
    const there = await sent(arrayObject([file, index, index.piece(1), index.piece(0)]));
    if (there.kind !== "array") throw new Error("not an array");
    const [fileThere, indexThere, big, small] = there.elements;
    expect(fileThere).toMatchObject({ kind: "file", path, size: 5_000_000_000 });
    expect(indexThere).toMatchObject({ kind: "index", length: 2, size: 4_899_999_998 });
    expect(indexThere.kind === "index" && textOf(indexThere.piece(0).bytes())).toBe("ad");
    expect(big).toMatchObject({ kind: "plain", size: 4_899_999_996 });
    expect(small.kind === "plain" && textOf(small.bytes())).toBe("ad");
    expect(nativeBodyBytes(there)).toBe(2);
  });

  test("that are others at the receiver, or none, are told apart", async () => {
    const scratch = scratchDirectory();
    const spoilt: [string, (path: string) => void][] = [
      ["no such file or directory", (path) => rmSync(path)],
      ["another file is under this path", (path) => utimesSync(path, 5, 5)],
      ["another file is under this path", (path) => writeFileSync(path, "x".repeat(100_001))],
    ];
    for (const [message, spoil] of spoilt) {
      const path = scratch.write("x".repeat(100_000));
      const file = openFile(path);
      const index = indexObject(file, Uint32Array.of(0, 90_000, 100_000));
      const forms = [file, arrayObject([arrayObject([file])]), index, index.piece(0)].map(
        (object) => nativeHeader(object),
      );
      spoil(path);
      for (const header of forms) {
        let error: unknown;
        try {
          fromNative(header, new Uint8Array(0));
        } catch (thrown) {
          error = thrown;
        }
        expect(error).toBeInstanceOf(FileNotHereError);
        expect((error as FileNotHereError).path).toBe(path);
        expect((error as Error).message).toContain(message);
      }
    }
  });

  test("travel as content when asked for, in arrays too", async () => {
    const path = scratchDirectory().write("hello");
    const object = arrayObject([arrayObject([openFile(path)]), openFile(path)]);
    const there = await sent(object, { fileContent: true });
    rmSync(path);
    expect(there.size).toBe(10);
    expect(there.kind === "array" && there.elements[1].kind).toBe("plain");
  });

  test("of the store always travel as content, in chunks", async () => {
    const path = scratchDirectory().write(new Uint8Array(3_000_000).fill(7));
    const object = storedPlain(path);
    const body = nativeBody(object);
    expect(Array.isArray(body)).toBe(false);
    let bytes = 0;
    for await (const chunk of body) {
      expect(chunk.length).toBeLessThanOrEqual(1024 * 1024);
      bytes += chunk.length;
    }
    expect(bytes).toBe(3_000_000);
  });

  test("that are gone fail the body", async () => {
    const path = scratchDirectory().write(new Uint8Array(3_000_000));
    const body = nativeBody(storedPlain(path));
    rmSync(path);
    await expect(
      (async () => {
        for await (const _ of body);
      })(),
    ).rejects.toThrow(`cannot read file "${path}": it was removed`);
  });
});

describe("malformed headers", () => {
  const read = (header: number[], body = 0) =>
    fromNative(Uint8Array.from(header), new Uint8Array(body));

  test.each<[string, number[], number, string]>([
    ["empty", [], 0, "truncated"],
    ["unknown kind", [9, 1], 0, "unknown kind 9"],
    ["no size", [1], 0, "truncated"],
    ["open-ended varint", [1, 0x80], 0, "truncated"],
    ["endless varint", [1, ...new Array(20).fill(0x80), 0], 0, "of more than 8 bytes"],
    ["number above 2^53", [1, ...new Array(7).fill(0xff), 0x7f], 0, "above 2^53"],
    ["more than the body", [1, 5], 4, "more than the 4 bytes of its body"],
    ["less than the body", [1, 3], 4, "describes 3 bytes, its body has 4"],
    ["bytes after the end", [1, 0, 0], 0, "1 bytes too many"],
    ["absurd number of elements", [3, 0xff, 0xff, 0xff, 0x7f], 0, "too short for them"],
    ["elements missing", [3, 2, 1, 0, 1], 0, "truncated"],
    ["absurd number of pieces", [4, 0xff, 0xff, 0xff, 0x7f], 0, "too short for them"],
    ["pieces of more than the body", [4, 2, 3, 3], 5, "more than the 5 bytes"],
    [
      "pieces of more than 2^53",
      [4, 2, ...[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], 1],
      0,
      "more than 2^53 bytes in all",
    ],
    ["file without time", [2, 1, 0, 0], 0, "truncated in a modification time"],
    ["file with half a path", [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 5, 65], 0, "too short for them"],
    ["path that is no text", [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff], 0, "not UTF-8"],
  ])("%s", (_, header, body, message) => {
    expect(() => read(header, body)).toThrow(ProtocolError);
    expect(() => read(header, body)).toThrow(message);
  });

  test("a piece outside of its file", () => {
    const path = scratchDirectory().write("x".repeat(100_000));
    const file = openFile(path);
    const header = nativeHeader(indexObject(file, Uint32Array.of(0, 100_000)).piece(0));
    header[header.length - 4] = 5;
    expect(() => fromNative(header, new Uint8Array(0))).toThrow(ProtocolError);
    expect(() => fromNative(header, new Uint8Array(0))).toThrow("names byte 100005 of a file");
    const index = nativeHeader(indexObject(file, Uint32Array.of(0, 100_000)));
    index[index.length - 5] = 5;
    expect(() => fromNative(index, new Uint8Array(0))).toThrow("names byte 100005 of a file");
  });

  test("cut and changed ones never do worse than throw", () => {
    const path = scratchDirectory().write("x".repeat(100_000));
    const file = openFile(path);
    const index = indexObject(plainObject(bytesOf("abcdef")), Uint32Array.of(0, 3, 6));
    const fileIndex = indexObject(file, Uint32Array.of(0, 90_000, 100_000));
    const object = arrayObject([index, file, fileIndex, fileIndex.piece(0), arrayObject([index])]);
    const header = nativeHeader(object);
    const body = new Uint8Array(12);
    expect(fromNative(header, body).length).toBe(5);
    for (let length = 0; length < header.length; length++) {
      expect(() => fromNative(header.subarray(0, length), body)).toThrow(ProtocolError);
    }
    fc.assert(
      fc.property(fc.nat(header.length - 1), fc.nat(255), (at, value) => {
        const changed = header.slice();
        changed[at] = value;
        try {
          fromNative(changed, body);
        } catch (error) {
          if (!(error instanceof FileNotHereError)) expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          fromNative(bytes, body);
        } catch (error) {
          if (!(error instanceof FileNotHereError)) expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
