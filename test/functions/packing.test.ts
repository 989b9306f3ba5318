/**
 * What functions take along and what is refused, inside vitest, which loads files in its own way.
 * The files' text matters: variables are looked for by their place in it.
 */
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { type Context, type Data, jsTask } from "../../src/functions/index.js";
import { Task } from "../../src/graph/index.js";
import { tasks } from "../../src/index.js";
import { functionOf, placeOfError, someData } from "./load-function.js";
import { shout } from "./programs/shout.js";

const NUMBER = 5;
const table = { list: [new Date(0), /x/g], bytes: new Uint8Array([1, 2]), big: 3n };
(table as Record<string, unknown>).self = table;
let counter = 1;
counter += 1;
const emitter = new EventEmitter();
let reassigned = () => 1;
reassigned = () => 2;
const made = await Promise.resolve(new EventEmitter());
const fromAwait = await Promise.resolve({ plain: true });
const { join, sep } = path;
const someTask = tasks.const("x");
const holder = { client: { tasks: [someTask] } };
declare const ownGlobal: unknown;
enum Color {
  Red,
  Green,
}
abstract class Shape {
  abstract area(): number;
}
class Square extends Shape {
  static readonly unit = NUMBER;
  area() {
    return 4 * Square.unit;
  }
}
const other = jsTask((text: Data) => shout(text.text()));
const functions = new Map([["double", (n: number) => 2 * n]]);
// biome-ignore lint/suspicious/noShadowRestrictedNames: it hides the global one
const escape = (text: string) => `own ${text}`;
function usesEmitter() {
  return emitter.listenerCount("x") + viaFunction();
}
function viaFunction() {
  return reassigned();
}

const SOURCE = readFileSync(import.meta.filename, "utf8");
const a = tasks.const("a");
const input = someData("in");

/** Runs the function as a worker would. */
const run = (task: Task, ...parameters: unknown[]) => functionOf(task).fn(...parameters);

describe("functions take along", () => {
  it("imports, functions, classes, values", () => {
    const all = jsTask((text: Data) => {
      const values = [NUMBER, table.list[0], table.bytes.length, table.big, counter, Color.Green];
      return [shout(text.text()), path.basename("/x/y"), new Square().area(), ...values].join(" ");
    });
    const text = `IN! y 20 5 ${String(new Date(0))} 2 3 2 1`;
    expect(run(all(a), input)).toBe(text);
  });

  it("values as they are, cyclic ones too, at the first call", () => {
    const look = jsTask(() => [table as never]);
    const captured = functionOf(look()).captured as { table: typeof table };
    expect(captured.table).toEqual(table);
    expect((captured.table as { self?: unknown }).self).toBe(captured.table);
    const limits = { low: 1 };
    const later = jsTask(() => `${limits.low}`);
    limits.low = 2;
    expect(run(later())).toBe("2");
    limits.low = 3;
    expect(run(later())).toBe("2");
  });

  it("initialisers of what is no plain data", () => {
    const emit = jsTask(() => `${emitter.listenerCount("x")} ${functions.get("double")?.(4)}`);
    expect(run(emit())).toBe("0 8");
    expect(run(jsTask(() => join("x", "y") + sep)())).toBe(`x${path.sep}y${path.sep}`);
    expect(run(jsTask(() => `${fromAwait.plain}`)())).toBe("true");
  });

  it("variables of the file that hide global ones", () => {
    expect(run(jsTask((text: Data) => escape(text.text()))(a), input)).toBe("own in");
  });

  it("the right one of functions inside of each other", () => {
    const make = () => () => () => shout("a");
    const outer = run(jsTask(make() as never as () => string)()) as unknown as () => string;
    expect(outer()).toBe("A!");
    expect(run(jsTask(make()())())).toBe("A!");
  });

  it("other builders and themselves", () => {
    const calls = jsTask((text: Data) => tasks.merge([other(text), other(text)]));
    const task = run(calls(a), input) as Task;
    const inner = task.inputs[0] as Task;
    expect([inner.type, inner.inputs[1]]).toEqual(["loom/js/call", input]);
    expect(functionOf(inner).fn(input)).toBe("IN!");
  });

  it("variables around them, whatever their names are elsewhere", () => {
    const make = (shoutAs: string, NUMBER: number) => {
      const path = { list: [shoutAs, NUMBER] };
      return jsTask((text: Data) => `${text.text()} ${path.list} ${NUMBER} ${new Square().area()}`);
    };
    expect(run(make("x", 1)(a), input)).toBe("in x,1 1 20");
    expect(run(make("y", 2)(a), input)).toBe("in y,2 2 20");
    for (const n of [1, 2]) expect(run(jsTask(() => `${n}`)())).toBe(`${n}`);
  });

  it("what is not there yet, as undefined", () => {
    const early = jsTask(() => `${typeof late}`);
    expect(run(early())).toBe("undefined");
    const late = 1;
    expect(late).toBe(1);
  });

  it("nothing if they need nothing", () => {
    const { code, captured } = functionOf(jsTask((text: Data) => text.text())(a));
    expect(captured).toBeUndefined();
    expect(code.length).toBeLessThan(1000);
  });

  it("their kind: async, generator, method, static, default, rest, destructured", async () => {
    class Methods {
      static async one(text: Data) {
        return `${text.text()}${NUMBER}`;
      }
      async *two({ by } = { by: 1 }, ...rest: Data[]) {
        yield `${by}${rest.length}`;
      }
    }
    const { two } = new Methods();
    expect(await run(jsTask(Methods.one)(a), input)).toBe("in5");
    const generator = run(
      jsTask(two as unknown as () => string)(),
      { by: 3 },
      input,
    ) as AsyncGenerator<string>;
    expect((await generator.next()).value).toBe("31");
    const named = jsTask(function again(n: number): string {
      return n === 0 ? `${NUMBER}` : again(n - 1);
    });
    expect(run(named(1), 3)).toBe("5");
    const own = jsTask(function (this: unknown, text: Data) {
      // biome-ignore lint/complexity/noArguments: the test is about them
      return `${arguments.length}${text.text()}`;
    });
    expect(run(own(a), input)).toBe("1in");
  });

  it("imports written inside of them", async () => {
    const inside = jsTask(async () => {
      const { shout } = await import("./programs/shout.js");
      const { basename } = await import("node:path");
      const { tasks } = await import("../../src/index.js");
      return tasks.const(shout(basename("/a/b")) + import.meta.url.slice(0, 5));
    });
    const task = (await run(inside())) as Task;
    expect(Buffer.from(task.config).toString()).toBe("B!file:");
  });

  it("the same bytes every time", () => {
    const make = () => jsTask((text: Data) => shout(text.text()) + NUMBER);
    const bytes = [make(), make()].map((one) => (one(a).inputs[0] as Task).config);
    expect(bytes[0]).toEqual(bytes[1]);
  });

  it("the lines of their errors", () => {
    const fails = jsTask((text: Data) => {
      if (NUMBER === 5) throw new Error(text.text());
      return text;
    });
    const line = 1 + SOURCE.split("\n").findIndex((one) => one.includes("if (NUMBER === 5) throw"));
    expect(placeOfError(functionOf(fails(a)), input)).toBe(`${import.meta.url}:${line}`);
  });
});

describe("functions are refused", () => {
  const refused = (task: () => unknown, problem: RegExp) => {
    let message = "nothing was thrown";
    try {
      task();
    } catch (error) {
      expect(error).toMatchObject({ code: "usage" });
      message = (error as Error).message;
    }
    expect(message).toMatch(problem);
  };

  it("that use what can't travel", () => {
    const helper = () => NUMBER;
    const socket = new EventEmitter();
    const nested = { deep: [{ socket }] };
    const uses = (make: () => () => unknown, problem: RegExp, name = "f") =>
      refused(() => jsTask(make() as () => string, { name })(), problem);
    uses(
      () => () => helper(),
      /^function "f" can't run on workers: it uses "helper", which is a function; pass it as a direct argument, or define it at the top level of the module$/,
    );
    uses(() => () => socket.listenerCount("x"), /"socket", which is an instance of EventEmitter/);
    uses(
      () => () => nested.deep,
      /"nested", which is an object with an instance of EventEmitter at \.deep\[0\]\.socket/,
    );
    uses(() => () => reassigned(), /"reassigned", which is a function; pass it/);
    uses(
      () => () => usesEmitter(),
      /uses "usesEmitter", which uses "viaFunction", which uses "reassigned", which is a function/,
    );
    uses(() => () => made.listenerCount("x"), /"made", which is .* top-level await made/);
    uses(() => () => someTask.label, /"someTask", which is a task; pass it as an input/);
    uses(
      () => () => holder.client,
      /"holder", which is an object with a task at \.client\.tasks\[0\]/,
    );
    (globalThis as Record<string, unknown>).ownGlobal = 1;
    try {
      uses(() => () => ownGlobal, /"ownGlobal", which is a global variable that this program/);
    } finally {
      delete (globalThis as Record<string, unknown>).ownGlobal;
    }
    const line = 1 + SOURCE.split("\n").findIndex((one) => /await import\("\.\/nowhere/.test(one));
    uses(
      () => async () => await import("./nowhere.js" as string),
      new RegExp(`imports "./nowhere.js" \\(in ${import.meta.filename}:${line}\\).*check the path`),
    );
    uses(
      () => async () => await import("not-installed" as "node:path"),
      /imports "not-installed".*install it, or/,
    );
  });

  it("that belong to what is around them", () => {
    class Base {
      name() {
        return "base";
      }
    }
    class User extends Base {
      arrow = () => this.name();
      override name() {
        return super.name();
      }
      get got() {
        return "";
      }
      #secret = 1;
      secret() {
        return `${this.#secret}`;
      }
    }
    const user = new User();
    const getter = Object.getOwnPropertyDescriptor(User.prototype, "got")!.get as () => string;
    function around() {
      // biome-ignore lint/complexity/noArguments: the test is about them
      return () => `${arguments.length} ${new.target}`;
    }
    const give = (fn: unknown) => () => jsTask(fn as () => string)();
    refused(give(user.arrow), /it uses `this` of what is around it; pass what it needs/);
    refused(give(user.name), /function "name" .*uses `super`/);
    refused(give(user.secret), /"secret".*can't be read outside of its class/);
    refused(give(getter), /getter/);
    refused(give(around()), /uses `(arguments|new\.target)` of what is around it/);
    refused(
      give(around.bind(null)),
      /"bound around".*is a bound or native function; wrap it in an/,
    );
    refused(give(Math.max), /"max".*bound or native/);
    refused(give(User), /is a class; wrap it/);
    refused(give(undefined), /jsTask needs a function, got undefined/);
    refused(give("text"), /jsTask needs a function, got string/);
  });

  it("with arguments that can't be sent", () => {
    const f = jsTask((...parameters: unknown[]) => `${parameters.length}`, { name: "f" });
    const cases: [parameters: unknown[], problem: RegExp][] = [
      [[() => 1], /^function "f": argument 1 is a function, which can't be sent/],
      [[1, { on: { done: Symbol() } }], /argument 2 has a symbol at \.on\.done/],
      [[[Promise.resolve()]], /argument 1 has an instance of Promise at \[0\]/],
      [[new WeakMap()], /argument 1 is an instance of WeakMap/],
      [[new Proxy({}, {})], /argument 1 is a Proxy/],
      [[{ inner: a }], /argument 1 has a task at \.inner/],
      [[new Map([["k", other]])], /argument 1 has made by jsTask at \.get\("k"\)/],
      [[path], /argument 1 is (an imported module|a Proxy)/],
      [[a, 5], /argument 2 is no task and no future, but stands after inputs/],
      [[a, undefined, a], /argument 2 is no task/],
    ];
    for (const [parameters, problem] of cases) refused(() => f(...(parameters as [])), problem);
    class Point {
      constructor(readonly x: number) {}
    }
    for (const value of [new Point(1), new Error("x"), undefined, Number.NaN, new Set([1]), -0]) {
      expect(f(value)).toBeInstanceOf(Task);
    }
  });

  it("with too many arguments", () => {
    const two = jsTask((_ctx: Context, _n: number, b?: Data) => b ?? "", { context: true });
    expect(two(1, a).inputs).toHaveLength(2);
    expect(two(1, undefined).inputs).toHaveLength(1);
    refused(() => two(1, a, ...([a] as never as [])), /"two": it takes at most 2 arguments, got 3/);
  });
});
