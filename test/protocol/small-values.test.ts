import fc from "fast-check";
import { expect, test } from "vitest";
import { ProtocolError } from "../../src/base/index.js";
import {
  decodeClientResponse,
  encodeFinishedMany,
  readSmallValues,
  SmallValueWriter,
} from "../../src/protocol/index.js";

function write(values: (Uint8Array | undefined)[]): Uint8Array {
  const writer = new SmallValueWriter();
  for (const value of values) {
    if (value === undefined) writer.absent();
    else writer.value(value, 0, value.length);
  }
  return writer.take() ?? new Uint8Array(0);
}

const valuesArbitrary = fc.array(fc.option(fc.uint8Array({ maxLength: 64 }), { nil: undefined }));

test("ids and small values come back from a FINISHED_MANY response", () => {
  fc.assert(
    fc.property(valuesArbitrary, (values) => {
      const ids = values.map((_, i) => i * 1000);
      const response = decodeClientResponse(encodeFinishedMany(ids, write(values)));
      expect(response.ids).toEqual(ids);
      const read = readSmallValues(response.smallValues, ids.length);
      expect(read.map((value) => value && [...value])).toEqual(
        values.map((value) => value && [...value]),
      );
    }),
  );
});

test("too few or too many bytes are a protocol error", () => {
  fc.assert(
    fc.property(valuesArbitrary, fc.nat(), (values, cut) => {
      const bytes = write(values);
      fc.pre(bytes.length > 0);
      const part = bytes.subarray(0, cut % bytes.length);
      expect(() => readSmallValues(part, values.length)).toThrow(ProtocolError);
      const more = new Uint8Array([...bytes, 0]);
      expect(() => readSmallValues(more, values.length)).toThrow(ProtocolError);
    }),
  );
});

test("more values than fit into the first buffer", () => {
  // Each lets the buffer grow in the middle of another one.
  for (let size = 0; size <= 8; size++) {
    const values = Array.from({ length: 40_000 }, (_, i) =>
      i % 7 === 0 ? undefined : new Uint8Array(size).fill(i),
    );
    const read = readSmallValues(write(values), values.length);
    expect(read.findIndex((value, i) => value?.toString() !== values[i]?.toString())).toBe(-1);
  }
});
