/** Objects on their way from worker to worker and to the client: contents, files, lost holders. */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { tasks } from "../../src/client/index.js";
import type { Task } from "../../src/graph/index.js";
import { cameTo, meeting } from "./meetings.js";
import { TestCluster, within } from "./test-cluster.js";

const MIB = 1024 * 1024;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "transfers-"));
});
afterEach(() => rm(folder, { recursive: true }));

function hash(...parts: readonly Uint8Array[]): string {
  const all = createHash("sha256");
  for (const part of parts) all.update(part);
  return all.digest("hex");
}

/** What `yes TEXT | head -c SIZE` writes. */
function yes(text: string, size: number): Buffer {
  return Buffer.alloc(size, `${text}\n`);
}

/**
 * One program per worker (of one core): they meet, so each is made by another worker. Computed
 * again they need not meet: the others have come already.
 */
function onePerWorker(workers: number, size: number): Task<Buffer>[] {
  return Array.from({ length: workers }, (_, i) =>
    meeting(folder, `p${i}`, workers, `yes "text $2" | head -c ${size}`),
  );
}

describe("objects of several workers", () => {
  it("come together unchanged, 50 MB each", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const { client } = cluster;
    const size = 50 * 1000 * 1000 + 7;
    const [one, two] = onePerWorker(2, size);
    const [first, second] = client.submit([one, two]);
    await within("both", client.wait([first, second]));
    expect(new Set(cameTo(folder).values()).size).toBe(2);
    const parts = [yes("text p0", size), yes("text p1", size)];
    const [merged, sum, array, sizes] = client.submit([
      tasks.merge([first, second, first]),
      tasks.run("sha256sum", { stdin: tasks.merge([second, first]) }),
      tasks.arrayMake([second, tasks.arrayMake([first, tasks.const("x")])]),
      tasks.size(first, second),
    ]);
    expect(String(await within("the sum", sum.gather()))).toBe(`${hash(parts[1], parts[0])}  -\n`);
    expect(Number((await sizes.gather()).readBigUInt64LE())).toBe(2 * size);
    expect(hash(await within("the joined bytes", merged.gather()))).toBe(
      hash(parts[0], parts[1], parts[0]),
    );
    const [b, [a, x]] = await within("the array", array.gather());
    expect([hash(b), hash(a), String(x)]).toEqual([hash(parts[1]), hash(parts[0]), "x"]);
    const saved = join(folder, "saved");
    await within("the file", first.saveTo(saved));
    expect(hash(await readFile(saved))).toBe(hash(parts[0]));
    client.release([first, second]);
    await cluster.untilIdle();
    expect((await client.stats()).objects).toBe(0);
  });

  it("come together as pieces and nested arrays", async () => {
    await using cluster = await TestCluster.start({ workers: 3, cpus: 1 });
    const { client } = cluster;
    const size = 800_000;
    const made = onePerWorker(3, size);
    const pieces = made.map((task) => tasks.split(task));
    const nested = tasks.arrayMake([tasks.arrayMake(pieces), tasks.arrayMake(made)]);
    const lines = tasks.run("wc -l", { stdin: tasks.merge(pieces) });
    const last = tasks.get(tasks.get(tasks.get(nested, 0), 2), 7);
    const futures = client.submit([nested, lines, last, tasks.length(...pieces)]);
    const [[split, whole], count, line, length] = await within("all", client.gather(futures));
    expect(new Set(cameTo(folder).values()).size).toBe(3);
    for (const i of [0, 1, 2]) {
      const content = hash(yes(`text p${i}`, size));
      expect(hash(whole[i])).toBe(content);
      expect(hash(...split[i])).toBe(content);
      expect(split[i]).toHaveLength(size / 8);
    }
    expect(Number(String(count))).toBe((3 * size) / 8);
    expect(String(line)).toBe("text p2\n");
    expect(Number(length.readBigUInt64LE())).toBe((3 * size) / 8);
  });

  it("many small ones", async () => {
    await using cluster = await TestCluster.start({ workers: 3, cpus: 1 });
    const { client } = cluster;
    // Programs, so that they are spread; more than 64 bytes, so that they are fetched.
    const parts = Array.from({ length: 60 }, (_, i) => tasks.run(["printf", `%0100d`, `${i}`]));
    const sums = Array.from({ length: 30 }, (_, i) =>
      tasks.merge([...parts.slice(i), ...parts.slice(0, i)]),
    );
    const values = await within("all", client.gather(client.submit(sums)));
    const texts = parts.map((_, i) => `${i}`.padStart(100, "0"));
    values.forEach((value, i) => {
      expect(String(value)).toBe([...texts.slice(i), ...texts.slice(0, i)].join(""));
    });
  });

  it("are computed again when their holder dies while others fetch them", {
    timeout: 90_000,
  }, async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const { client } = cluster;
    const size = 30 * MIB;
    const made = onePerWorker(2, size);
    const parts = [yes("text p0", size), yes("text p1", size)];
    for (let round = 0; round < 4; round++) {
      const futures = client.submit(made);
      await within("both", client.wait(futures));
      const user = client.submitOne(tasks.merge(futures, `${round}`));
      // The task is on its way to one of the two, then the object to it.
      await client.stats();
      cluster.kill(cluster.workers[round % 2]);
      await cluster.addWorker();
      const value = await within("the joined bytes", user.gather());
      expect(hash(value)).toBe(hash(parts[0], Buffer.from(`${round}`), parts[1]));
      const again = await within("both, read", client.gather(futures));
      expect(again.map((part) => hash(part))).toEqual(parts.map((part) => hash(part)));
    }
    await cluster.untilIdle();
    expect((await client.stats()).objects).toBe(0);
  });
});

describe("files of the user", () => {
  it("are used by all workers, whoever has opened them", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const { client } = cluster;
    const path = join(folder, "input");
    const content = yes("some line", 20 * MIB);
    await writeFile(path, content);
    const meetingPlace = await mkdtemp(join(folder, "meeting-"));
    const file = client.submitOne(tasks.open(path));
    await file.wait();
    // Both workers run one of these at the same time.
    const script = `touch "$1/$2"; until [ $(ls "$1" | wc -l) -ge 2 ]; do sleep 0.01; done; sha256sum <content`;
    const sums = ["a", "b"].map((name) =>
      tasks.run(["sh", "-c", script, "sh", meetingPlace, name], { inputs: { content: file } }),
    );
    const lines = tasks.length(tasks.split(file));
    const [a, b, count] = await within("all", client.gather(client.submit([...sums, lines])));
    expect([String(a), String(b)]).toEqual(Array(2).fill(`${hash(content)}  -\n`));
    expect(Number(count.readBigUInt64LE())).toBe(Math.ceil(content.length / 10));
    expect(hash(await within("its content", file.fetch()))).toBe(hash(content));
    // Programs get copies or links: the file itself must still be what it was.
    expect(hash(await readFile(path))).toBe(hash(content));
    const copy = join(folder, "copy");
    await client.submitOne(tasks.save(tasks.merge([file, tasks.const("!")]), copy)).gather();
    expect(hash(await readFile(copy))).toBe(hash(content, Buffer.from("!")));
    file.release();
  });

  it("that are removed or changed after they were opened fail who needs them, and name the file", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const { client } = cluster;
    const path = join(folder, "input");
    await writeFile(path, yes("some line", 100_000));
    const file = client.submitOne(tasks.open(path));
    await file.wait();
    await unlink(path);
    for (const user of [tasks.merge([file, tasks.const("!")]), tasks.run("cat", { stdin: file })]) {
      const error = await within(
        "the failure",
        client
          .submitOne(user)
          .gather()
          .catch((e: unknown) => e),
      );
      expect(error).toMatchObject({ code: "task" });
      expect(String(error)).toContain(path);
    }
    await expect(within("the failure", file.fetch())).rejects.toThrow(path);
    file.release();
    await cluster.untilIdle();
  });
});
