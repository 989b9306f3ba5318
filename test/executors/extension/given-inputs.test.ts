/** What a task of an extension gets: what is known of it, and its inputs. */
import { inspect } from "node:util";
import { serialize } from "node:v8";
import { describe, expect, it } from "vitest";
import { TaskGrant } from "../../../src/executors/index.js";
import type { Data } from "../../../src/functions/index.js";
import {
  arrayObject,
  indexObject,
  plainObject,
  valueObject,
} from "../../../src/object-store/index.js";
import { bytes, execute, failure, plain, textOf } from "./extension-task.js";

describe("a task gets", () => {
  it("what the client and the worker know of it", async () => {
    const resources = { gpus: { amount: 0.5, indices: ["1"] } };
    const grant = new TaskGrant(resources, true);
    const { result, logged } = await execute(
      (task) => {
        const { type, taskId, attempt, cpus, label, config, inputs, log } = task;
        log.info("begins");
        log.critical({ not: "text" } as never);
        const known = [type, taskId, attempt, cpus, task.resources, label, String(config)];
        return JSON.stringify([...known, inputs.length]);
      },
      { taskId: 7, execution: 2, cpus: 3, grant, label: "lab", config: bytes("conf") },
    );
    const told = ["my/it", 7, 2, 3, resources, "lab", "conf", 0];
    expect(JSON.parse(textOf(result!))).toEqual(told);
    const light = await execute((task) => JSON.stringify(task.resources));
    expect(textOf(light.result!)).toBe("{}");
    expect(logged).toEqual(["2 begins", "5 { not: 'text' }"]);
  });

  it("its inputs as they are, without a copy", async () => {
    const memory = bytes('{"a": [1]}');
    const index = indexObject(plainObject(bytes("a\nbc\n")), Uint32Array.of(0, 2, 5));
    const js = valueObject("loom/jsobj", plainObject(new Uint8Array(serialize(new Map([[1, 2]])))));
    const inputs = [plainObject(memory), arrayObject([plain("x"), arrayObject([])]), index, js];
    await execute(
      async ({ inputs: [data, array, pieces, value] }) => {
        expect([data.kind, data.type, data.size, data.length]).toEqual([
          "bytes",
          "loom/data",
          10,
          0,
        ]);
        expect(data.bytes().buffer).toBe(memory.buffer);
        expect(data.text()).toBe('{"a": [1]}');
        expect(data.json()).toEqual({ a: [1] });
        expect([...data]).toEqual([]);
        const chunks: Buffer[] = [];
        for await (const chunk of data.chunks()) chunks.push(chunk);
        expect([chunks.length, chunks[0].buffer]).toEqual([1, memory.buffer]);
        await expect(array.chunks()[Symbol.asyncIterator]().next()).rejects.toThrow(/use at/);
        expect(() => data.at(0)).toThrow(
          /index 0 is out of range: the data has length 0 \(it is no/,
        );
        expect(() => data.unwrap()).toThrow(
          /data of 10 bytes.*use bytes\(\), text\(\) or json\(\)/,
        );

        expect([array.kind, array.type, array.size, array.length]).toEqual([
          "array",
          "loom/array",
          1,
          2,
        ]);
        expect(array.at(0).text()).toBe("x");
        expect([...array].map(({ kind }) => kind)).toEqual(["bytes", "array"]);
        expect(() => array.at(2)).toThrow(/index 2 is out of range: the data has length 2$/);
        expect(() => array.at(0.5)).toThrow(RangeError);
        expect(() => array.bytes()).toThrow(/an array of 2 elements has no bytes: use at/);
        expect(() => array.unwrap()).toThrow(/array of 2 elements/);

        expect([pieces.kind, pieces.type, pieces.size, pieces.length]).toEqual([
          "bytes",
          "loom/index",
          5,
          2,
        ]);
        expect([...pieces].map((piece) => piece.text())).toEqual(["a\n", "bc\n"]);

        expect([value.kind, value.type, value.length]).toEqual(["value", "loom/jsobj", 0]);
        expect(value.unwrap()).toEqual(new Map([[1, 2]]));
        expect(value.unwrap()).toBe(value.unwrap());
        expect(() => value.bytes()).toThrow(/loom\/jsobj" has no bytes: use unwrap/);
        expect(inspect(value)).toBe('Data <a value of type "loom/jsobj">');
        return "";
      },
      { inputs },
    ).then(({ error }) => expect(error).toBeUndefined());
  });

  it("a clear refusal for values that are no business of JavaScript, or unknown", async () => {
    const unwrap = ({ inputs: [data] }: { inputs: readonly Data[] }) => String(data.unwrap());
    const python = valueObject("loom/pyobj", plain("x"));
    expect(await failure(unwrap, { inputs: [python] })).toMatch(/Python object \(loom\/pyobj\)/);
    const other = valueObject("your/thing", plain("x"));
    expect(await failure(unwrap, { inputs: [other] })).toMatch(/"your\/thing" can be used only by/);
  });
});
