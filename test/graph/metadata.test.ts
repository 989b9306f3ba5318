/** Metadata of tasks: what is JSON, and what is refused. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { Task } from "../../src/graph/index.js";

const task = new Task({ type: "my/count", label: "count" });
const decoded = (value: unknown) =>
  JSON.parse(new TextDecoder().decode(task.withMetadata(value).metadata));

it("any JSON value comes back", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(decoded(value)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  expect(decoded({ at: new Date(0), none: undefined })).toEqual({ at: "1970-01-01T00:00:00.000Z" });
});

const circle: Record<string, unknown> = {};
circle.self = circle;

it.each([
  ["undefined", undefined, "undefined is no JSON value"],
  ["a function", { run: () => 1 }, '"run" is a function'],
  ["a symbol", Symbol("x"), "it is a symbol"],
  ["NaN", [1, Number.NaN], '"1" is NaN'],
  ["a Map", { table: new Map() }, '"table" is a Map'],
  ["a BigInt", 1n, "BigInt"],
  ["a circle", circle, "circular structure"],
])("%s is refused in one line that names the task", (_, value, reason) => {
  const message = 'metadata of task "count" (my/count) can\'t be written as JSON: ';
  expect(() => task.withMetadata(value)).toThrow(message);
  expect(() => task.withMetadata(value)).toThrow(reason);
  expect(() => task.withMetadata(value)).not.toThrow("\n");
});

it("more than 1 MiB is refused, also as bytes", () => {
  const message = 'metadata of task "count" (my/count) has 1048577 bytes, at most 1048576 are kept';
  expect(() => task.withMetadata("x".repeat(1048575))).toThrow(message);
  expect(task.withMetadata("x".repeat(1048574)).metadata?.length).toBe(1048576);
  const bytes = new Uint8Array(1048577);
  expect(() => new Task({ type: "my/count", label: "count", metadata: bytes })).toThrow(message);
});
