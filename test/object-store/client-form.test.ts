import { rmSync, truncateSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  arrayObject,
  type ClientForm,
  clientForm,
  type DataObject,
  indexObject,
  openFile,
  plainObject,
  storedPlain,
} from "../../src/object-store/index.js";
import { anySpec, build, framesOf, SYMBOLS, typeOf } from "./object-model.js";
import { bytesOf, scratchDirectory, textOf } from "./scratch-directory.js";

const symbol = (name: string): number => SYMBOLS.indexOf(name);
const formOf = (object: DataObject): ClientForm => clientForm(object, symbol);
const whole = (form: ClientForm): Buffer => Buffer.concat(form.read(0, form.totalBytes));

function endToEnd(frames: Buffer[]): Buffer {
  const length = (frame: Buffer) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(frame.length));
    return bytes;
  };
  return Buffer.concat(frames.flatMap((frame) => [length(frame), frame]));
}

describe("client form", () => {
  test("is the object's frames end to end, whole and in any range", () => {
    const scratch = scratchDirectory();
    fc.assert(
      fc.property(anySpec, fc.array(fc.tuple(fc.nat(), fc.nat())), (spec, ranges) => {
        const { object, model } = build(spec, scratch);
        const frames = framesOf(model);
        const expected = endToEnd(frames);
        const form = formOf(object);
        expect(form.typeSymbol).toBe(typeOf(model));
        expect(form.messageCount).toBe(frames.length);
        expect(form.totalBytes).toBe(expected.length);
        expect(whole(form).equals(expected)).toBe(true);
        for (const [a, b] of ranges) {
          const from = a % expected.length;
          const count = b % (expected.length + 10);
          const part = Buffer.concat(form.read(from, count));
          expect(part.equals(expected.subarray(from, from + count))).toBe(true);
        }
      }),
    );
  });

  test("read in small steps equals read whole", () => {
    const object = arrayObject([
      plainObject(bytesOf("abc")),
      arrayObject([]),
      indexObject(plainObject(bytesOf("one two")), Uint32Array.of(0, 4, 7)),
    ]);
    const form = formOf(object);
    for (let step = 1; step < 20; step++) {
      const parts: Uint8Array[] = [];
      for (let at = 0; at < form.totalBytes; at += step) parts.push(...form.read(at, step));
      expect(Buffer.concat(parts).equals(whole(form))).toBe(true);
    }
  });

  test("of an empty array is one empty frame", () => {
    const form = formOf(arrayObject([]));
    expect([form.typeSymbol, form.messageCount, form.totalBytes]).toEqual([1, 1, 8]);
    expect(whole(form)).toEqual(Buffer.alloc(8));
  });

  test("outside of it there is nothing", () => {
    const form = formOf(plainObject(bytesOf("abc")));
    expect(form.read(11, 5)).toEqual([]);
    expect(form.read(100, 5)).toEqual([]);
    expect(form.read(-1, 5)).toEqual([]);
    expect(form.read(0, 0)).toEqual([]);
    expect(Buffer.concat(form.read(10, 100)).toString()).toBe("c");
  });

  test("shows big contents without a copy", () => {
    const content = new Uint8Array(100_000);
    const parts = formOf(arrayObject([plainObject(content)])).read(0, 1_000_000);
    expect(parts.some((part) => part.buffer === content.buffer)).toBe(true);
  });

  test("uses the symbols it is given, also after others", () => {
    const object = arrayObject([plainObject(bytesOf("x"))]);
    expect(whole(formOf(object)).readUInt32LE(8)).toBe(0);
    const form = clientForm(object, (name) => (name === "loom/data" ? 70 : 71));
    expect(form.typeSymbol).toBe(71);
    expect(whole(form).readUInt32LE(8)).toBe(70);
    expect(clientForm(object, (name) => (name === "loom/data" ? 70 : 72)).typeSymbol).toBe(72);
  });

  test("of pieces of one file in any order is right", () => {
    const file = openFile(scratchDirectory().write("one two three"));
    const index = indexObject(file, Uint32Array.of(0, 4, 8, 13));
    const object = arrayObject([2, 0, 1, 1, 0].map((i) => index.piece(i)));
    const texts = ["three", "one ", "two ", "two ", "one "];
    const expected = endToEnd([Buffer.alloc(20), ...texts.map((text) => Buffer.from(text))]);
    expect(whole(formOf(object)).equals(expected)).toBe(true);
  });

  test("of 100,000 elements is laid out once", () => {
    const object = arrayObject(
      Array.from({ length: 100_000 }, (_, i) => plainObject(bytesOf(`${i}`))),
    );
    const form = formOf(object);
    expect(formOf(object)).toBe(form);
    expect(form.messageCount).toBe(100_001);
    const last = Buffer.concat(form.read(form.totalBytes - 13, 13));
    expect(last.readBigUInt64LE()).toBe(5n);
    expect(last.subarray(8).toString()).toBe("99999");
  });

  test("of arrays nested deeper than the call stack works", () => {
    let object: DataObject = plainObject(bytesOf("x"));
    for (let i = 0; i < 50_000; i++) object = arrayObject([object]);
    const form = formOf(object);
    expect(form.messageCount).toBe(50_001);
    expect(form.totalBytes).toBe(50_000 * 12 + 9);
  });

  test("of an array that doubles itself many times is refused", () => {
    let object: DataObject = plainObject(bytesOf("x"));
    for (let i = 0; i < 60; i++) object = arrayObject([object, object]);
    expect(() => formOf(object)).toThrow(
      /the array has \d+ objects nested in it, too many to deliver \(limit 50000000\)/,
    );
  });

  test("of a 5 GB file is served by ranges without reading it whole", () => {
    const scratch = scratchDirectory();
    const size = 5_000_000_000;
    const path = scratch.write("head");
    truncateSync(path, size);
    const file = openFile(path);
    for (const object of [file, storedPlain(path)]) {
      const form = formOf(object);
      expect(form.totalBytes).toBe(size + 8);
      const start = Buffer.concat(form.read(0, 12));
      expect(start.readBigUInt64LE()).toBe(BigInt(size));
      expect(textOf(start.subarray(8))).toBe("head");
      expect(form.read(size, 100)).toEqual([new Uint8Array(8)]);
    }
    const index = indexObject(file, Float64Array.of(0, 4, 4_500_000_000, size));
    const form = formOf(arrayObject([plainObject(bytesOf("x")), index]));
    expect(form.totalBytes).toBe(16 + 9 + 20 + 3 * 8 + size);
    expect(Buffer.concat(form.read(form.totalBytes - 5, 10))).toEqual(Buffer.alloc(5));
  });

  test("fails clearly when a file is gone", () => {
    const path = scratchDirectory().write("abc");
    const form = formOf(arrayObject([openFile(path)]));
    rmSync(path);
    expect(() => form.read(0, 100)).toThrow(`cannot read file "${path}": it was removed`);
  });
});
