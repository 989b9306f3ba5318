/** Plans of functions in both languages, programs and built-in tasks; their objects move between workers. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Context, type Data, jsTask, type Task, tasks } from "hyperloom";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { expression, python } from "./python.js";
import { sharedCluster, within } from "./shared-cluster.js";

/** One core each: two tasks that run at the same time are on two workers. */
const shared = sharedCluster({ workers: 2, cpus: 1 });
afterEach(() => shared.untilIdle());

const scratch = realpathSync(mkdtempSync(join(tmpdir(), "functions-mixed-")));
afterAll(() => rmSync(scratch, { recursive: true }));
let folders = 0;
function folder(): string {
  const path = join(scratch, String(folders++));
  mkdirSync(path);
  return path;
}

function result<T>(task: Task<T>): Promise<T> {
  return within(`the result of ${task.label ?? task.type}`, shared.client.submitOne(task).gather());
}
async function text(task: Task): Promise<string> {
  return String(await result(task));
}

/** More than goes through sockets to processes. */
const LARGE = 200_000;

const upper = jsTask((data: Data) => data.text().toUpperCase());
const join2 = jsTask((a: Data, b: Data) => `${a.text()}+${b.text()}`);

describe("results go through", () => {
  it("Python, TypeScript, a program, Python and built-in tasks", async () => {
    const first = expression("", "'pear\\napple\\n'");
    const second = upper(first);
    const third = tasks.run("sort", { stdin: second });
    const fourth = expression("d", "d.read()[::-1] + b'\\nend'", third);
    const lines = tasks.split(fourth);
    const all = [join2(tasks.get(lines, 0), tasks.get(lines, 3)), tasks.slice(lines, 1, 3)];
    const [ends, middle] = await shared.client.gather(shared.client.submit(all));
    expect(String(ends)).toBe("\n+end");
    expect(String(middle)).toBe("RAEP\nELPPA\n");
    expect(await text(expression("d", "str(len(d)) + d[1].read().decode()", lines))).toBe(
      "4RAEP\n",
    );
    const sum = jsTask((data: Data) => {
      let sum = "";
      for (const piece of data) sum = `${piece.text().trim()}${sum}`;
      return sum;
    });
    expect(await text(sum(lines))).toBe("endELPPARAEP");
  });

  it("arrays, taken apart and put together in both languages", async () => {
    const made = expression<Buffer[][]>("", "['a', ['b', b'c' * 200000], []]");
    const turned = jsTask((data: Data) => [data.at(1).at(1), [data.at(2), data.at(0)], "new"]);
    const back = expression("d", "[d[1][1], d[0], str(d[2].size())]", turned(made));
    const [a, large, size] = (await result(back)) as unknown as Buffer[];
    expect([String(a), large.length, String(size)]).toEqual(["a", LARGE, "3"]);
    expect(Number((await result(tasks.length(made))).readBigUInt64LE())).toBe(3);
    const element = tasks.get(tasks.get(turned(made), 1), 1);
    expect(await text(upper(element))).toBe("A");
  });

  it("values of each language: others see that there is one, and hand it on", async () => {
    const map = jsTask((ctx: Context) => ctx.wrap(new Map([["k", { n: 1n }]])), { context: true });
    const object = python("def f(ctx):\n  return ctx.wrap({'k': (1, 2)})", { context: true });
    const pass = jsTask((a: Data<unknown>, b: Data<unknown>) => [b, a]);
    const kinds = jsTask((a: Data<unknown>) => [a.at(0).type, a.at(1).type]);
    const passed = pass(map(), object);
    expect((await result(kinds(passed))).map(String)).toEqual(["loom/pyobj", "loom/jsobj"]);
    const seen = expression("d", "[d[1], str(d[0].unwrap()['k'][1]), str(d[1].unwrap())]", passed);
    const [value, two, none] = (await result(seen)) as unknown as unknown[];
    expect(value).toEqual(new Map([["k", { n: 1n }]]));
    expect([String(two), String(none)]).toEqual(["2", "None"]);
    expect(await result(tasks.get(passed, 1))).toEqual(new Map([["k", { n: 1n }]]));
  });

  it("futures of several submits, and of results that are arrays", async () => {
    const { client } = shared;
    const a = client.submitOne(expression<Buffer[]>("", "['x', 'y']"));
    const b = client.submitOne(upper(tasks.const("b")));
    await a.wait();
    const c = client.submitOne(join2(tasks.get(a, 1), b));
    const d = client.submitOne(expression("a, c", "a[0].read() + c.read()", a, c));
    a.release();
    expect(String(await within("d", d.gather()))).toBe("xy+B");
    expect(String(await within("c", c.gather()))).toBe("y+B");
    expect(String(await within("b", b.gather()))).toBe("B");
  });
});

/** Notes its worker in the folder and waits until another one has come; gives things of all kinds. */
const makeHere = jsTask(
  async (ctx: Context, folder: string, size: number, text: Data) => {
    const { readdirSync, writeFileSync } = await import("node:fs");
    writeFileSync(`${folder}/js`, String(process.ppid));
    while (readdirSync(folder).length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    const value = { list: [1, "two"], bytes: new Uint8Array(size).fill(7) };
    return [text, "small", "L".repeat(size), ctx.wrap(value), ["deep", []]];
  },
  { context: true },
);
const MAKE_HERE = `
import os, time
def f(ctx, folder, size, text):
    with open(folder + "/py", "w") as file:
        file.write(str(os.getppid()))
    while len(os.listdir(folder)) < 2:
        time.sleep(0.005)
    value = {"list": [1, "two"], "bytes": b"\\7" * size}
    return [text, "small", "L" * size, ctx.wrap(value), ["deep", []]]
`;
const describeHere = jsTask((...made: Data[]) => {
  const describe = (data: Data): string => {
    if (data.kind === "array") return `[${[...data].map(describe).join()}]`;
    return data.kind === "bytes" ? `${data.size}${data.text().slice(0, 5)}` : data.type;
  };
  return made.map((data) => describe(data)).join("\n");
});
const DESCRIBE_HERE = `
def f(*made):
    def describe(data):
        if len(data): return "[" + ",".join(describe(one) for one in data) + "]"
        value = data.unwrap()
        return str(data.size()) + data.read().decode()[:5] if value is None else type(value).__name__
    return "\\n".join(describe(one) for one in made)
`;

describe("objects move between workers", () => {
  it("of all kinds, made and read in both languages", async () => {
    const { client } = shared;
    const place = folder();
    const index = tasks.get(tasks.split(tasks.const("one\ntwo\n")), 1);
    const js = makeHere(place, LARGE, index);
    const py = python<Buffer[]>(MAKE_HERE, {
      args: [place, LARGE],
      inputs: [index],
      context: true,
    });
    const readers = [
      js,
      describeHere(js, py),
      python(DESCRIBE_HERE, { inputs: [js, py] }),
      tasks.run("wc -c", { stdin: tasks.get(js, 2) }),
      tasks.run("wc -c", { stdin: tasks.get(py, 2) }),
    ] as const;
    const futures = client.submit(readers);
    const [made, fromJs, fromPy, ...counts] = await within("all", client.gather(futures));
    const workers = ["js", "py"].map((name) => readFileSync(join(place, name), "utf8"));
    expect(new Set(workers)).toEqual(new Set(shared.workers.map(({ pid }) => String(pid))));
    expect(counts.map(Number)).toEqual([LARGE, LARGE]);
    const described = (js: string, py: string, end: string) =>
      [js, py].map((type) => `[4two\n,5small,200000LLLLL,${type},[4deep,${end}]]`).join("\n");
    expect(String(fromJs)).toBe(described("loom/jsobj", "loom/pyobj", "[]"));
    expect(String(fromPy)).toMatch(described("X", "dict", "0").slice(-40));
    expect(made[3]).toEqual({ list: [1, "two"], bytes: new Uint8Array(LARGE).fill(7) });
  });

  it("large ones of 50 MB go through both languages without copies in the workers", async () => {
    const { client, workers } = shared;
    const peakMb = () =>
      workers.map(({ pid }) => {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        return Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]) / 1024;
      });
    const before = peakMb();
    const start = jsTask((size: number) => new Uint8Array(size));
    const js = jsTask((data: Data) => {
      const bytes = data.bytes().slice();
      bytes[0]++;
      return bytes;
    });
    let task: Task<Buffer> = start(50_000_000);
    for (let i = 0; i < 4; i++) {
      task = js(expression("d", "(lambda b: bytes([b[0] + 1]) + bytes(b[1:]))(d.read())", task));
    }
    const check = jsTask((data: Data) => `${data.size} ${data.bytes()[0]}`);
    expect(String(await within("the chain", client.submitOne(check(task)).gather()))).toBe(
      "50000000 8",
    );
    const grown = peakMb().map((peak, i) => peak - before[i]);
    expect(Math.max(...grown)).toBeLessThan(100);
  });
});

/** Code of more than 4 KiB is kept by the server. */
describe("code that is kept", () => {
  const table = Array.from({ length: 2000 }, (_, i) => `entry ${i}`);
  const look = jsTask((at: number, suffix: Data) => table[at] + suffix.text());
  const source = `table = [${table.map((one) => `"${one}"`)}]\ndef f(at, suffix):\n  return table[at] + suffix.read().decode()`;
  const lookInPython = (at: number, suffix: Task<Buffer>) =>
    python(source, { args: [at], inputs: [suffix] });
  const lookTwice = (at: number, suffix: string) =>
    Promise.all([text(look(at, tasks.const(suffix))), text(lookInPython(at, tasks.const(suffix)))]);

  it("serves plan after plan, also when the workers that had it are gone", async () => {
    expect(await lookTwice(5, "!")).toEqual(["entry 5!", "entry 5!"]);
    expect(await lookTwice(1999, "?")).toEqual(["entry 1999?", "entry 1999?"]);
    const old = [...shared.workers];
    await Promise.all(old.map(() => shared.addWorker()));
    for (const worker of old) shared.kill(worker);
    expect(await lookTwice(7, ".")).toEqual(["entry 7.", "entry 7."]);
    // Every worker gets it.
    const futures = shared.client.submit(
      Array.from({ length: 40 }, (_, i) => look(i, tasks.const(`-${i}`))),
    );
    const values = await within("many", shared.client.gather(futures));
    expect(values.map(String)).toEqual(values.map((_, i) => `entry ${i}-${i}`));
  });

  it("is of one client; others send it themselves", async () => {
    const other = await shared.connect();
    const future = other.submitOne(look(3, tasks.const("")));
    expect(String(await within("the other client", future.gather()))).toBe("entry 3");
    await other.close();
    expect(await lookTwice(4, "")).toEqual(["entry 4", "entry 4"]);
  });
});
