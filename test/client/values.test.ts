/** Reading results: what fetch and gather make of the bytes that a server sends, well-formed or not. */
import { describe, expect, it } from "vitest";
import { builtinSymbol } from "../../src/protocol/index.js";
import { MIB, pattern } from "./byte-pattern.js";
import type { FakeValue } from "./fake-server.js";
import { submitted } from "./submitted-tasks.js";

describe("values", () => {
  it("are Buffers and nested arrays of them", async () => {
    const { server, futures, client } = await submitted(4);
    const values: FakeValue[] = ["text", "", [], ["a", ["b", [], ["c", ""]], "d"]];
    values.forEach((value, id) => {
      server.finishWith(id, value);
    });
    const b = (text: string) => Buffer.from(text);
    expect(await client.fetch(futures)).toEqual([
      b("text"),
      b(""),
      [],
      [b("a"), [b("b"), [], [b("c"), b("")]], b("d")],
    ]);
  });

  it("may be nested as deep as memory allows", async () => {
    const { server, future } = await submitted();
    let value: FakeValue = "core";
    for (let i = 0; i < 3000; i++) value = [value];
    server.finishWith(0, value);
    let fetched: unknown = await future.fetch();
    for (let i = 0; i < 3000; i++) fetched = (fetched as unknown[])[0];
    expect(String(fetched)).toBe("core");
  });

  it("are read in pieces and put together", async () => {
    const { server, future } = await submitted();
    const bytes = pattern(11 * MIB + 3);
    server.finishWith(0, bytes);
    const value = (await future.gather()) as Buffer;
    expect(value.equals(bytes)).toBe(true);
    expect(server.readCount).toBe(3);
    expect(server.mostReadsOpen).toBe(2);
  });

  it("are read again from the start when the object was computed again", async () => {
    const { server, future } = await submitted();
    server.finish(0);
    const fetched = future.fetch() as Promise<Buffer>;
    const request = await server.take("READ");
    server.values.set(0, pattern(9 * MIB));
    server.answerRead(request);
    server.values.set(0, pattern(6 * MIB, 3));
    server.versions.set(0, 2);
    expect((await fetched).equals(pattern(6 * MIB, 3))).toBe(true);
  });

  it("that are small are read many at a time", async () => {
    const { server, futures, client } = await submitted(2000);
    futures.forEach((_, id) => {
      server.values.set(id, `value ${id}`);
    });
    server.finish(...futures.map((future) => future.id));
    const values = await client.gather(futures);
    expect(values.map(String)).toEqual(futures.map((_, id) => `value ${id}`));
    expect(server.readCount).toBe(2000);
    expect(server.mostReadsOpen).toBeGreaterThan(100);
    expect(server.mostReadsOpen).toBeLessThanOrEqual(256);
  });

  it("may be small and large at once", async () => {
    const { server, futures, client } = await submitted(3);
    server.finishWith(0, "small");
    server.finishWith(1, pattern(5 * MIB));
    server.finishWith(2, ["in", "array"]);
    const [small, large, array] = await client.fetch(futures);
    expect(small.toString()).toBe("small");
    expect(large.equals(pattern(5 * MIB))).toBe(true);
    expect(array).toEqual([Buffer.from("in"), Buffer.from("array")]);
  });

  it("that JavaScript doesn't have are refused with a reason", async () => {
    const { server, future } = await submitted();
    server.finish(0);
    const fetched = expect(future.fetch()).rejects.toThrow(
      /cannot read the result of task of type "loom\/data\/const", id 0: .*Python object/,
    );
    const typeId = builtinSymbol("loom/pyobj");
    server.sendChunk(await server.take("READ"), Buffer.alloc(8), { totalSize: 8n, typeId });
    await fetched;
  });

  it("that are malformed are refused", async () => {
    const data = builtinSymbol("loom/data");
    const array = builtinSymbol("loom/array");
    const header = (length: number, ...rest: number[]) => [length, 0, 0, 0, 0, 0, 0, 0, ...rest];
    const forms: [typeId: number, bytes: number[], problem: RegExp][] = [
      [data, [1, 2], /ends inside a frame/],
      [data, header(5, 1), /ends inside a frame of 5 bytes/],
      [data, header(1, 1, 2), /1 bytes too many/],
      [array, header(3, 1, 2, 3), /list of types has 3 bytes/],
      [array, header(4, 0, 0, 0, 0), /ends inside a frame/],
      [array, header(4, 99, 0, 0, 0), /unknown type number 99|ends inside/],
      [77, header(0), /unknown type number 77/],
    ];
    const { server, future } = await submitted();
    server.finish(0);
    for (const [typeId, bytes, problem] of forms) {
      const fetched = expect(future.fetch()).rejects.toThrow(problem);
      const request = await server.take("READ");
      server.sendChunk(request, Uint8Array.from(bytes), {
        totalSize: BigInt(bytes.length),
        typeId,
      });
      await fetched;
    }
    const short = expect(future.fetch()).rejects.toThrow(/sent 3 bytes .* 9 were asked for/);
    const whole = { totalSize: 10n, typeId: data };
    server.sendChunk(await server.take("READ"), Uint8Array.of(2), whole);
    server.sendChunk(await server.take("READ"), Uint8Array.of(1, 2, 3), whole);
    await short;
  });

  it("of failed tasks reject, even if only the READ says so", async () => {
    const { server, future } = await submitted();
    server.finish(0);
    const fetched = expect(future.fetch()).rejects.toMatchObject({
      name: "TaskFailed",
      taskId: 7,
      exitStatus: undefined,
      message: 'task of type "app/x" failed: lost',
    });
    const { requestId } = await server.take("READ");
    server.sendError({ requestId, id: 7, taskType: "app/x", errorMsg: "lost" });
    await fetched;
  });

  it("that the server can't read reject", async () => {
    const { server, future } = await submitted();
    server.finish(0);
    const fetched = expect(future.fetch()).rejects.toMatchObject({
      code: "task",
      message: "no holder is left",
    });
    server.sendError({
      requestId: (await server.take("READ")).requestId,
      errorMsg: "no holder is left",
    });
    await fetched;
  });
});
