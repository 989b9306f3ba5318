/**
 * Random data objects of every kind with a simple model of each: what it must look like, as
 * plain JavaScript values.
 */
import fc from "fast-check";
import { expect } from "vitest";
import {
  type ArrayObject,
  arrayObject,
  type BytesObject,
  type DataObject,
  indexObject,
  openFile,
  plainObject,
  storedPlain,
  valueObject,
} from "../../src/object-store/index.js";
import type { Scratch } from "./scratch-directory.js";

/** A content, or the models of elements (of an array) or the contents of pieces (of an index). */
export type Model =
  | { kind: "bytes"; content: Buffer }
  | { kind: "array"; elements: Model[] }
  | { kind: "index"; pieces: Buffer[] }
  | { kind: "value"; type: string; content: Buffer };

type BytesSpec =
  | { is: "memory" | "stored" | "file"; content: Uint8Array }
  | { is: "index"; of: BytesSpec; cuts: number[] }
  | { is: "piece"; of: BytesSpec; cuts: number[]; from: number; to: number };

export type Spec =
  | BytesSpec
  | { is: "value"; type: string; of: BytesSpec }
  | { is: "array"; of: Spec[] }
  | { is: "slice"; of: Spec[]; from: number; to: number };

/** Around the sizes at which small pieces are copied and blocks of files are read. */
const bigContent = fc
  .tuple(fc.constantFrom(2048, 2049, 5000, 70_000, 262_145, 1_100_000), fc.nat(255))
  .map(([size, seed]) => Uint8Array.from({ length: size }, (_, i) => (i * 7 + seed) % 251));

const content = fc.oneof(
  { weight: 12, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: bigContent },
);
const fraction = fc.double({ min: 0, max: 1, noNaN: true });
const cuts = fc.array(fraction, { maxLength: 6 });

const ownBytes: fc.Arbitrary<BytesSpec> = fc.record({
  is: fc.constantFrom("memory", "stored", "file"),
  content,
});

const { bytes, any } = fc.letrec<{ bytes: BytesSpec; any: Spec }>((tie) => {
  const of = tie("bytes");
  const index = fc.record({ is: fc.constant("index" as const), of, cuts });
  const piece = fc.record({
    is: fc.constant("piece" as const),
    of,
    cuts,
    from: fraction,
    to: fraction,
  });
  const elements = fc.array(tie("any"), { maxLength: 5 });
  const array = fc.record({ is: fc.constant("array" as const), of: elements });
  const slice = fc.record({
    is: fc.constant("slice" as const),
    of: elements,
    from: fraction,
    to: fraction,
  });
  const type = fc.constantFrom("loom/pyobj", "my/matrix");
  const value = fc.record({ is: fc.constant("value" as const), type, of });
  return {
    bytes: fc.oneof({ maxDepth: 3, depthIdentifier: "views" }, ownBytes, index, piece),
    any: fc.oneof({ maxDepth: 4, depthIdentifier: "arrays" }, of, value, array, slice),
  };
});

export const bytesSpec = bytes;
export const anySpec = any;

/** The object and its model; files are made in `scratch`. */
export function build(spec: Spec, scratch: Scratch): { object: DataObject; model: Model } {
  switch (spec.is) {
    case "array": {
      const parts = spec.of.map((part) => build(part, scratch));
      return {
        object: arrayObject(parts.map((part) => part.object)),
        model: { kind: "array", elements: parts.map((part) => part.model) },
      };
    }
    case "slice": {
      const whole = build({ is: "array", of: spec.of }, scratch);
      const [from, to] = range(spec, spec.of.length);
      return {
        object: arrayObject((whole.object as ArrayObject).elements.slice(from, to)),
        model: {
          kind: "array",
          elements: (whole.model as Model & { kind: "array" }).elements.slice(from, to),
        },
      };
    }
    case "value": {
      const { object, model } = buildBytes(spec.of, scratch);
      return {
        object: valueObject(spec.type, object),
        model: { kind: "value", type: spec.type, content: contentOf(model) },
      };
    }
    default:
      return buildBytes(spec, scratch);
  }
}

function buildBytes(spec: BytesSpec, scratch: Scratch): { object: BytesObject; model: Model } {
  if (spec.is === "index" || spec.is === "piece") {
    const base = buildBytes(spec.of, scratch);
    const whole = contentOf(base.model);
    const offsets = [...spec.cuts].sort((a, b) => a - b).map((x) => Math.floor(x * whole.length));
    if (offsets.length === 0) offsets.push(0);
    const index = indexObject(
      base.object,
      offsets.length % 2 ? Uint32Array.from(offsets) : Float64Array.from(offsets),
    );
    const pieces = offsets.slice(1).map((end, i) => whole.subarray(offsets[i], end));
    if (spec.is === "index") return { object: index, model: { kind: "index", pieces } };
    const [from, to] = range(spec, pieces.length);
    return {
      object: index.join(from, to),
      model: { kind: "bytes", content: Buffer.concat(pieces.slice(from, to)) },
    };
  }
  const model: Model = { kind: "bytes", content: Buffer.from(spec.content) };
  if (spec.is === "memory") return { object: plainObject(spec.content), model };
  const path = scratch.write(spec.content);
  return { object: spec.is === "stored" ? storedPlain(path) : openFile(path), model };
}

function range(spec: { from: number; to: number }, length: number): [number, number] {
  const a = Math.round(spec.from * length);
  const b = Math.round(spec.to * length);
  return [Math.min(a, b), Math.max(a, b)];
}

export function contentOf(model: Model): Buffer {
  if (model.kind === "array") throw new Error("an array has no content");
  return model.kind === "index" ? Buffer.concat(model.pieces) : model.content;
}

export function sizeOf(model: Model): number {
  if (model.kind !== "array") return contentOf(model).length;
  return model.elements.reduce((sum, element) => sum + sizeOf(element), 0);
}

/** What `object` looks like, through its public interface only. */
export function look(object: DataObject): Model {
  if (object.kind === "array") return { kind: "array", elements: object.elements.map(look) };
  if (object.kind === "index") {
    const pieces = Array.from({ length: object.length }, (_, i) => object.piece(i).bytes());
    return { kind: "index", pieces: pieces.map((piece) => Buffer.from(piece)) };
  }
  if (object.kind === "value") {
    return { kind: "value", type: object.type, content: Buffer.from(object.content.bytes()) };
  }
  return { kind: "bytes", content: Buffer.from(object.bytes()) };
}

/** Like toEqual(), but fast for big contents; says where they differ. */
export function expectSame(actual: Model, expected: Model, where = "object"): void {
  expect(actual.kind, where).toBe(expected.kind);
  const parts = (model: Model) => (model.kind === "index" ? model.pieces : []);
  const elements = (model: Model) => (model.kind === "array" ? model.elements : []);
  expect(parts(actual).length, where).toBe(parts(expected).length);
  expect(elements(actual).length, where).toBe(elements(expected).length);
  if (actual.kind === "value" && expected.kind === "value") {
    expect(actual.type, where).toBe(expected.type);
  }
  if ("content" in actual && "content" in expected) {
    expect(actual.content.equals(expected.content), where).toBe(true);
  }
  parts(actual).forEach((piece, i) => {
    expect(piece.equals(parts(expected)[i]), `${where}[${i}]`).toBe(true);
  });
  elements(actual).forEach((element, i) => {
    expectSame(element, elements(expected)[i], `${where}[${i}]`);
  });
}

/** The symbols of the tests, in the order of their numbers. */
export const SYMBOLS = ["loom/data", "loom/array", "loom/pyobj", "my/matrix"];

/** Number of the type that clients get. */
export function typeOf(model: Model): number {
  // Of extensions clients know nothing: bytes.
  if (model.kind === "value") return model.type === "my/matrix" ? 0 : SYMBOLS.indexOf(model.type);
  return model.kind === "bytes" ? 0 : 1;
}

/** The client form's frames, by the words of the protocol. */
export function framesOf(model: Model): Buffer[] {
  if (model.kind === "bytes" || model.kind === "value") return [model.content];
  const elements: Model[] =
    model.kind === "array"
      ? model.elements
      : model.pieces.map((content) => ({ kind: "bytes", content }));
  const types = Buffer.alloc(4 * elements.length);
  elements.forEach((element, i) => {
    types.writeUInt32LE(typeOf(element), 4 * i);
  });
  return [types, ...elements.flatMap(framesOf)];
}
