/** What defineExtension takes and refuses, and the types it infers. */
import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { LoomError } from "../../src/base/index.js";
import { defineExtension } from "../../src/extensions/index.js";
import type { Data } from "../../src/functions/index.js";

const run = () => "";
const serialize = () => new Uint8Array(0);
const deserialize = () => ({});
const taskTypes = { a: { run } };

/** The message with which a definition is refused. */
function refusal(definition: unknown): string {
  try {
    defineExtension(definition as never);
  } catch (error) {
    expect(error).toBeInstanceOf(LoomError);
    expect((error as LoomError).code).toBe("usage");
    return (error as LoomError).message;
  }
  return "not refused";
}

describe("a definition", () => {
  it("gives its types by symbol", () => {
    const extension = defineExtension({
      prefix: "my.lab-1_x",
      taskTypes: { count: { run }, "text/count": { run, pool: true } },
      dataTypes: { "m-1.x": { serialize, deserialize } },
    });
    expect([...extension.taskTypes.keys()]).toEqual(["my.lab-1_x/count", "my.lab-1_x/text/count"]);
    expect([...extension.dataTypes.keys()]).toEqual(["my.lab-1_x/m-1.x"]);
  });

  it.each<[string, unknown, RegExp]>([
    ["no object", 3, /^the definition is a number, no object$/],
    ["null", null, /^the definition is null/],
    ["no prefix", { taskTypes }, /^the prefix is undefined; it must be text/],
    ["an empty prefix", { prefix: "", taskTypes }, /^the prefix is ""/],
    ["a prefix of two parts", { prefix: "a/b", taskTypes }, /^the prefix is "a\/b"/],
    ["the reserved prefix", { prefix: "loom", taskTypes }, /"loom", which is reserved/],
    ["nothing in it", { prefix: "my" }, /extension "my" has no task type and no data type/],
    ["only empty lists", { prefix: "my", taskTypes: {}, dataTypes: {} }, /no task type and no/],
    ["a misspelt member", { prefix: "my", tasktypes: {} }, /unknown member "tasktypes".*taskTypes/],
    ["an array of task types", { prefix: "my", taskTypes: [] }, /an array as taskTypes/],
    ["a bad name", { prefix: "my", taskTypes: { "a b": { run } } }, /has "a b" in taskTypes/],
    ["a name that ends early", { prefix: "my", taskTypes: { "a/": { run } } }, /has "a\/" in/],
    ["a function as task type", { prefix: "my", taskTypes: { a: run } }, /"my\/a" is a function/],
    ["no run", { prefix: "my", taskTypes: { a: {} } }, /task type "my\/a" has no run/],
    ["run that is text", { prefix: "my", taskTypes: { a: { run: "x" } } }, /a string as run/],
    [
      "pool that is text",
      { prefix: "my", taskTypes: { a: { run, pool: "no" } } },
      /a string as pool/,
    ],
    ["an unknown member", { prefix: "my", taskTypes: { a: { run, poool: true } } }, /"poool"/],
    [
      "no deserialize",
      { prefix: "my", dataTypes: { a: { serialize } } },
      /"my\/a" has no deserial/,
    ],
    [
      "size that is a number",
      { prefix: "my", dataTypes: { a: { serialize, deserialize, size: 1 } } },
      /a number as size, which must be a function/,
    ],
    [
      "get without length",
      { prefix: "my", dataTypes: { a: { serialize, deserialize, get: run } } },
      /get or slice but no length/,
    ],
    [
      "one name for two things",
      { prefix: "my", taskTypes, dataTypes: { a: { serialize, deserialize } } },
      /"my\/a" as a task type and as a data type/,
    ],
  ])("is refused: %s", (_, definition, message) => {
    expect(refusal(definition)).toMatch(message);
  });

  it("of any shape is taken or refused with a message, never anything else", () => {
    const member = fc.oneof(fc.anything(), fc.constant(run), fc.constant({ run }));
    const definition = fc.oneof(
      fc.anything(),
      fc.record(
        {
          prefix: fc.oneof(fc.string(), fc.constantFrom("my", "loom"), fc.anything()),
          taskTypes: fc.oneof(fc.dictionary(fc.string(), member), fc.anything()),
          dataTypes: fc.oneof(fc.dictionary(fc.string(), member), fc.anything()),
        },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(definition, (value) => {
        expect(refusal(value)).toMatch(/./);
      }),
    );
  });
});

describe("types", () => {
  it("of values follow from serialize and deserialize", () => {
    class Matrix {
      constructor(readonly cells: Float64Array) {}
    }
    defineExtension({
      prefix: "my",
      taskTypes: {
        make: {
          run({ value, inputs }) {
            expectTypeOf(inputs).toEqualTypeOf<readonly Data[]>();
            // @ts-expect-error no such data type
            void (() => value("matrx", new Matrix(new Float64Array(1))));
            // @ts-expect-error no matrix
            void (() => value("matrix", 3));
            return value("matrix", new Matrix(new Float64Array(1)));
          },
        },
      },
      dataTypes: {
        matrix: {
          serialize: (matrix: Matrix) => new Uint8Array(matrix.cells.buffer),
          deserialize: (bytes: Uint8Array) => new Matrix(new Float64Array(bytes.buffer)),
          length: (matrix) => matrix.cells.length,
          get: (matrix, i) => String(matrix.cells[i]),
          slice: (matrix, start, end, { value }) =>
            value("matrix", new Matrix(matrix.cells.slice(start, end))),
        },
      },
    });
  });
});
