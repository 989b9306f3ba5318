/** What a FETCH delivers, holds and releases, STATS: as a classic client sees them. */
import { truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Answer, Ask, type ClassicClient } from "./classic-client.js";
import { useCluster } from "./cluster.js";
import { u64 } from "./plan-builder.js";

const cluster = useCluster(2, 2);

describe("the form of objects", () => {
  it("a plain object is one frame of type loom/data", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const id = plan.const("abc", true);
    await client.run(plan);
    const { message, frames } = await client.fetchFrames(id);
    expect(message.data).toMatchObject({ id, nMessages: 1n, typeId: client.symbol("loom/data") });
    expect(frames.map(String)).toEqual(["abc"]);
  });

  it("an array is a frame of type numbers, then the elements' frames", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const inner = plan.add("loom/array/make", { inputs: [plan.const("x"), plan.const("y")] });
    const empty = plan.add("loom/array/make");
    const id = plan.result("loom/array/make", { inputs: [plan.const("a"), inner, empty, inner] });
    await client.run(plan);
    const { message, frames } = await client.fetchFrames(id);
    expect(message.data).toMatchObject({ nMessages: 9n, typeId: client.symbol("loom/array") });
    const [data, array] = [client.symbol("loom/data"), client.symbol("loom/array")];
    const types = Buffer.from(new Uint32Array([data, array, array, array]).buffer);
    expect(frames[0]).toEqual(types);
    expect(await client.fetch(id)).toEqual(["a", ["x", "y"], [], ["x", "y"]]);
  });

  it("an empty array is one empty frame", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const id = plan.result("loom/array/make");
    await client.run(plan);
    const { message, frames } = await client.fetchFrames(id);
    expect(message.data).toMatchObject({ nMessages: 1n, typeId: client.symbol("loom/array") });
    expect(frames).toEqual([Buffer.alloc(0)]);
  });

  it("arrays nested deeply, with files and indexes inside", async () => {
    const client = await cluster.client();
    writeFileSync(cluster.path("inside"), "content");
    const plan = client.plan();
    let nested = plan.add("loom/array/make", {
      inputs: [
        plan.add("loom/data/open", { config: cluster.path("inside") }),
        plan.add("loom/data/split", { inputs: [plan.const("1\n2\n")] }),
        plan.const(""),
      ],
    });
    for (let i = 0; i < 50; i++) nested = plan.add("loom/array/make", { inputs: [nested] });
    const id = plan.result("loom/array/make", { inputs: [nested] });
    await client.run(plan);
    let value = await client.fetch(id);
    for (let i = 0; i < 51; i++) value = value[0];
    expect(value).toEqual(["content", ["1\n", "2\n"], ""]);
  });

  it("an index of many pieces is an array of them", async () => {
    const client = await cluster.client();
    const lines = Array.from({ length: 50_000 }, (_, i) => `line ${i}\n`);
    const value = await client.evaluate((plan) =>
      plan.result("loom/data/split", { inputs: [plan.const(lines.join(""))] }),
    );
    expect(value).toEqual(lines);
  });

  it("300 MB are streamed, in order, while others are served", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const megabyte = Buffer.alloc(1024 * 1024);
    for (let i = 0; i < megabyte.length; i += 4) megabyte.writeUInt32LE(i, i);
    const part = plan.const(megabyte);
    const id = plan.result("loom/data/merge", { inputs: Array(300).fill(part), config: "|" });
    await client.run(plan);
    client.send({ type: Ask.FETCH, id });
    await cluster.checkWorks();
    const { frames } = await client.take(Answer.DATA);
    expect(frames).toHaveLength(1);
    const [bytes] = frames;
    expect(bytes).toHaveLength(300 * (megabyte.length + 1) - 1);
    for (let i = 0; i < 300; i++) {
      const start = i * (megabyte.length + 1);
      if (megabyte.compare(bytes, start, start + megabyte.length) !== 0) {
        throw new Error(`megabyte ${i} is not what it was`);
      }
    }
  });

  it("messages that come up during a stream come after it", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const id = plan.shell("head -c 50000000 /dev/zero");
    await client.run(plan);
    client.socket.pause();
    client.send({ type: Ask.FETCH, id });
    const next = client.plan();
    const small = Array.from({ length: 1000 }, (_, i) => next.const(`${i}`, true));
    client.submit(next);
    client.send({ type: Ask.STATS });
    client.socket.resume();
    const { frames } = await client.take(Answer.DATA);
    expect(frames[0]).toHaveLength(50_000_000);
    for (const one of small) await client.finished(one);
    await client.take(Answer.STATS);
  });

  it("many fetches at once are answered in their order", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const ids = Array.from({ length: 300 }, (_, i) =>
      plan.const(i % 3 === 0 ? "L".repeat(100_000) + i : `${i}`, true),
    );
    await client.run(plan);
    for (const id of ids) client.send({ type: Ask.FETCH, id });
    for (const id of ids) {
      const { message, frames } = await client.take(Answer.DATA);
      expect(message.data!.id).toBe(id);
      expect(frames[0].toString().replace(/^L+/, "")).toBe(`${id}`);
    }
  });

  it("a fetch before the result is finished is answered when it is", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const go = cluster.path("go");
    const id = plan.shell(`while [ ! -e "${go}" ]; do :; done; echo done`);
    client.submit(plan);
    client.send({ type: Ask.FETCH, id });
    await client.stats();
    expect(client.untaken()).toEqual([]);
    writeFileSync(go, "");
    expect((await client.take(Answer.DATA)).frames.map(String)).toEqual(["done\n"]);
  });
});

describe("files that change after they were opened", () => {
  async function opened(client: ClassicClient, path: string): Promise<number> {
    writeFileSync(path, "0123456789".repeat(1000));
    const plan = client.plan();
    const id = plan.result("loom/data/open", { config: path });
    await client.run(plan);
    return id;
  }

  it.each([
    ["removed", (path: string) => unlinkSync(path)],
    ["made shorter", (path: string) => truncateSync(path, 10)],
  ])("%s: an ERROR that names the file, the client goes on", async (_, change) => {
    const client = await cluster.client();
    const path = cluster.path("unstable");
    const id = await opened(client, path);
    change(path);
    client.send({ type: Ask.FETCH, id });
    const error = await client.error();
    expect(error.id).toBe(id);
    expect(error.message).toContain(path);
    expect(await client.evaluate((plan) => plan.const("on", true))).toBe("on");
  });
});

describe("holding results", () => {
  it("results may be inputs, of the same plan and of later ones", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const a = plan.const("a", true);
    const b = plan.result("loom/data/merge", { inputs: [a, a] });
    await client.run(plan);
    const later = client.plan();
    const c = later.result("loom/data/merge", { inputs: [b, a, later.const("!")] });
    const d = later.result("loom/array/make", { inputs: [c, b] });
    await client.run(later);
    expect(await client.fetch(d)).toEqual(["aaa!", "aa"]);
    expect(await client.fetch(a)).toBe("a");
  });

  it("plans may build on results that are not finished", async () => {
    const client = await cluster.client();
    let plan = client.plan();
    let last = plan.shell("echo start");
    client.submit(plan);
    for (let i = 0; i < 20; i++) {
      plan = client.plan();
      last = plan.result("loom/data/merge", { inputs: [last, plan.const(`${i} `)] });
      client.submit(plan);
    }
    await client.finished(last);
    expect(await client.fetch(last)).toBe(
      `start\n${Array.from({ length: 20 }, (_, i) => `${i} `).join("")}`,
    );
  });

  it("a released result cannot be an input of a later plan", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const a = plan.const("a", true);
    const b = plan.const("b", true);
    await client.run(plan);
    client.release(a);
    const later = client.plan();
    const id = later.result("loom/data/merge", { inputs: [b, a] });
    client.submit(later);
    const error = await client.error();
    expect(error.id).toBe(id);
    expect(error.message).toBe(
      `task ${id} has task ${a} as an input, which is not a result that is still held; it was released or never was a result`,
    );
  });

  it("a task that was no result cannot be an input of a later plan", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const hidden = plan.const("hidden");
    const size = plan.result("loom/base/size", { inputs: [hidden] });
    await client.run(plan);
    const later = client.plan();
    later.result("loom/array/make", { inputs: [size, hidden] });
    client.submit(later);
    expect((await client.error()).message).toContain(`task ${hidden} as an input`);
  });

  it("releasing what others need drops only the hold", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const go = cluster.path("go on");
    const a = plan.const("a", true);
    const gate = plan.shell(`while [ ! -e "${go}" ]; do :; done; printf b`);
    const both = plan.result("loom/data/merge", { inputs: [a, gate] });
    client.submit(plan);
    await client.finished(a);
    client.release(a, gate);
    client.send({ type: Ask.FETCH, id: a });
    expect((await client.error()).message).toContain(`task ${a} is not a result`);
    writeFileSync(go, "");
    await client.finished(both);
    expect(await client.fetch(both)).toBe("ab");
    expect((await client.stats()).objects).toBe(1);
  });

  it("releasing an unfinished result stops what only it needed", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const endless = plan.shell("while true; do :; done");
    const user = plan.result("loom/base/size", { inputs: [endless] });
    client.submit(plan);
    client.release(endless, user);
    expect((await client.stats()).objects).toBe(0);
    // Both cores are free: this needs them.
    expect(await client.evaluate((next) => next.shell("echo free", { cpus: 2 }))).toBe("free\n");
  });
});

describe("wrong ids", () => {
  it.each([
    ["fetch", Ask.FETCH],
    ["release", Ask.RELEASE],
  ])("%s of an unknown, a negative, a non-result, a released id", async (verb, type) => {
    const client = await cluster.client();
    const plan = client.plan();
    const hidden = plan.const("hidden");
    const kept = plan.result("loom/base/size", { inputs: [hidden] });
    const released = plan.const("released", true);
    await client.run(plan);
    client.release(released);
    for (const id of [999_999, -1, -(2 ** 31), 2 ** 31 - 1, hidden, released]) {
      client.send({ type, id });
      const error = await client.error();
      expect(error.id).toBe(id);
      expect(error.message).toBe(
        `${verb}: task ${id} is not a result that this client holds: it was never submitted as a result, or it was released`,
      );
    }
    expect((await client.fetchFrames(kept)).frames[0]).toEqual(u64(6));
  });
});

describe("STATS", () => {
  it("counts workers and the objects that are held", async () => {
    const client = await cluster.client();
    expect(await client.stats()).toMatchObject({ workers: 2, objects: 0 });
    const plan = client.plan();
    const large = plan.const("x".repeat(1000), true);
    const inputs = Array.from({ length: 10 }, (_, i) => plan.const(`${i}`));
    const merged = plan.result("loom/data/merge", { inputs });
    const array = plan.result("loom/array/make", { inputs: [large, ...inputs] });
    await client.run(plan);
    expect((await client.stats()).objects).toBe(3);
    client.release(large);
    expect((await client.stats()).objects).toBe(2);
    client.release(merged, array);
    expect((await client.stats()).objects).toBe(0);
  });

  it("no objects are left after a plan without results", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    plan.add("loom/array/make", { inputs: [plan.const("a"), plan.const("b")] });
    client.submit(plan);
    // Its end is not told: a result that comes later on is.
    await client.evaluate((next) => next.shell("echo"));
    client.release(client.nextId - 1);
    expect((await client.stats()).objects).toBe(0);
  });
});
