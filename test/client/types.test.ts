/** Types follow from tasks through futures to values. Checked by the compiler. */
import { describe, expectTypeOf, it } from "vitest";
import {
  type Client,
  type Future,
  type Pieces,
  tasks,
  type ValueOf,
} from "../../src/client/index.js";
import { type Context, type Data, jsTask } from "../../src/functions/index.js";
import type { LocalObject, Task, TaskLike } from "../../src/graph/index.js";

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
    expectTypeOf(tasks.dget(lines)).toEqualTypeOf<Task<Buffer>>();
    expectTypeOf(tasks.dget(pair)).toEqualTypeOf<Task<Buffer | Pieces>>();
    expectTypeOf(tasks.dslice(lines)).toEqualTypeOf<Task<Buffer>>();
    expectTypeOf(tasks.dslice(many)).toEqualTypeOf<Task<Buffer[]>>();
    const each = tasks.arrayMake<Task<Buffer>[]>([tasks.dget(lines)]);
    expectTypeOf(each).toEqualTypeOf<Task<Buffer[]>>();
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

describe("types of jsTask", () => {
  const hello = jsTask((a: Data) => `Hello ${a.text()}`);
  const stats = jsTask((ctx: Context, a: Data) => ctx.wrap({ n: a.size }), { context: true });
  const pick = jsTask((a: Data, b: Data) =>
    tasks.run("/bin/cat", { stdin: a.size > b.size ? a : b }),
  );
  // Never called: only its type counts.
  const use = (f: () => unknown) => f;

  it("follow from the function's parameters", () => {
    expectTypeOf(hello).parameters.toEqualTypeOf<[a: TaskLike | LocalObject]>();
    expectTypeOf(stats).parameters.toEqualTypeOf<[a: TaskLike | LocalObject]>();
    const repeat = jsTask((times: number, text: Data<Buffer>) => text.text().repeat(times));
    expectTypeOf(repeat).parameters.toEqualTypeOf<
      [times: number, text: TaskLike<Buffer> | LocalObject]
    >();
    const join = jsTask((options: { by: string } | undefined, ...parts: Data[]) =>
      parts.map((part) => part.text()).join(options?.by),
    );
    expectTypeOf(join).parameters.toEqualTypeOf<
      [options: { by: string } | undefined, ...parts: (TaskLike | LocalObject)[]]
    >();
    const optional = jsTask((a: Data, b?: Data) => [a, b ?? a]);
    use(() => [optional(hello(a)), optional(a, a), join(undefined), join({ by: "," }, a, a)]);
    expectTypeOf(repeat.fn).toBeCallableWith(2, {} as Data<Buffer>);
    // @ts-expect-error a task of another type
    use(() => repeat(2, tasks.arrayMake([a])));
    // @ts-expect-error a number is missing
    use(() => repeat(a));
    // @ts-expect-error no task
    use(() => hello("text"));
    // @ts-expect-error the context is given by the worker
    use(() => stats({} as Context, a));
  });

  it("follow from the function's result", () => {
    expectTypeOf(hello).returns.toEqualTypeOf<Task<Buffer>>();
    expectTypeOf(stats).returns.toEqualTypeOf<Task<{ n: number }>>();
    expectTypeOf(pick).returns.toEqualTypeOf<Task<Buffer>>();
    const bytes = jsTask(async () => new Uint8Array(3));
    expectTypeOf(bytes).returns.toEqualTypeOf<Task<Buffer>>();
    const same = jsTask((a: Data<string[]>) => a);
    expectTypeOf(same).returns.toEqualTypeOf<Task<string[]>>();
    const pair = jsTask((ctx: Context, a: Data<Date>) => [ctx.wrap(5), a, "text"], {
      context: true,
    });
    expectTypeOf(pair).returns.toEqualTypeOf<Task<[number, Date, Buffer]>>();
    const lines = jsTask((a: Data) => a.text().split("\n"));
    expectTypeOf(lines).returns.toEqualTypeOf<Task<Buffer[]>>();
    const anything = jsTask((a: Data) => JSON.parse(a.text()));
    expectTypeOf(anything).returns.toEqualTypeOf<Task<unknown>>();
    const either = jsTask((a: Data<number>) => (a.size > 3 ? a : "none"));
    expectTypeOf(either).returns.toEqualTypeOf<Task<number | Buffer>>();
    const empty = jsTask(() => []);
    expectTypeOf(empty).returns.toEqualTypeOf<Task<[]>>();
    const promised = jsTask(async (ctx: Context) => [ctx.wrap(new Map([["a", 1]]))], {
      context: true,
    });
    expectTypeOf(promised).returns.toEqualTypeOf<Task<[Map<string, number>]>>();
    // @ts-expect-error a number is no result
    jsTask((a: Data) => a.size);
    // @ts-expect-error nor is nothing
    jsTask(() => {});
  });

  it("let data of a running function be an input everywhere", () => {
    const inside = jsTask((a: Data, list: Data<Buffer[]>) =>
      tasks.arrayMake([tasks.merge([a]), hello(a), tasks.get(list, 0), tasks.slice(a, 1), list]),
    );
    expectTypeOf(inside).returns.toEqualTypeOf<
      Task<[Buffer, Buffer, unknown, unknown, Buffer[]]>
    >();
  });

  it("follow through the client", () => {
    const values = async () => {
      const text = await client.submitOne(hello(tasks.const("world"))).gather();
      expectTypeOf(text).toEqualTypeOf<Buffer>();
      expectTypeOf((await client.submitOne(stats(a)).gather()).n).toEqualTypeOf<number>();
      const futures = client.submit([hello(a), stats(a)]);
      expectTypeOf(await client.gather(futures)).toEqualTypeOf<[Buffer, { n: number }]>();
      hello(futures[1]);
    };
    expectTypeOf(values).returns.resolves.toBeVoid();
  });
});
