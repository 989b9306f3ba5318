/** Extensions in real workers of a cluster: where their tasks run, how values travel, crashes. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  type Task as AnyTask,
  Client,
  cpus,
  type Data,
  jsTask,
  type LogLine,
  Task,
  tasks,
} from "../../src/index.js";
import { startLocalCluster } from "../../src/local-cluster/index.js";
import { isAlive, TestCluster, until, within } from "./test-cluster.js";

const module = (name: string) =>
  fileURLToPath(new URL(`../extensions/modules/${name}.js`, import.meta.url));
const MAKER = [module("maker")];
const USER = [module("user")];

interface More {
  config?: unknown;
  inputs?: AnyTask[];
  cpus?: number;
  label?: string;
  timeLimitMs?: number;
}

function my<T = Buffer>(
  type: string,
  { config, inputs, cpus: cores = 0, ...more }: More = {},
): Task<T> {
  return new Task({
    type: `my/${type}`,
    config: config === undefined ? undefined : JSON.stringify(config),
    inputs,
    request: cores === 0 ? undefined : cpus(cores),
    ...more,
  }) as Task<T>;
}

const ROWS = [
  [1, 2],
  [3, 4],
  [5, 6],
];

async function textOf(client: Client, task: AnyTask): Promise<string> {
  const value = await within(task.type, client.submitOne(task).gather());
  return Array.isArray(value) ? value.map(String).join() : String(value);
}

const failureOf = (client: Client, task: AnyTask): Promise<string> =>
  within(
    `the failure of ${task.type}`,
    client
      .submitOne(task)
      .gather()
      .then(
        () => "it did not fail",
        (error) => error.message,
      ),
  );

describe("tasks of an extension", () => {
  it("run where it is, with cpus or without", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1, python: "none" });
    const { pid } = await cluster.addWorker({ extensions: MAKER });
    const client = await cluster.connect();
    const all = Array.from({ length: 60 }, (_, i) => my("where", { cpus: i % 2, label: `${i}` }));
    const pids = await within("all", client.gather(client.submit(all)));
    expect(new Set(pids.map(String))).toEqual(new Set([String(pid)]));
  });

  it("are known to clients that were there before the worker", async () => {
    await using cluster = await TestCluster.start({ workers: 1, python: "none" });
    const { client } = cluster;
    const submit = () => client.submitOne(my("where"));
    expect(submit).toThrow(
      /the server knows no task type for task of type "my\/where"; start a worker/,
    );
    const { pid } = await cluster.addWorker({ extensions: MAKER });
    await until("the client knows the type", () => {
      try {
        submit();
        return true;
      } catch {
        return false;
      }
    });
    expect(await textOf(client, my("where"))).toBe(String(pid));
  });

  it("wait for a worker with it when that is lost", async () => {
    await using cluster = await TestCluster.start({ workers: 1, python: "none" });
    const first = await cluster.addWorker({ cpus: 1, extensions: MAKER });
    const client = await cluster.connect();
    const waiting = client.submitOne(my("wait", { cpus: 1 }));
    await until("the task is there", async () => {
      const { workers } = await client.status();
      return workers.some(({ pid, assigned }) => pid === first.pid && assigned > 0);
    });
    // Behind the first, which has the core: accepted while somebody offers it.
    const where = client.submitOne(my("where", { cpus: 1 }));
    await client.stats();
    cluster.kill(first);
    waiting.release();
    const second = await cluster.addWorker({ cpus: 1, extensions: MAKER });
    expect(String(await within("the second", where.gather()))).toBe(String(second.pid));
  });

  it("end with what they were cancelled for", async () => {
    await using client = await Client.connect({ cpus: 1, extensions: MAKER, python: "none" });
    expect(await failureOf(client, my("wait", { timeLimitMs: 50 }))).toMatch(
      /Time limit of 50 ms exceeded/,
    );
    const waiting = client.submitOne(my("wait", { cpus: 1 }));
    const next = client.submitOne(my("where", { cpus: 1 }));
    waiting.release();
    expect(String(await within("the core", next.gather()))).toMatch(/^\d+$/);
  });

  it("leave errors behind that end nothing", async () => {
    await using cluster = await TestCluster.start({ cpus: 1, extensions: MAKER, python: "none" });
    await textOf(cluster.client, my("stray"));
    await until(
      "both are logged",
      () => /stray timer/.test(cluster.log) && /stray promise/.test(cluster.log),
    );
    expect(await textOf(cluster.client, my("where"))).toBe(String(cluster.workers[0].pid));
  });
});

describe("values of an extension", () => {
  it("travel between workers, to clients, and can be taken apart", async () => {
    await using cluster = await TestCluster.start({ workers: 0, cpus: 1, python: "none" });
    await cluster.addWorker({ extensions: MAKER });
    await cluster.addWorker({ extensions: USER });
    const client = await cluster.connect();
    /** Of its elements, when it is taken apart. */
    const matrix = my<number[][]>("make", { config: ROWS });
    const doubled = my("double", { inputs: [matrix] });
    const json = JSON.stringify(ROWS);
    expect(await textOf(client, matrix)).toBe(json);
    expect(await textOf(client, my("sum", { inputs: [matrix, doubled] }))).toBe("21,42");
    expect(await textOf(client, tasks.arrayMake([matrix, tasks.const("x")]))).toBe(`${json},x`);
    const sizes = [tasks.size(matrix, doubled), tasks.length(matrix, doubled)];
    const [size, length] = await within("sizes", client.gather(client.submit(sizes)));
    expect([size.readUInt32LE(), length.readUInt32LE()]).toEqual([96, 6]);
    const row = await within("a row", client.submitOne(tasks.get(matrix, 1)).gather());
    expect(row).toEqual([3, 4]);
    expect(await textOf(client, tasks.slice(matrix, 1, 9))).toBe("[[3,4],[5,6]]");
    expect(await textOf(client, my("sum", { inputs: [tasks.slice(matrix, 0, 1)] }))).toBe("3");
    await cluster.untilIdle(client);
  });

  it("are computed again when they are lost with their worker", async () => {
    await using cluster = await TestCluster.start({ workers: 0, cpus: 1, python: "none" });
    const first = await cluster.addWorker({ extensions: MAKER });
    const client = await cluster.connect();
    const matrix = client.submitOne(my("make", { config: ROWS }));
    await within("the matrix", matrix.wait());
    await cluster.addWorker({ extensions: MAKER });
    cluster.kill(first);
    expect(String(await within("the matrix again", matrix.gather()))).toBe(JSON.stringify(ROWS));
  });

  it("can be unwrapped by functions in JavaScript", async () => {
    await using client = await Client.connect({ cpus: 1, extensions: MAKER, python: "none" });
    const cell = jsTask((matrix: Data<{ row(i: number): Float64Array }>) =>
      String(matrix.unwrap().row(2)[1]),
    );
    const matrix = my("make", { config: ROWS }) as AnyTask as Task<{
      row(i: number): Float64Array;
    }>;
    expect(await textOf(client, cell(matrix))).toBe("6");
  });
});

describe("tasks in a pool", () => {
  it("get and give values, and know of themselves what others do", async () => {
    await using client = await Client.connect({ cpus: 2, extensions: MAKER, python: "none" });
    const lines: LogLine[] = [];
    client.onLog((line) => lines.push(line));
    const made = my("make", { config: ROWS });
    const inPool = my<number[][]>("poolMake", { config: ROWS });
    const sum = my("poolSum", { inputs: [made, inPool, tasks.slice(inPool, 2, 3)], cpus: 1 });
    expect(await textOf(client, sum)).toBe("21,21,11");
    expect(await textOf(client, my("poolAgain", { inputs: [inPool] }))).toBe("21");
    expect(await textOf(client, inPool)).toBe(JSON.stringify(ROWS));
    const sizes = [tasks.size(inPool), tasks.length(inPool)];
    const [size, length] = await within("sizes", client.gather(client.submit(sizes)));
    expect([size.readUInt32LE(), length.readUInt32LE()]).toEqual([48, 3]);
    expect(await failureOf(client, my("poolWrong"))).toMatch(
      /value\("vector"\): extension "my" has only the data types matrix/,
    );
    expect(await failureOf(client, my("poolNumber"))).toMatch(/"my\/poolNumber" returned a number/);

    const task = my("poolTask", { config: [1], inputs: [tasks.const("x")], cpus: 2, label: "lab" });
    const future = client.submitOne(task);
    expect(await within("what it got", future.gather())).toEqual({
      type: "my/poolTask",
      attempt: expect.any(Number),
      cpus: 2,
      label: "lab",
      config: "[1]",
      inputs: 1,
      hasId: true,
      aborted: false,
    });
    await until("its line is there", () =>
      lines.some(({ message }) => message === "in my/poolTask"),
    );
  });

  it("crash and block alone", async () => {
    await using cluster = await TestCluster.start({ cpus: 3, extensions: MAKER, python: "none" });
    const { client } = cluster;
    const blocking = client.submitOne(my("block", { cpus: 1 }));
    const others = client.submit(Array.from({ length: 5 }, () => my("poolPid", { cpus: 1 })));
    expect(await failureOf(client, my("crash", { cpus: 1 }))).toMatch(
      /The extension process that executed the function died: it was killed by SIGKILL/,
    );
    const pids = (await within("the others", client.gather(others))).map(Number);
    const worker = cluster.workers[0].pid;
    expect(pids).not.toContain(worker);
    expect(await textOf(client, my("where"))).toBe(String(worker));
    expect(await failureOf(client, my("block", { timeLimitMs: 50 }))).toMatch(
      /Time limit of 50 ms/,
    );
    blocking.release();
    expect(await textOf(client, my("where", { cpus: 3 }))).toBe(String(worker));
    await cluster[Symbol.asyncDispose]();
    await until("their processes are gone", () => !pids.some(isAlive));
  });
});

it.each([0, 1])(
  "a task that must not run twice, with %i cpus, kills one worker only",
  async (cpus) => {
    await using cluster = await TestCluster.start({
      workers: 2,
      cpus: 2,
      extensions: MAKER,
      python: "none",
    });
    const { workers } = cluster;
    const folder = mkdtempSync(join(tmpdir(), "loom-once-"));
    try {
      const config = join(folder, "runs");
      const task = new Task({ ...my("killWorker", { config, cpus }), policy: "once" });
      expect(await failureOf(cluster.client, task)).toMatch(/must not run twice .policy "once"/);
      expect(readFileSync(config, "utf8")).toBe("x");
      // For their files: one has killed itself.
      for (const worker of workers) cluster.kill(worker);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

describe("an extension", () => {
  it("can be TypeScript, and have a native addon", async () => {
    const folder = mkdtempSync(join(tmpdir(), "loom-extension-"));
    try {
      // Any addon will do: this one comes with a tool of the tests.
      const addon = findAddon();
      mkdirSync(join(folder, "lib"));
      writeFileSync(
        join(folder, "native.ts"),
        `import { createRequire } from "node:module";
import { defineExtension, type ExtensionTask } from "hyperloom";

const names = (): string => ${
          addon === undefined
            ? '"none"'
            : `Object.keys(createRequire(import.meta.url)(${JSON.stringify(addon)})).join()`
        };
export default defineExtension({
  prefix: "native",
  taskTypes: {
    names: { run: (_: ExtensionTask) => names() },
    pooled: { pool: true, run: () => names() },
  },
});
`,
      );
      await using cluster = await startLocalCluster({
        cpus: 1,
        extensions: [join(folder, "native.ts")],
        python: "none",
      });
      await using client = await Client.connect(cluster.address);
      const [here, pooled] = await within(
        "both",
        client.gather(
          client.submit([new Task({ type: "native/names" }), new Task({ type: "native/pooled" })]),
        ),
      );
      expect(String(here).length).toBeGreaterThan(3);
      expect(String(pooled)).toBe(String(here));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** Path of an addon that can be loaded here. */
function findAddon(): string | undefined {
  const require = createRequire(import.meta.url);
  const { platform, arch } = process;
  const libc = platform === "linux" ? "-gnu" : "";
  try {
    const main = require.resolve(`lightningcss-${platform}-${arch}${libc}`);
    require(main);
    return main;
  } catch {
    return undefined;
  }
}
