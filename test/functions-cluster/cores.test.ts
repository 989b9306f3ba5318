/** Which functions run at the same time, and where: cores, light functions, workers without a language. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { type Data, jsTask, LoomError, Task, tasks } from "hyperloom";
import { afterEach, describe, expect, it } from "vitest";
import { newPath, touch } from "./bystanders.js";
import { python } from "./python.js";
import { failureOf, isAlive, sharedCluster, until, within } from "./shared-cluster.js";

/**
 * Notes when it begins and ends; runs as long as it takes until others could be seen beside it, and until
 * somebody has seen `count` at the same time: the process of the next one may be slow to start.
 */
const busy = jsTask(async (folder: string, name: string, count: number) => {
  const fs = await import("node:fs");
  const file = `${folder}/${name}`;
  fs.writeFileSync(file, "");
  let most = 0;
  for (let i = 0; i < 15 || !fs.existsSync(`${folder}-seen`); i++) {
    most = Math.max(most, fs.readdirSync(folder).length);
    if (most >= count) fs.writeFileSync(`${folder}-seen`, "");
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  fs.rmSync(file);
  return `${most}`;
});
const BUSY = `
import os, time
def f(folder, name, count):
    file = folder + "/" + name
    open(file, "w").close()
    most = i = 0
    while i < 15 or not os.path.exists(folder + "-seen"):
        i += 1
        most = max(most, len(os.listdir(folder)))
        if most >= count: open(folder + "-seen", "w").close()
        time.sleep(0.003)
    os.remove(file)
    return str(most)
`;
type Make = (folder: string, name: string, cpus: number, count: number) => Task;
const makers: [string, Make][] = [
  ["TypeScript", (folder, name, cpus, count) => busy(folder, name, count).withCpus(cpus)],
  ["Python", (folder, name, cpus, count) => python(BUSY, { args: [folder, name, count], cpus })],
];
const newFolder = () => {
  const folder = newPath();
  mkdirSync(folder);
  return folder;
};

describe("on a worker with two cores", () => {
  const shared = sharedCluster({ workers: 1, cpus: 2 });
  afterEach(() => shared.untilIdle());

  it.each(makers)(
    "functions in %s with one run two at a time, with two one at a time",
    async (_, make) => {
      const { client } = shared;
      for (const [cpus, count] of [
        [1, 2],
        [2, 1],
      ]) {
        const folder = newFolder();
        const futures = client.submit(
          Array.from({ length: 6 }, (_, i) => make(folder, `${i}`, cpus, count)),
        );
        const seen = (await within("all", client.gather(futures))).map(Number);
        expect(Math.max(...seen)).toBe(count);
      }
    },
  );

  it("functions of both languages share the cores", async () => {
    const folder = newFolder();
    const { client } = shared;
    const futures = client.submit(
      Array.from({ length: 8 }, (_, i) => makers[i % 2][1](folder, `${i}`, 1, 2)),
    );
    const seen = (await within("all", client.gather(futures))).map(Number);
    expect(Math.max(...seen)).toBe(2);
  });

  it("light ones run beside all of them, in both languages", async () => {
    const { client } = shared;
    const [path, folder] = [newPath(), newFolder()];
    const heavy = client.submit([0, 1].map((i) => holds(folder, `${i}`, path)));
    await until("both cores are taken", () => readdirSync(folder).length === 2);
    const light = client.submit([
      jsTask(() => "js", { cpus: 0 })(),
      python("def f():\n  return 'py'", { cpus: 0 }),
    ]);
    expect((await within("light ones", client.gather(light))).map(String)).toEqual(["js", "py"]);
    expect(heavy.map(({ status }) => status)).toEqual(["pending", "pending"]);
    await within("touch", client.submitOne(touch(path)).gather());
    await within("heavy ones", client.gather(heavy));
  });

  it("a long light one in Python does not hold up other light ones", async () => {
    const { client } = shared;
    const path = newPath();
    const wait =
      "import os, time\ndef f(path):\n  while not os.path.exists(path): time.sleep(0.005)\n  return 'long'";
    const long = client.submitOne(python(wait, { args: [path], cpus: 0 }));
    const short = client.submit(
      Array.from({ length: 40 }, (_, i) => python(`def f():\n  return '${i}'`, { cpus: 0 })),
    );
    const values = await within("short ones", client.gather(short));
    expect(values.map(Number)).toEqual(values.map((_, i) => i));
    await within("touch", client.submitOne(touch(path)).gather());
    expect(String(await within("the long one", long.gather()))).toBe("long");
  });

  it.each([
    ["TypeScript", jsTask((n: number) => `${n}`)],
    ["Python", (n: number) => python("def f(n):\n  return str(n)", { args: [n] })],
  ])("a long one leaves the other core to short ones in %s", async (_, make) => {
    const { client } = shared;
    const [path, folder] = [newPath(), newFolder()];
    const long = client.submitOne(holds(folder, "long", path));
    await until("it runs", () => readdirSync(folder).length === 1);
    const short = client.submit(Array.from({ length: 300 }, (_, i) => make(i)));
    const values = await within("short ones", client.gather(short));
    expect(values.map(Number)).toEqual(values.map((_, i) => i));
    expect(long.status).toBe("pending");
    await within("touch", client.submitOne(touch(path)).gather());
    await within("the long one", long.gather());
  });

  it("short ones behind one that turns out to be long do not wait for it", async () => {
    const { client } = shared;
    const path = newPath();
    const sometimes = jsTask((i: number, path: string) => {
      const fs = require("node:fs") as typeof import("node:fs");
      if (i === 100) {
        fs.writeFileSync(`${path}-runs`, "");
        while (!fs.existsSync(path));
      }
      return `${i}`;
    });
    const warm = client.submit(Array.from({ length: 50 }, (_, i) => sometimes(i, path)));
    await within("those before", client.gather(warm));
    const [long, ...short] = client.submit(
      Array.from({ length: 2000 }, (_, i) => sometimes(100 + i, path)),
    );
    // Those that were sent together with it can't be had before it ends: at most 512.
    await until("it runs", () => existsSync(`${path}-runs`));
    const done = () => short.filter(({ status }) => status === "finished").length;
    await until("most are done", () => done() > 1400);
    await within("touch", client.submitOne(touch(path)).gather());
    await within("all", client.gather([long, ...short]));
  });

  it("hundreds of light functions that wait hold back nothing else", async () => {
    const { client } = shared;
    const waits = jsTask(() => new Promise<string>(() => {}), { cpus: 0 });
    const waiting = client.submit(Array.from({ length: 300 }, () => waits()));
    const exclaim = jsTask((a: Data) => `${a.text()}!`);
    const merged = tasks.merge([tasks.const("a"), tasks.const("b")]);
    const value = await within("the others", client.submitOne(exclaim(merged)).gather());
    expect(String(value)).toBe("ab!");
    client.release(waiting);
  });

  it("functions that ask for more cores than there are are refused if wished, with the number", async () => {
    const task = busy(newFolder(), "x", 1).withCpus(3);
    const future = shared.client.submitOne(task, { whenUnsatisfiable: "refuse" });
    await expect(within("the refusal", future.gather())).rejects.toThrow(/3 cpus/);
  });
});

/** Holds its core until there is the file. */
const holds = jsTask(async (folder: string, name: string, path: string) => {
  const fs = await import("node:fs");
  fs.writeFileSync(`${folder}/${name}`, "");
  while (!fs.existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5));
  return name;
});

describe("a function that must not run twice", () => {
  const shared = sharedCluster({ workers: 1, cpus: 2 });
  afterEach(() => shared.untilIdle());

  /** Notes its call and its process, then waits for ever. */
  const once = jsTask((path: string) => {
    require("node:fs").appendFileSync(path, `${process.pid}\n`);
    return new Promise<string>(() => {});
  });
  const ONCE = `
import os, time
def f(path):
    with open(path, "a") as file: file.write(f"{os.getpid()}\\n")
    time.sleep(1000)
`;
  const cases: [string, (path: string) => Task][] = [
    ["in TypeScript", once],
    ["in Python", (path) => python(ONCE, { args: [path] })],
  ];

  it.each(cases)("fails %s when its process dies", async (_, make) => {
    const path = newPath();
    const future = shared.client.submitOne(new Task({ ...make(path), policy: "once" }));
    await until("it runs", () => existsSync(path) && readFileSync(path, "utf8").endsWith("\n"));
    process.kill(Number(readFileSync(path, "utf8")), "SIGKILL");
    expect((await failureOf(future)).reason).toMatch(/died: it was killed by SIGKILL/);
    expect(readFileSync(path, "utf8").trim().split("\n").length).toBe(1);
  });

  it.each(cases)("fails %s when its worker is lost, and others are repeated", async (_, make) => {
    const { client } = shared;
    const [path, again] = [newPath(), newPath()];
    const future = client.submitOne(new Task({ ...make(path), policy: "once" }));
    const other = client.submitOne(make(again));
    const calls = (file: string) =>
      existsSync(file) ? readFileSync(file, "utf8").split("\n").length - 1 : 0;
    await until("both run", () => calls(path) === 1 && calls(again) === 1);
    const [old] = shared.workers;
    await shared.addWorker();
    shared.kill(old);
    expect((await failureOf(future)).reason).toMatch(/once/);
    await until("the other is called again", () => calls(again) === 2);
    expect(calls(path)).toBe(1);
    other.release();
    // What ran on the lost worker is gone, too.
    const pids = [path, again].map((file) => Number(readFileSync(file, "utf8").split("\n")[0]));
    await until("its function processes are gone", () => !pids.some(isAlive));
  });
});

describe("a worker without Python", () => {
  const shared = sharedCluster({ workers: 1, cpus: 1, python: "none" });
  afterEach(() => shared.untilIdle());
  const where = "import os\ndef f():\n  return str(os.getppid())";
  const whereJs = jsTask(() => `${process.ppid}`);

  it("executes the rest, and a plan with Python is refused with the reason", async () => {
    const { client } = shared;
    expect(Number(await client.submitOne(whereJs()).gather())).toBe(shared.workers[0].pid);
    const refused = client.submit([python(where), whereJs()]);
    for (const future of refused) {
      const error = await within(
        "the refusal",
        future.gather().catch((e: unknown) => e),
      );
      expect(error).toBeInstanceOf(LoomError);
      expect(String(error)).toMatch(
        /"(function )?\w+" has the type loom\/py\/.*started with --python none/,
      );
    }
    const returned = jsTask((source: string) => tasks.pythonSource(source, { function: "f" }));
    const failure = await failureOf(client.submitOne(returned(where)));
    expect(failure.reason).toMatch(/"loom\/py\/call", which this worker does not offer/);
  });

  it("gets no Python function when one with Python comes, which gets them all", async () => {
    const { client } = shared;
    const broken = newPath();
    writeFileSync(broken, "#!/bin/sh\necho no such thing >&2\nexit 3\n", { mode: 0o755 });
    await shared.addWorker({ python: broken });
    const error = await within(
      "the refusal",
      client.submitOne(python(where)).gather().catch(String),
    );
    expect(error).toMatch(/no such thing|started with --python none/);
    const worker = await shared.addWorker({ python: process.env.LOOM_PYTHON });
    const futures = client.submit(
      Array.from({ length: 20 }, (_, i) =>
        python(`import os\ndef f():\n  return str(os.getppid()) # ${i}`),
      ),
    );
    const pids = (await within("all", client.gather(futures))).map(Number);
    expect(new Set(pids)).toEqual(new Set([worker.pid]));
    // Objects go between them, too.
    const back = jsTask((a: Data) => a.text());
    const text = client.submitOne(back(python("def f():\n  return 'x' * 100000")));
    expect((await within("the text", text.gather())).length).toBe(100_000);
  });
});
