/** The bytes of functions and of their arguments; texts put together with source maps. */
import { serialize } from "node:v8";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeArguments } from "../../src/function-process/direct-arguments.js";
import { parseFunctionObject } from "../../src/function-process/function-object.js";
import { encodeArguments, encodeFunctionObject } from "../../src/functions/index.js";
import {
  decodeMappings,
  encodeMappings,
  findSegment,
  MappedText,
  type Segment,
} from "../../src/functions/packing/source-map.js";

describe("function objects", () => {
  const parts = fc.record({
    name: fc.string(),
    context: fc.boolean(),
    url: fc.option(fc.webUrl(), { nil: undefined }),
    code: fc.string({ unit: "grapheme" }),
    captured: fc.option(fc.uint8Array(), { nil: undefined }),
  });

  it("are read as they were written", () => {
    fc.assert(
      fc.property(parts, (given) => {
        const bytes = encodeFunctionObject(given);
        expect(encodeFunctionObject(given)).toEqual(bytes);
        const { header, code, captured } = parseFunctionObject(bytes);
        const { name, context, url } = given;
        expect(header).toMatchObject({ name: name || "anonymous", context });
        expect(header.url).toBe(url);
        expect(header.hash).toMatch(/^[0-9a-f]{64}$/);
        expect(code.toString()).toBe(given.code);
        expect(captured).toEqual(Buffer.from(given.captured ?? []));
      }),
    );
  });

  it("that are cut off or no such thing are refused", () => {
    const bytes = encodeFunctionObject({
      name: "f",
      context: false,
      url: undefined,
      code: "code",
      captured: undefined,
    });
    for (let end = 0; end < bytes.length; end++) {
      expect(() => parseFunctionObject(bytes.subarray(0, end))).toThrow(
        /function's object is malformed/,
      );
    }
    expect(() => parseFunctionObject(Buffer.from("\x02\0\0\0no"))).toThrow(/no JSON/);
  });
});

describe("arguments", () => {
  const decoded = (config: Uint8Array) => decodeArguments(Buffer.from(config), "f");

  it("are read as they were written", () => {
    expect(encodeArguments([])).toEqual(Uint8Array.of(0));
    const anything = fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withBigInt: true,
    });
    fc.assert(
      fc.property(fc.array(anything), (values) => {
        // What cloning itself changes is not ours.
        const cloned = structuredClone(values);
        if (cloned.length === 0) return;
        expect(decoded(encodeArguments(cloned))).toEqual(cloned);
      }),
    );
    for (const value of ["\ud800", -0, Number.NaN, undefined, "[", new Error("x")]) {
      expect(decoded(encodeArguments([value]))).toEqual([value]);
    }
  });

  it("that are malformed are refused", () => {
    for (const bytes of [[1], [1, 255], [2, 65], [7], [7, 0], [0, 1]]) {
      expect(() => decoded(Uint8Array.from(bytes))).toThrow(/direct arguments of function "f"/);
    }
    expect(serialize([])[0]).toBe(255);
  });
});

describe("source maps", () => {
  const segment: fc.Arbitrary<Segment> = fc.record({
    column: fc.nat(60),
    source: fc.nat(3),
    sourceLine: fc.nat(5000),
    sourceColumn: fc.nat(200),
  });
  const line = fc.uniqueArray(segment, { selector: ({ column }) => column, maxLength: 8 });
  const mappings = fc
    .array(line, { minLength: 1, maxLength: 6 })
    .map((lines) => lines.map((segments) => segments.sort((a, b) => a.column - b.column)));

  it("are read as they were written", () => {
    expect(decodeMappings("AAAA,IAAM;;EACAC")).toEqual([
      [
        { column: 0, source: 0, sourceLine: 0, sourceColumn: 0 },
        { column: 4, source: 0, sourceLine: 0, sourceColumn: 6 },
      ],
      [],
      [{ column: 2, source: 0, sourceLine: 1, sourceColumn: 6 }],
    ]);
    fc.assert(
      fc.property(mappings, (given) => {
        expect(decodeMappings(encodeMappings(given))).toEqual(given);
      }),
    );
  });

  it("of pieces say for each character what the whole text's map says", () => {
    const textLine = fc.string({ unit: fc.constantFrom("a", "b", " "), maxLength: 70 });
    const text = fc.array(textLine, { minLength: 1, maxLength: 6 }).map((all) => all.join("\n"));
    const pieces = fc.array(
      fc.tuple(fc.nat(300), fc.nat(300), fc.constantFrom("", "x", "\n", "y\nz")),
    );
    fc.assert(
      fc.property(text, mappings, pieces, (whole, given, cuts) => {
        const result = new MappedText();
        const origins: (number | undefined)[] = [];
        for (const [a, b, between] of cuts) {
          const [start, end] = [a, b].map((at) => at % (whole.length + 1)).sort((x, y) => x - y);
          result.add(between).addRange(whole, given, start, end);
          origins.push(...[...between].map(() => undefined));
          for (let at = start; at < end; at++) origins.push(at);
        }
        expect(result.text.length).toBe(origins.length);
        expect(result.mappings.length).toBe(result.text.split("\n").length);
        origins.forEach((origin, at) => {
          if (origin === undefined || whole[origin] === "\n") return;
          expect(result.text[at]).toBe(whole[origin]);
          const expected = lookUp(whole, given, origin);
          if (expected === undefined) return;
          const { column: _, ...place } = expected;
          expect(lookUp(result.text, result.mappings, at)).toMatchObject(place);
        });
      }),
    );
  });
});

function lookUp(text: string, mappings: readonly (readonly Segment[])[], offset: number) {
  const before = text.slice(0, offset).split("\n");
  return findSegment(mappings, before.length - 1, before.at(-1)!.length);
}
