/** Work goes to all workers, also to those that come later, and away from those that leave. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tasks } from "../../src/client/index.js";
import { cameTo, meeting, meetingOfWorkers } from "./meetings.js";
import { TestCluster, until, within } from "./test-cluster.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "meeting-"));
});
afterEach(() => rm(folder, { recursive: true }));

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

describe("programs", () => {
  it("use all cores of all workers at the same time", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 2 });
    // The first four must meet, then the other four find them there.
    const futures = cluster.client.submit(range(8).map((i) => meeting(folder, `p${i}`, 4)));
    await within("the programs", cluster.client.gather(futures));
    const ran = [...cameTo(folder).values()];
    expect(ran).toHaveLength(8);
    expect(new Set(ran)).toEqual(new Set(cluster.workers.map(({ pid }) => pid)));
  });

  it("never use more cores than a worker has", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 2 });
    // Each counts how many run at its worker while it holds a place there.
    const script = `worker=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$PPID/status)
mkdir -p "$1/$worker"; touch "$1/$worker/$$"; ls "$1/$worker" | wc -l; rm "$1/$worker/$$"`;
    const count = () => tasks.run(["sh", "-c", script, "sh", folder]);
    const wide = () => tasks.run(["sh", "-c", script, "sh", folder], { cpus: 2 });
    const programs = range(60).map((i) => (i % 5 === 4 ? wide() : count()));
    const futures = cluster.client.submit(programs);
    const counts = (await within("the programs", cluster.client.gather(futures))).map(Number);
    counts.forEach((seen, i) => {
      expect(seen).toBeLessThanOrEqual(i % 5 === 4 ? 1 : 2);
    });
  });

  it("wait for a worker when there is none", async () => {
    await using cluster = await TestCluster.start({ workers: 0 });
    const { client } = cluster;
    const sum = tasks.size(...range(100).map((i) => tasks.const(`${i}`)));
    const futures = client.submit([tasks.run("echo hello"), sum]);
    expect(await client.stats()).toMatchObject({ workers: 0, objects: 0 });
    await cluster.addWorker(1);
    const [hello, size] = await within("results", client.gather(futures));
    expect(hello.toString()).toBe("hello\n");
    expect(Number(size.readBigUInt64LE())).toBe(190);
  });

  it("wait for a worker that is large enough", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 4 });
    const { client } = cluster;
    const go = join(folder, "go");
    const wide = tasks.run(["sh", "-c", 'until [ -e "$1" ]; do sleep 0.01; done', "sh", go], {
      cpus: 4,
    });
    const futures = client.submit([wide, tasks.run("echo small")]);
    await cluster.addWorker(1);
    // There is room for this one only at the second worker.
    await within("the small program", futures[1].wait());
    cluster.kill(cluster.workers[0]);
    await until("only the small worker is left", async () => (await client.stats()).workers === 1);
    await cluster.addWorker(4);
    await client.submitOne(tasks.run(["touch", go])).gather();
    await within("the wide program", client.gather(futures));
  });
});

describe("a worker that comes later", () => {
  it("gets programs that wait", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const programs = range(6).map((i) => meetingOfWorkers(folder, `p${i}`, 2));
    const futures = cluster.client.submit(programs);
    await until("the first program runs", () => cameTo(folder).size > 0);
    await cluster.addWorker();
    await within("programs that need both workers", cluster.client.gather(futures));
  });

  it("gets programs that were sent to another worker already", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const { client } = cluster;
    // Short ones first: the server then sends many ahead.
    await client.gather(client.submit(range(100).map(() => tasks.run("true"))));
    const programs = range(5).map((i) => meetingOfWorkers(folder, `p${i}`, 2));
    const futures = client.submit(programs);
    await until("the first program runs", () => cameTo(folder).size > 0);
    await cluster.addWorker();
    await within("programs that need both workers", client.gather(futures));
  });

  it("gets part of much light work", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const { client } = cluster;
    const before = client.submitOne(
      tasks.arrayMake(range(100_000).map((i) => tasks.const(`${i}`))),
    );
    await until("the work has begun", async () => (await client.status()).tasks.finished > 0);
    await cluster.addWorker();
    const after = client.submitOne(tasks.arrayMake(range(100_000).map((i) => tasks.const(`${i}`))));
    await within("all", client.wait([before, after]));
    for (const { finished } of (await client.status()).workers)
      expect(finished).toBeGreaterThan(100);
  });

  it("takes over what a worker that goes had to do", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 2 });
    const { client } = cluster;
    const go = join(folder, "go");
    const waiting = (i: number) =>
      tasks.run([
        "sh",
        "-c",
        'until [ -e "$1" ]; do sleep 0.01; done; echo "$2"',
        "sh",
        go,
        `${i}`,
      ]);
    const futures = client.submit(range(10).map(waiting));
    await until("some run", async () => (await client.status()).workers[0].assigned > 0);
    const [leaving] = cluster.workers;
    await cluster.addWorker();
    // In order: it says goodbye to nobody, but removes its files.
    leaving.kill("SIGTERM");
    await until("it is gone", async () => (await client.stats()).workers === 1);
    await client.submitOne(tasks.custom("loom/data/save", go, [tasks.const("")])).gather();
    const outputs = await within("all", client.gather(futures));
    expect(outputs.map(Number)).toEqual(range(10));
  });
});
