/** Real servers and workers on this machine, used through the client. */
import { execFile, fork } from "node:child_process";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { Client, TaskFailed, tasks } from "../../src/client/index.js";
import { resources } from "../../src/graph/index.js";
import { startLocalCluster } from "../../src/local-cluster/index.js";

const MIB = 1024 * 1024;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Looks again and again; the test's time limit ends it. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe("a local cluster", () => {
  it("runs, loses and gains workers, and leaves no process", async () => {
    const pids: number[] = [];
    {
      await using cluster = await startLocalCluster({ workers: 2, cpus: 1 });
      await using client = await Client.connect(cluster.address);
      pids.push(...cluster.workers.map(({ pid }) => pid));
      expect((await client.stats()).workers).toBe(2);
      const { workers } = await client.status();
      expect(workers.map(({ pid, cpus }) => [pid, cpus]).sort()).toEqual(
        pids.map((pid) => [pid, 1]).sort(),
      );
      expect(workers.map(({ address }) => address).sort()).toEqual(
        cluster.workers.map(({ address }) => address).sort(),
      );

      // A killed worker leaves its directory behind.
      const directory = `worker-${cluster.workers[0].address.replace(":", "-")}`;
      cluster.workers[0].kill("SIGKILL");
      await until(() => cluster.workers.length === 1);
      await rm(join(tmpdir(), directory), { recursive: true });
      const added = await cluster.addWorker({ cpus: 3 });
      pids.push(added.pid);
      await until(async () => (await client.stats()).workers === 2);
      expect((await client.status()).workers.map(({ cpus }) => cpus).sort()).toEqual([1, 3]);
      await cluster.close();
      await expect(cluster.addWorker()).rejects.toMatchObject({ code: "usage" });
    }
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it("gives workers what tasks may hold", async () => {
    const given = { gpus: 2, licences: 2.5, fpgas: ["left", "right"] };
    await using cluster = await startLocalCluster({ workers: 1, cpus: 2, resources: given });
    await using client = await Client.connect(cluster.address);
    const show = (amounts: Parameters<typeof resources>[0]) =>
      tasks.run("printenv LOOM_RESOURCES", { request: resources(amounts) });
    const [first, second] = await client.gather(
      client.submit([
        show({ cpus: 1, gpus: 0.5, fpgas: { indices: ["right"] } }),
        show({ licences: 2.5, mem: 1000 }),
      ]),
    );
    expect(JSON.parse(first.toString())).toMatchObject({
      cpus: { amount: 1 },
      fpgas: { amount: 1, indices: ["right"] },
      gpus: { amount: 0.5, indices: [expect.stringMatching(/^[01]$/)] },
    });
    expect(JSON.parse(second.toString())).toEqual({
      licences: { amount: 2.5, indices: [] },
      mem: { amount: 1000, indices: [] },
    });
  });

  it("divides what is detected among its workers", async () => {
    const env = process.env.CUDA_VISIBLE_DEVICES;
    process.env.CUDA_VISIBLE_DEVICES = "4,5,6";
    try {
      await using cluster = await startLocalCluster({ workers: 2, cpus: 1 });
      await using client = await Client.connect(cluster.address);
      const show = tasks.run("printenv CUDA_VISIBLE_DEVICES", { request: resources({ gpus: 2 }) });
      const other = tasks.run("printenv CUDA_VISIBLE_DEVICES", {
        request: resources({ gpus: { indices: ["5"] } }),
      });
      const [two, one] = await client.gather(client.submit([show, other]));
      expect([two.toString(), one.toString()]).toEqual(["4,6\n", "5\n"]);
    } finally {
      if (env === undefined) delete process.env.CUDA_VISIBLE_DEVICES;
      else process.env.CUDA_VISIBLE_DEVICES = env;
    }
  });

  it("says what is wrong with resources", async () => {
    const starting = startLocalCluster({ cpus: 1, resources: { gpus: "many" } });
    await expect(starting).rejects.toThrow(/--resource gpus=many: many is not an amount/);
  });

  it("refuses wrong numbers", async () => {
    for (const options of [{ workers: -1 }, { workers: 1.5 }, { cpus: 0 }]) {
      await expect(startLocalCluster(options)).rejects.toMatchObject({ code: "usage" });
    }
  });

  it("can be given up while it starts", async () => {
    const starting = startLocalCluster({ workers: 2, signal: AbortSignal.timeout(1) });
    await expect(starting).rejects.toMatchObject({ code: "cancelled" });
  });

  it("ends when its parent is killed", async () => {
    const program = fileURLToPath(new URL("programs/orphan.ts", import.meta.url));
    const parent = fork(program, [], {
      execArgv: ["--import", "tsx"],
      env: { ...process.env, TSX_DISABLE_CACHE: "1" },
    });
    const { pid, address } = await new Promise<{ pid: number; address: string }>(
      (resolve, reject) => {
        parent.once("message", (message) => resolve(message as { pid: number; address: string }));
        parent.once("exit", (code) => reject(new Error(`orphan.ts ended with status ${code}`)));
      },
    );
    parent.kill("SIGKILL");
    await until(() => !isAlive(pid));
    await until(() =>
      Client.connect(address).then(
        (client) => client.close().then(() => false),
        () => true,
      ),
    );
  });
});

describe("an embedded cluster", () => {
  it("starts and stops with the client, and does all that a client can ask", async () => {
    await using client = await Client.connect({ cpus: 2 });
    const text = tasks.const("b\na\nc\n");
    const [merged, sorted, pieces, both] = await client.gather(
      client.submit([
        tasks.merge([tasks.const("Hello "), tasks.const("world!")]),
        tasks.run("sort -r", { stdin: text }),
        tasks.split(text),
        tasks.run(["sh", "-c", 'echo "$0" > copy; cat copy', text], { outputs: ["+out", "copy"] }),
      ]),
    );
    expect(merged.toString()).toBe("Hello world!");
    expect(sorted.toString()).toBe("c\nb\na\n");
    expect(pieces.map(String)).toEqual(["b\n", "a\n", "c\n"]);
    expect(both.map(String)).toEqual(["b\na\nc\n\n", "b\na\nc\n\n"]);

    await using large = client.submitOne(tasks.run(["head", "-c", `${9 * MIB}`, "/dev/zero"]));
    expect(Buffer.concat(await large.stream().toArray()).equals(Buffer.alloc(9 * MIB))).toBe(true);
    expect(((await large.fetch()) as Buffer).length).toBe(9 * MIB);
    large.release();

    const failing = client.submitOne(tasks.run("ls /no/such/folder").withLabel("list"));
    const user = client.submitOne(tasks.merge([failing]));
    await expect(user.gather()).rejects.toBeInstanceOf(TaskFailed);
    await expect(failing.gather()).rejects.toMatchObject({
      label: "list",
      taskType: "loom/run/run",
      exitStatus: 2,
      stderr: expect.stringContaining("/no/such/folder"),
      message: expect.stringMatching(/^task "list" \(loom\/run\/run\) failed on worker .*:\d+: /),
    });
    const late = client.submitOne(tasks.get(tasks.split(text), 9));
    await expect(late.gather()).rejects.toMatchObject({ taskType: "loom/base/get" });
    await until(async () => (await client.stats()).objects === 0);
  });

  it("lets a running program be watched and stopped", async () => {
    await using client = await Client.connect({ cpus: 1 });
    const script = "echo started; echo problem >&2; exec sleep 1000";
    const future = client.submitOne(tasks.run(["sh", "-c", script]));
    for await (const part of future.stdout()) {
      expect(part.toString()).toBe("started\n");
      break;
    }
    for await (const part of future.stderr()) {
      expect(part.toString()).toBe("problem\n");
      break;
    }
    const gathering = future.gather({ signal: AbortSignal.timeout(10) });
    await expect(gathering).rejects.toMatchObject({ code: "cancelled" });
    // The only core is free again.
    expect(String(await client.submitOne(tasks.run("echo next")).gather())).toBe("next\n");
  });
});

describe("examples", () => {
  const run = (name: string) =>
    promisify(execFile)(
      process.execPath,
      ["--import", "tsx", fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))],
      { env: { ...process.env, TSX_DISABLE_CACHE: "1" } },
    );

  it("hello.ts and futures.ts do what they say", async () => {
    expect((await run("hello.ts")).stdout).toBe("Hello world!\n");
    const { stdout } = await run("futures.ts");
    expect(stdout).toMatch(/together: 1\+2\+3\n/);
    expect(stdout).toMatch(/"list" ended with exit status 2: .*\/no\/such\/directory/);
    expect(stdout).toMatch(/5 bytes; 3 lines/);
  });
});
