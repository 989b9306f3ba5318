/** What is lost with a worker is computed again: results nobody has read, however they were made. */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TaskFailed, tasks } from "../../src/client/index.js";
import type { Task } from "../../src/graph/index.js";
import { isAlive, TestCluster, until, within } from "./test-cluster.js";

const MIB = 1024 * 1024;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "recovery-"));
});
afterAll(() => rm(folder, { recursive: true }));

function bytes(size: number, fill: string): Buffer {
  return Buffer.alloc(size, fill);
}

function hash(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** A value of this many bytes that was made on `levels` levels of tasks. */
function towerOf(levels: number, size: number): { task: Task<Buffer>; value: Buffer } {
  let task: Task<Buffer> = tasks.const(bytes(size / 2 ** 4, "x"));
  let value = bytes(size / 2 ** 4, "x");
  for (let level = 0; level < levels; level++) {
    const suffix = Buffer.from(`-${level}`);
    const twice = level < 4;
    task = tasks.merge(twice ? [task, task, tasks.const(suffix)] : [task, tasks.const(suffix)]);
    value = Buffer.concat(twice ? [value, value, suffix] : [value, suffix]);
  }
  return { task, value };
}

/** Replaces all workers. */
async function replaceWorkers(cluster: TestCluster): Promise<void> {
  const old = [...cluster.workers];
  for (const worker of old) cluster.kill(worker);
  await Promise.all(old.map(() => cluster.addWorker()));
  await until("the old workers are gone", async () => {
    const { workers } = await cluster.client.status();
    return workers.length === old.length;
  });
}

describe("results that were lost with their worker", () => {
  for (const [name, size] of [
    ["hundred bytes", 128],
    ["megabytes", 6 * MIB],
  ] as const) {
    it(`are computed again over several levels: ${name}`, async () => {
      await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
      const { client } = cluster;
      const tower = towerOf(9, size);
      const sorted = tasks.run(["sh", "-c", "cat; echo end"], { stdin: tower.task });
      const [future, other] = client.submit([sorted, tasks.split(tower.task, "-")]);
      await within("the first computation", client.wait([future, other]));
      await replaceWorkers(cluster);
      const expected = Buffer.concat([tower.value, Buffer.from("end\n")]);
      expect(hash(await within("the value", future.fetch()))).toBe(hash(expected));
      expect(future.status).toBe("finished");
      // Once more: what was computed again is lost again.
      await replaceWorkers(cluster);
      const pieces = await within("the pieces", other.fetch());
      expect(hash(Buffer.concat(pieces))).toBe(hash(tower.value));
      expect(pieces).toHaveLength(tower.value.toString().split("-").length);
      client.release([future, other]);
      await cluster.untilIdle();
      expect((await client.stats()).objects).toBe(0);
    });
  }

  it("are computed again through plans whose results were released", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const { client } = cluster;
    const content = bytes(100_000, "abc\n");
    const first = client.submitOne(tasks.merge([tasks.const(content), tasks.const("1")]));
    const second = client.submitOne(tasks.merge([first, tasks.const("2"), first]));
    const third = client.submitOne(tasks.arrayMake([second, tasks.split(first)]));
    await within("all", client.wait([first, second, third]));
    client.release([first, second]);
    await replaceWorkers(cluster);
    const [joined, lines] = await within("the value", third.fetch());
    const one = Buffer.concat([content, Buffer.from("1")]);
    expect(hash(joined)).toBe(hash(Buffer.concat([one, Buffer.from("2"), one])));
    expect(lines).toHaveLength(25_001);
    // A plan that uses what was lost.
    await replaceWorkers(cluster);
    const size = client.submitOne(tasks.size(third, tasks.get(third, 0)));
    third.release();
    const expected = 2 * (2 * one.length + 1) + one.length;
    expect(Number((await within("size", size.gather())).readBigUInt64LE())).toBe(expected);
    await cluster.untilIdle();
  });

  it("are the right ones when only some workers die", async () => {
    await using cluster = await TestCluster.start({ workers: 3, cpus: 1 });
    const { client } = cluster;
    const values = Array.from({ length: 300 }, (_, i) =>
      bytes(100 + i, String.fromCharCode(65 + (i % 26))),
    );
    const constants = values.map((value) => tasks.const(value));
    const pairs = constants.map((task, i) => tasks.merge([task, constants[(i + 150) % 300]]));
    const futures = client.submit(pairs);
    await within("all", client.wait(futures));
    for (const round of [0, 1, 2]) {
      cluster.kill(cluster.workers[round % 2]);
      await cluster.addWorker();
      const got = await within("the values", client.fetch(futures));
      got.forEach((value, i) => {
        expect(hash(value)).toBe(hash(Buffer.concat([values[i], values[(i + 150) % 300]])));
      });
    }
  });

  it("are read on when the worker dies in the middle", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const { client } = cluster;
    const half = bytes(20 * MIB, "0123456789");
    const future = client.submitOne(tasks.merge([tasks.const(half), tasks.const(half)], "|"));
    await within("the first computation", future.wait());
    const fetching = future.fetch();
    cluster.kill(cluster.workers[0]);
    await cluster.addWorker();
    const expected = Buffer.concat([half, Buffer.from("|"), half]);
    expect(hash(await within("the value", fetching))).toBe(hash(expected));
  });
});

describe("a worker that is not heard of", () => {
  it("is replaced; nothing goes wrong when it wakes up again", async () => {
    const serverArgs = ["--heartbeat-timeout", "1"];
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1, serverArgs });
    const { client } = cluster;
    const [sleeping] = cluster.workers;
    const values = Array.from({ length: 40 }, (_, i) => bytes(1000, String(i)));
    const held = client.submit(values.map((value) => tasks.merge([tasks.const(value)])));
    await within("results", client.wait(held));
    // Programs that wait for a file, so that some are at the worker when it falls asleep.
    const go = join(folder, "go");
    const waits = Array.from({ length: 6 }, (_, i) =>
      tasks.run([
        "sh",
        "-c",
        `echo ran >>"$1"; until [ -e "$2" ]; do sleep 0.01; done; echo ${i}`,
        "sh",
        join(folder, `ran${i}`),
        go,
      ]),
    );
    const running = client.submit(waits);
    await until("both workers run a program", async () =>
      (await client.status()).workers.every(({ assigned }) => assigned > 0),
    );
    sleeping.kill("SIGSTOP");
    try {
      await until("the server gives it up", async () => (await client.stats()).workers === 1);
      await cluster.addWorker();
      const more = client.submit(held.map((result) => tasks.merge([result, tasks.const("+")])));
      const got = await within("more results", client.gather(more));
      got.forEach((value, i) => {
        expect(hash(value)).toBe(hash(Buffer.concat([values[i], Buffer.from("+")])));
      });
    } finally {
      sleeping.kill("SIGCONT");
    }
    await writeFile(go, "");
    const outputs = await within("the programs", client.gather(running));
    expect(outputs.map(String)).toEqual(["0\n", "1\n", "2\n", "3\n", "4\n", "5\n"]);
    await until("it ends, as its server does not want it", () => !isAlive(sleeping.pid));
    const all = await within("what was held", client.gather(held));
    all.forEach((value, i) => {
      expect(hash(value)).toBe(hash(values[i]));
    });
    await cluster.untilIdle();
    expect(await client.stats()).toMatchObject({ workers: 2, objects: 0 });
  });
});

describe("an object with a copy at a worker that has fallen asleep", () => {
  for (const asleep of [0, 1]) {
    it(`is fetched from the other holder (${asleep + 1} of 2)`, async () => {
      const serverArgs = ["--heartbeat-timeout", "1"];
      await using cluster = await TestCluster.start({ workers: 2, cpus: 1, serverArgs });
      const { client } = cluster;
      const value = bytes(300_000, "copied\n");
      const object = client.submitOne(tasks.merge([tasks.const(value)]));
      // Two programs that use it at the same time: then both workers have a copy, and stay busy.
      const meetingPlace = await mkdtemp(join(folder, "meeting-"));
      const script = `touch "$1/$2"; until [ -e "$1/go" ]; do sleep 0.01; done`;
      const busy = client.submit(
        ["a", "b"].map((name) =>
          tasks.run(["sh", "-c", script, "sh", meetingPlace, name], { stdin: object }),
        ),
      );
      await until("both workers are busy", () => readdirSync(meetingPlace).length === 2);
      const sleeping = cluster.workers[asleep];
      sleeping.kill("SIGSTOP");
      try {
        // Room for the sleeper's program too, which comes here when the sleeper is given up.
        await cluster.addWorker(2);
        const user = client.submitOne(tasks.run("cat", { stdin: object }));
        expect(hash(await within("the copy of the copy", user.gather()))).toBe(hash(value));
        await until("the server has given up the sleeper", async () => {
          return (await client.stats()).workers === 2;
        });
      } finally {
        sleeping.kill("SIGCONT");
      }
      await writeFile(join(meetingPlace, "go"), "");
      await within("the programs", client.gather(busy));
      object.release();
      await until("the sleeper has ended", () => !isAlive(sleeping.pid));
      await cluster.untilIdle();
    });
  }
});

describe("a task that must not run twice", () => {
  it("fails when its worker dies under it, what does not need it goes on", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 2 });
    const { client } = cluster;
    const place = await mkdtemp(join(folder, "once-"));
    const script = `echo run >>"$1/runs"; sleep 100`;
    const once = tasks.run(["sh", "-c", script, "sh", place]).withPolicy("once");
    const [failing, other] = client.submit([tasks.merge([once]), tasks.run("echo fine")]);
    await until("it runs", () => readdirSync(place).length === 1);
    await cluster.addWorker();
    cluster.kill(cluster.workers[0]);
    const error = await within(
      "its failure",
      failing.fetch().catch((reason: unknown) => reason),
    );
    expect((error as Error).message).toMatch(
      /must not run twice \(policy "once"\): worker .* is gone/,
    );
    expect(String(await within("the other", other.gather()))).toBe("fine\n");
    expect(await readFile(join(place, "runs"), "utf8")).toBe("run\n");
    failing.release();
    await cluster.untilIdle();
  });
});

describe("a task that kills its worker", () => {
  it("fails after some losses, independent work finishes", { timeout: 90_000 }, async () => {
    const serverArgs = ["--max-losses", "2"];
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1, serverArgs });
    const { client } = cluster;
    const record = join(folder, "victims");
    // The parent of the shell is the launcher, the parent of that is the worker.
    const murder = `worker=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$PPID/status); echo $worker >>"$1"; kill -9 $worker; sleep 100`;
    const killer = tasks.run(["sh", "-c", murder, "sh", record], { label: "killer" });
    const dependent = tasks.merge([killer, tasks.const("!")]);
    const independent = Array.from({ length: 30 }, (_, i) =>
      tasks.run(["printf", "%s", tasks.const(`value ${i}`)]),
    );
    const [failing, ...others] = client.submit([dependent, ...independent]);
    // Killed workers leave their directories behind: those are the test's business.
    const watched = new Set(cluster.workers);
    let over = false;
    const refill = (async () => {
      while (!over) {
        for (const worker of watched) {
          if (isAlive(worker.pid)) continue;
          watched.delete(worker);
          cluster.kill(worker);
          watched.add(await cluster.addWorker());
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    try {
      const error = await within(
        "the failure",
        failing.fetch().catch((error: unknown) => error),
      );
      expect(error).toBeInstanceOf(TaskFailed);
      expect(error).toMatchObject({ label: "killer", taskType: "loom/run/run" });
      expect((error as TaskFailed).message).toMatch(/lost with its worker 3 times, the limit is 2/);
      const values = await within("independent work", client.gather(others));
      expect(values.map(String)).toEqual(independent.map((_, i) => `value ${i}`));
    } finally {
      over = true;
      await refill;
    }
    const victims = (await readFile(record, "utf8")).trim().split("\n");
    // A worker may be dead before the server hears that the task has started there.
    expect(new Set(victims).size).toBeGreaterThanOrEqual(3);
    failing.release();
    await cluster.untilIdle();
    expect((await client.stats()).objects).toBe(0);
  });
});
