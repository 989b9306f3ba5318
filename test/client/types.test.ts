/** Types follow from tasks through futures to values. Checked by the compiler. */
import { describe, expectTypeOf, it } from "vitest";
import {
  type Client,
  type Future,
  type Pieces,
  tasks,
  type ValueOf,
} from "../../src/client/index.js";
import type { Task } from "../../src/graph/index.js";

const a = tasks.const("a");
// Never called: only its types count.
declare const client: Client;

describe("types", () => {
  it("follow through tasks", () => {
    expectTypeOf(a).toEqualTypeOf<Task<Buffer>>();
    const lines = tasks.split(a);
    expectTypeOf<ValueOf<typeof lines>>().toEqualTypeOf<Pieces>();
    expectTypeOf(lines).toExtend<Task<Buffer[]>>();
    expectTypeOf(tasks.get(lines, 3)).toEqualTypeOf<Task<Buffer>>();
    expectTypeOf(tasks.slice(lines, 1)).toEqualTypeOf<Task<Buffer>>();
    const pair = tasks.arrayMake([a, lines]);
    expectTypeOf(pair).toEqualTypeOf<Task<[Buffer, Pieces]>>();
    expectTypeOf(tasks.get(pair, 1)).toEqualTypeOf<Task<Pieces>>();
    expectTypeOf(tasks.slice(tasks.arrayMake([a, a]), 1)).toEqualTypeOf<Task<Buffer[]>>();
    const many = tasks.arrayMake(Array.from({ length: 3 }, () => a));
    expectTypeOf(many).toEqualTypeOf<Task<Buffer[]>>();
    expectTypeOf(a.withLabel("x").withCpus(1)).toEqualTypeOf<Task<Buffer>>();
    expectTypeOf(tasks.custom<string[]>("t", "")).toEqualTypeOf<Task<string[]>>();
    expectTypeOf(tasks.custom("t", "")).toEqualTypeOf<Task<Buffer>>();
  });

  it("of programs depend on the outputs", () => {
    expectTypeOf(tasks.run("x")).toEqualTypeOf<Task<Buffer>>();
    expectTypeOf(tasks.run("x", { cpus: 2 })).toEqualTypeOf<Task<Buffer>>();
    expectTypeOf(tasks.run("x", { outputs: ["f"] })).toEqualTypeOf<Task<Buffer>>();
    const two = tasks.run("x", { outputs: ["+out", "f"] });
    expectTypeOf(two).toEqualTypeOf<Task<[Buffer, Buffer]>>();
    expectTypeOf(tasks.get(two, 1)).toEqualTypeOf<Task<Buffer>>();
    const names: string[] = [];
    expectTypeOf(tasks.run("x", { outputs: names })).toEqualTypeOf<Task<Buffer | Buffer[]>>();
  });

  it("follow through the client", () => {
    const lines = tasks.split(a);
    const use = async () => {
      expectTypeOf(client.submitOne(lines)).toEqualTypeOf<Future<Pieces>>();
      const futures = client.submit([a, lines]);
      expectTypeOf(futures).toEqualTypeOf<[Future<Buffer>, Future<Pieces>]>();
      expectTypeOf(await client.gather(futures)).toEqualTypeOf<[Buffer, Pieces]>();
      expectTypeOf(await futures[1].gather()).toEqualTypeOf<Pieces>();
      const many = client.submit([a].map((task) => task));
      expectTypeOf(many).toEqualTypeOf<Future<Buffer>[]>();
      expectTypeOf(await client.fetch(many)).toEqualTypeOf<Buffer[]>();
      expectTypeOf(tasks.merge(many)).toEqualTypeOf<Task<Buffer>>();
      expectTypeOf(tasks.get(futures[1], 0)).toEqualTypeOf<Task<Buffer>>();
      for await (const future of client.asCompleted(many)) {
        expectTypeOf(future).toEqualTypeOf<Future<Buffer>>();
      }
    };
    expectTypeOf(use).returns.resolves.toBeVoid();
  });

  it("refuse what can't work", () => {
    const pair = tasks.arrayMake([a, a]);
    // @ts-expect-error an array has no bytes
    tasks.merge([pair]);
    // @ts-expect-error bytes have no elements
    tasks.get(a, 0);
    // @ts-expect-error bytes have no elements
    tasks.slice(a, 0);
  });
});
