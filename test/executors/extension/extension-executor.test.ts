/**
 * Extensions that are wrong: errors of their task types and data types, and what bytes of a data type may
 * be. What tasks get and give is in given-inputs.test.ts and given-results.test.ts.
 */
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { TaskError, valueTypesOf } from "../../../src/executors/index.js";
import { defineExtension } from "../../../src/extensions/index.js";
import { valueObject } from "../../../src/object-store/index.js";
import { execute, failure, plain } from "./extension-task.js";

describe("an error", () => {
  it("fails the task with its message and where it comes from; the log has all of it", async () => {
    const fail = () => {
      throw new RangeError("too far");
    };
    for (const run of [fail, async () => fail()]) {
      const { error, lines } = await execute(run as never);
      expect(error).toBeInstanceOf(TaskError);
      expect(error!.message).toMatch(
        /^my\/it: RangeError: too far\n {4}at .*extension-executor\.test/,
      );
      expect(error!.message).not.toMatch(/src.executors|node:/);
      expect(lines.join()).toMatch(/extension: my\/it failed/);
      expect(lines.join()).toMatch(/extension-executor\.ts/);
    }
  });

  it.each([
    ["null", null, "my/it: threw null"],
    ["text", "no", "my/it: threw no"],
    ["an error without a message", new Error(""), "my/it: Error"],
  ])("may be anything: %s", async (_, thrown, message) => {
    const run = () => {
      throw thrown;
    };
    expect((await failure(run)).split("\n")[0]).toBe(message);
  });

  it("of a data type names the function", async () => {
    const broken = valueObject("my/point", plain("x"));
    const definition = {
      prefix: "my",
      dataTypes: {
        point: {
          serialize: () => "text" as never,
          deserialize: () => {
            throw new Error("unreadable");
          },
          size: () => -1,
        },
      },
    };
    const loaded = [{ specifier: "./my.js", extension: defineExtension(definition) }];
    const lines: string[] = [];
    const logger = pino({}, { write: (line: string) => void lines.push(line) });
    const type = valueTypesOf(loaded, logger).get("my/point")!;
    const message = (call: () => unknown): string => {
      try {
        return String(call());
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(message(() => type.serialize(1))).toBe(
      'serialize of "my/point" gave a string; it must give a Uint8Array or an array of them',
    );
    expect(message(() => type.sizeOf(1))).toBe(
      'size of "my/point" gave -1; it must give a whole number from 0 up',
    );
    expect(message(() => type.deserialize(broken.content.bytes()))).toMatch(
      /^deserialize of "my\/point" failed: Error: unreadable\n {4}at .*extension-executor\.test/,
    );
    expect(message(() => type.element(1, 0))).toBe('values of type "my/point" have no get');
    expect(lines).toHaveLength(3);
  });
});

describe("bytes of a data type", () => {
  const roundTrip = (given: unknown): { serialized: number[]; aligned: boolean } => {
    const extension = defineExtension({
      prefix: "my",
      dataTypes: {
        it: {
          serialize: () => given as Uint8Array,
          deserialize: (bytes: Uint8Array) => bytes.byteOffset % 8 === 0 && bytes.length === 3,
        },
      },
    });
    const types = valueTypesOf([{ specifier: "x", extension }], pino({ level: "silent" }));
    const type = types.get("my/it")!;
    const misaligned = new Uint8Array(16).subarray(1, 4);
    return {
      serialized: [...type.serialize(0)],
      aligned: type.deserialize(misaligned) as boolean,
    };
  };

  it("may be one piece or several, and begin where any typed array can", () => {
    expect(roundTrip(Uint8Array.of(1, 2))).toEqual({ serialized: [1, 2], aligned: true });
    expect(roundTrip([Uint8Array.of(1), Buffer.from([2]), new Uint8Array(0)]).serialized).toEqual([
      1, 2,
    ]);
    expect(roundTrip([]).serialized).toEqual([]);
    expect(() => roundTrip([1])).toThrow(/gave an array with something else in it/);
    expect(() => roundTrip(Promise.resolve())).toThrow(/gave an object/);
  });
});
