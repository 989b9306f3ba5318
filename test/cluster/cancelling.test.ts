/** What nobody wants any more ends: programs with all their children, clusters with all their files. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client, type Future, tasks } from "../../src/client/index.js";
import type { Task } from "../../src/graph/index.js";
import { isAlive, TestCluster, until, within, workerDirectory } from "./test-cluster.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cancelling-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs for ever, with a child that ignores the polite signals; writes both pids to a file. */
function endless(file: string): Task<Buffer> {
  const script = `sh -c 'trap "" TERM INT HUP; echo $$ >"$1.child"; while :; do sleep 1000; done' sh "$1" &
until [ -s "$1.child" ]; do sleep 0.01; done; cat "$1.child" >"$1.part"; echo $$ >>"$1.part"
mv "$1.part" "$1"; wait`;
  return tasks.run(["sh", "-c", script, "sh", file]);
}

/** The pids of an endless program, as soon as it has started. */
async function pidsIn(file: string): Promise<number[]> {
  await until(`${file} is there`, () => existsSync(file));
  const pids = readFileSync(file, "utf8").trim().split("\n").map(Number);
  expect(pids).toHaveLength(2);
  expect(pids.filter(isAlive)).toEqual(pids);
  return pids;
}

function untilDead(pids: readonly number[]): Promise<void> {
  return until(`processes ${pids} are gone`, () => !pids.some(isAlive));
}

describe("a running program", () => {
  const ends: Record<string, (future: Future, abort: AbortController) => unknown> = {
    "its result is released": (future) => future.release(),
    "its submission is aborted": (_, abort) => abort.abort(),
    "the gathering of its result is aborted": async (future) => {
      const gathering = future.gather({ signal: AbortSignal.abort() });
      await expect(gathering).rejects.toMatchObject({ code: "cancelled" });
    },
  };
  for (const [how, end] of Object.entries(ends)) {
    it(`is killed with its children when ${how}`, async () => {
      await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
      const { client } = cluster;
      const file = join(folder, "pids");
      const abort = new AbortController();
      const user = tasks.merge([endless(file), tasks.const("never")]);
      const [future] = client.submit([user], { signal: abort.signal });
      const waiting = future.wait().catch((error: unknown) => error);
      const pids = await pidsIn(file);
      await end(future, abort);
      expect(await within("the end of waiting", waiting)).toMatchObject({
        code: how.includes("submission") ? "cancelled" : "released",
      });
      await untilDead(pids);
      // Its core is free again, its directory is gone.
      expect(String(await client.submitOne(tasks.run("echo next")).gather())).toBe("next\n");
      await cluster.untilIdle();
      expect((await client.stats()).objects).toBe(0);
    });
  }

  it("goes on while somebody else needs it", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const { client } = cluster;
    const go = join(folder, "go");
    const waits = tasks.run([
      "sh",
      "-c",
      'until [ -e "$1" ]; do sleep 0.01; done; echo done',
      "sh",
      go,
    ]);
    const [own, user] = client.submit([waits, tasks.merge([waits, waits])]);
    own.release();
    await client.submitOne(tasks.custom("loom/data/save", go, [tasks.const("")])).gather();
    expect(String(await within("its user", user.gather()))).toBe("done\ndone\n");
  });

  it("is killed when its client goes", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 2 });
    const files = ["closed", "stays"].map((name) => join(folder, name));
    const leaving = await cluster.connect();
    const held = leaving.submitOne(endless(files[0]));
    const staying = cluster.client.submitOne(endless(files[1]));
    const [gone, stays] = [await pidsIn(files[0]), await pidsIn(files[1])];
    await leaving.close();
    await untilDead(gone);
    expect(() => held.release()).not.toThrow();
    expect(stays.filter(isAlive)).toEqual(stays);
    staying.release();
    await untilDead(stays);
  });

  it("is killed when its worker is", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const file = join(folder, "pids");
    const future = cluster.client.submitOne(endless(file));
    const pids = await pidsIn(file);
    cluster.kill(cluster.workers[0]);
    await untilDead(pids);
    future.release();
  });
});

describe("an embedded cluster", () => {
  it("leaves no process and no file when its client closes", async () => {
    const client = await Client.connect({ workers: 2, cpus: 1 });
    const files = ["one", "two"].map((name) => join(folder, name));
    const futures = client.submit(files.map(endless));
    const pids = (await Promise.all(files.map(pidsIn))).flat();
    const { workers } = await client.status();
    expect(workers).toHaveLength(2);
    for (const { address } of workers) expect(existsSync(workerDirectory(address))).toBe(true);
    const ended = Promise.allSettled(futures.map((future) => future.wait()));
    await client.close();
    expect((await ended).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(workers.filter(({ pid }) => isAlive(pid))).toEqual([]);
    for (const { address } of workers) expect(existsSync(workerDirectory(address))).toBe(false);
    await untilDead(pids);
  });
});

describe("two clients in processes of their own", () => {
  const program = fileURLToPath(new URL("programs/client.mjs", import.meta.url));
  let processes: ChildProcess[] = [];
  afterEach(() => {
    for (const child of processes.splice(0)) child.kill("SIGKILL");
  });

  async function startClient(address: string, name: string): Promise<ChildProcess> {
    const child = fork(program, [address, name], { execArgv: [] });
    processes.push(child);
    await next(child, "connected");
    return child;
  }

  async function next(child: ChildProcess, kind: string): Promise<unknown> {
    const [message] = await within(`"${kind}" of a client`, once(child, "message"));
    expect(message).toMatchObject({ kind });
    return message.value;
  }

  it("get their own results, and leave nothing when they go or are killed", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const names = ["a", "b"];
    const clients = await Promise.all(names.map((name) => startClient(cluster.address, name)));
    expect((await cluster.client.stats()).clients).toBe(3);
    for (let round = 0; round < 3; round++) {
      const answers = clients.map((child) => next(child, "values"));
      for (const child of clients) child.send({ kind: "compute", round });
      for (const [i, values] of (await Promise.all(answers)).entries()) {
        const expected = Array.from({ length: 200 }, (_, n) => `${names[i]} ${round} ${n}`);
        expect(values).toEqual(expected);
      }
    }
    // Both hold something; one is killed, the other one goes on.
    const holding = clients.map((child) => next(child, "holding"));
    for (const child of clients) child.send({ kind: "hold" });
    await Promise.all(holding);
    expect((await cluster.client.stats()).objects).toBe(20);
    clients[0].kill("SIGKILL");
    await until("the killed one's objects are gone", async () => {
      const { objects, clients: count } = await cluster.client.stats();
      return objects === 10 && count === 2;
    });
    const value = next(clients[1], "held");
    clients[1].send({ kind: "fetch" });
    expect(await value).toBe("b held 9");
    const exit = once(clients[1], "exit");
    clients[1].send({ kind: "close" });
    expect((await within("its exit", exit))[0]).toBe(0);
    await until("all is gone", async () => (await cluster.client.stats()).objects === 0);
    await cluster.untilIdle();
    processes = [];
  });
});
