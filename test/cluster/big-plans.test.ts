/** Plans as large as users have them. */
import { describe, expect, it } from "vitest";
import { tasks } from "../../src/client/index.js";
import type { Task } from "../../src/graph/index.js";
import { TestCluster, within } from "./test-cluster.js";

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

describe("big plans", () => {
  for (const workers of [1, 3]) {
    it(`200,000 tasks in layers on ${workers} workers`, async () => {
      await using cluster = await TestCluster.start({ workers, cpus: 1 });
      const { client } = cluster;
      // Each layer merges neighbours of the one before: what comes out can be computed by hand.
      const width = 20_000;
      let layer: Task<Buffer>[] = range(width).map((i) =>
        tasks.const(String.fromCharCode(97 + (i % 26))),
      );
      let texts = range(width).map((i) => String.fromCharCode(97 + (i % 26)));
      for (let depth = 1; depth < 10; depth++) {
        const step = depth % 2 === 0 ? 7 : 13;
        const before = layer;
        const textsBefore = texts;
        const next = (i: number) => (i + step) % width;
        if (depth < 7) {
          layer = before.map((task, i) => tasks.merge([task, before[next(i)]]));
          texts = textsBefore.map((text, i) => text + textsBefore[next(i)]);
        } else {
          layer = before.map((_, i) => tasks.get(tasks.arrayMake([before[next(i)]]), 0));
          texts = textsBefore.map((_, i) => textsBefore[next(i)]);
        }
      }
      const futures = client.submit(layer);
      const values = await within("all", client.gather(futures));
      expect(values.findIndex((value, i) => String(value) !== texts[i])).toBe(-1);
      await cluster.untilIdle();
      expect((await client.stats()).objects).toBe(0);
    });
  }

  it("chains of 50,000", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const { client } = cluster;
    // Three tasks a link: a window of 20 pieces (too long to be sent along) moves on by one.
    const piece = (i: number) => `${i}`.padStart(5, "0").concat(",");
    let window: Task<Buffer> = tasks.const(range(20).map(piece).join(""));
    const links = Math.floor(50_000 / 3);
    for (let i = 0; i < links; i++) {
      const longer = tasks.merge([window, tasks.const(piece(20 + i))]);
      window = tasks.slice(tasks.split(longer, ","), 1);
    }
    let size = tasks.size(window);
    for (let i = 0; i < 50_000; i++) size = tasks.size(size);
    const [last, eight] = await within("both", client.gather(client.submit([window, size])));
    expect(String(last)).toBe(
      range(20)
        .map((i) => piece(links + i))
        .join(""),
    );
    expect(Number(eight.readBigUInt64LE())).toBe(8);
    await cluster.untilIdle();
  });

  it("a fan-in of 100,000, an array of arrays", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const { client } = cluster;
    const count = 100_000;
    const leaves = range(count).map((i) => tasks.const(`${i};`));
    const arrays = range(100).map((i) => tasks.arrayMake(leaves.slice(i * 1000, i * 1000 + 1000)));
    const [merged, array, nested, last] = client.submit([
      tasks.merge(leaves),
      tasks.arrayMake(leaves),
      tasks.arrayMake(arrays),
      tasks.get(tasks.get(tasks.arrayMake(arrays), 99), 999),
    ]);
    const texts = range(count).map((i) => `${i};`);
    expect((await within("merge", merged.gather())).toString()).toBe(texts.join(""));
    expect((await within("array", array.gather())).map(String)).toEqual(texts);
    const rows = await within("nested", nested.gather());
    expect(rows.map((row) => row.length)).toEqual(Array(100).fill(1000));
    expect(rows.flat().map(String)).toEqual(texts);
    expect(String(await last.gather())).toBe("99999;");
    await cluster.untilIdle();
    expect((await client.stats()).objects).toBe(0);
  });

  it("100,000 results that are fetched and released one by one", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const { client } = cluster;
    const futures = client.submit(range(100_000).map((i) => tasks.const(`${i}`)));
    let sum = 0;
    for await (const future of client.asCompleted(futures)) {
      if (future.id % 100 === 0) sum += Number(String(await future.fetch()));
      future.release();
    }
    expect(sum).toBe((1000 * 999 * 100) / 2);
    await cluster.untilIdle();
    expect((await client.stats()).objects).toBe(0);
  });

  it("1,000 programs", async () => {
    await using cluster = await TestCluster.start({ workers: 2, cpus: 2 });
    const { client } = cluster;
    const programs = range(1000).map((i) => tasks.run(["printf", "%s", `program ${i}`]));
    const [values, all] = client.submit([tasks.arrayMake(programs), tasks.size(...programs)]);
    expect((await within("programs", values.gather())).map(String)).toEqual(
      range(1000).map((i) => `program ${i}`),
    );
    expect(Number((await all.gather()).readBigUInt64LE())).toBe(8 * 1000 + 2890);
    await cluster.untilIdle();
  });
});
