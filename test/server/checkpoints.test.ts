/** Checkpoints: written before a task counts as finished, and taken instead of executing it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { describe, expect, it } from "vitest";
import { useCluster } from "./cluster.js";
import { waitFor } from "./deadline.js";
import type { PlanBuilder } from "./plan-builder.js";

const cluster = useCluster(2);

function folder(name: string): string {
  mkdirSync(cluster.path(name));
  return cluster.path(name);
}

describe("writing", () => {
  it("is done when the task is finished; only the file is left", async () => {
    const client = await cluster.client();
    const at = folder("written");
    const plan = client.plan();
    const file = folder("opened");
    writeFileSync(`${file}/f`, "from a file");
    const ids = [
      plan.result("loom/data/const", { config: "small", checkpointPath: `${at}/small` }),
      plan.result("loom/data/const", { config: "L".repeat(3e6), checkpointPath: `${at}/large` }),
      plan.result("loom/data/open", { config: `${file}/f`, checkpointPath: `${at}/file` }),
      plan.result("loom/data/split", {
        inputs: [plan.const("a\nb\n")],
        checkpointPath: `${at}/index`,
      }),
      plan.shell("echo program", { checkpointPath: `${at}/program` }),
    ];
    await client.run(plan);
    expect(readdirSync(at).sort()).toEqual(["file", "index", "large", "program", "small"]);
    expect(readFileSync(`${at}/small`, "utf8")).toBe("small");
    expect(readFileSync(`${at}/large`, "utf8")).toBe("L".repeat(3e6));
    expect(readFileSync(`${at}/file`, "utf8")).toBe("from a file");
    expect(readFileSync(`${at}/index`, "utf8")).toBe("a\nb\n");
    expect(readFileSync(`${at}/program`, "utf8")).toBe("program\n");
    expect(await client.fetch(ids[0])).toBe("small");
  });

  it("is done for tasks that are no results", async () => {
    const client = await cluster.client();
    const at = folder("inner");
    const plan = client.plan();
    const inner = plan.add("loom/data/const", { config: "x", checkpointPath: `${at}/inner` });
    plan.result("loom/base/size", { inputs: [inner] });
    plan.add("loom/data/const", { config: "y", checkpointPath: `${at}/sink` });
    await client.run(plan);
    expect(readFileSync(`${at}/inner`, "utf8")).toBe("x");
    await waitFor(() => existsSync(`${at}/sink`), "the one that nobody needs is written");
  });

  it("replaces a file that is there", async () => {
    const client = await cluster.client();
    const path = `${folder("replaced")}/file`;
    writeFileSync(path, "old");
    await client.evaluate((plan) =>
      plan.result("loom/data/const", { config: "new", checkpointPath: path }),
    );
    expect(readFileSync(path, "utf8")).toBe("new");
  });

  it("of an array fails the task and says why", async () => {
    const path = `${folder("array")}/file`;
    const message = await cluster.failureOf((plan) =>
      plan.result("loom/array/make", { inputs: [plan.const("a")], checkpointPath: path }),
    );
    expect(message).toContain(
      `cannot write checkpoint "${path}": the result is an array; only plain, file and index objects can be checkpointed`,
    );
    expect(readdirSync(cluster.path("array"))).toEqual([]);
  });

  it("into a missing folder, over a folder: fails the task and names the path", async () => {
    const at = folder("unwritable");
    const missing = await cluster.failureOf((plan) =>
      plan.result("loom/data/const", { checkpointPath: `${at}/no/such/file` }),
    );
    expect(missing).toContain(`there is no directory "${at}/no/such"`);
    mkdirSync(`${at}/folder`);
    const over = await cluster.failureOf((plan) =>
      plan.result("loom/data/const", { checkpointPath: `${at}/folder` }),
    );
    expect(over).toContain(`cannot write checkpoint "${at}/folder"`);
    expect(readdirSync(at)).toEqual(["folder"]);
  });

  it("nothing is written of a task that fails", async () => {
    const at = folder("failed");
    await cluster.failureOf((plan) =>
      plan.shell("echo x; exit 1", { checkpointPath: `${at}/file` }),
    );
    expect(readdirSync(at)).toEqual([]);
  });
});

describe("a relative path", () => {
  it.each([false, true])("is refused, load_checkpoints %s", async (loadCheckpoints) => {
    const client = await cluster.client();
    const plan = client.plan();
    plan.const("x", true);
    // It does exist, seen from the server's own directory.
    const path = relative(process.cwd(), cluster.path("relative"));
    writeFileSync(path, "stored");
    const id = plan.result("loom/data/const", { config: "x", checkpointPath: path });
    client.submit(plan, { loadCheckpoints });
    const error = await client.error();
    expect(error.id).toBe(id);
    expect(error.message).toBe(
      `task ${id} has the checkpoint path "${path}", which is relative; it must be absolute`,
    );
    expect(readFileSync(path, "utf8")).toBe("stored");
  });
});

describe("loading", () => {
  /** A task that leaves a trace when it is executed. */
  function traced(plan: PlanBuilder, at: string, name: string, inputs: number[] = []): number {
    return plan.shell(`touch "${at}/ran-${name}"; printf ${name}`, {
      inputs,
      mapInputs: inputs.map((_, i) => `file-${i}`),
      result: false,
    });
  }

  const ran = (at: string) =>
    readdirSync(at)
      .filter((name) => name.startsWith("ran-"))
      .sort();

  /** a ← b (checkpoint) ← c, and a ← d when `shared`. */
  function diamond(plan: PlanBuilder, at: string, shared: boolean): number {
    const a = traced(plan, at, "a");
    const b = plan.shell(`touch "${at}/ran-b"; printf computed`, {
      inputs: [a],
      mapInputs: ["in"],
      result: false,
      checkpointPath: `${at}/b`,
    });
    const d = shared ? [traced(plan, at, "d", [a])] : [];
    return plan.result("loom/data/merge", { inputs: [b, plan.const("+c"), ...d] });
  }

  it("a file that exists is the result; what only it needed is not executed", async () => {
    const client = await cluster.client();
    const at = folder("loaded");
    writeFileSync(`${at}/b`, "stored");
    const plan = client.plan();
    const id = diamond(plan, at, false);
    await client.run(plan, { loadCheckpoints: true });
    expect(await client.fetch(id)).toBe("stored+c");
    expect(ran(at)).toEqual([]);
    client.release(id);
    expect((await client.stats()).objects).toBe(0);
  });

  it("what others need too is executed", async () => {
    const client = await cluster.client();
    const at = folder("shared");
    writeFileSync(`${at}/b`, "stored");
    const plan = client.plan();
    const id = diamond(plan, at, true);
    await client.run(plan, { loadCheckpoints: true });
    expect(await client.fetch(id)).toBe("stored+cd");
    expect(ran(at)).toEqual(["ran-a", "ran-d"]);
  });

  it("without load_checkpoints everything is executed, and written again", async () => {
    const client = await cluster.client();
    const at = folder("ignored");
    writeFileSync(`${at}/b`, "stored");
    const plan = client.plan();
    const id = diamond(plan, at, false);
    await client.run(plan);
    expect(await client.fetch(id)).toBe("computed+c");
    expect(ran(at)).toEqual(["ran-a", "ran-b"]);
    expect(readFileSync(`${at}/b`, "utf8")).toBe("computed");
  });

  it("a file that is not there: the task is executed and writes it", async () => {
    const client = await cluster.client();
    const at = folder("absent");
    const plan = client.plan();
    const id = diamond(plan, at, false);
    await client.run(plan, { loadCheckpoints: true });
    expect(await client.fetch(id)).toBe("computed+c");
    expect(readFileSync(`${at}/b`, "utf8")).toBe("computed");
  });

  it("a result, a whole chain of results, an empty file", async () => {
    const client = await cluster.client();
    const at = folder("results");
    for (const [name, text] of Object.entries({ first: "1", second: "", third: "3" })) {
      writeFileSync(`${at}/${name}`, text);
    }
    const plan = client.plan();
    const first = plan.shell("exit 1", { checkpointPath: `${at}/first` });
    const second = plan.result("loom/data/merge", {
      inputs: [first, first],
      checkpointPath: `${at}/second`,
    });
    const third = plan.result("loom/data/merge", {
      inputs: [second, first],
      checkpointPath: `${at}/third`,
    });
    const last = plan.result("loom/data/merge", { inputs: [third, first, second] });
    await client.run(plan, { loadCheckpoints: true });
    expect([
      await client.fetch(first),
      await client.fetch(second),
      await client.fetch(third),
      await client.fetch(last),
    ]).toEqual(["1", "", "3", "31"]);
  });

  it("a held result of an earlier plan as an input of a loaded task", async () => {
    const client = await cluster.client();
    const at = folder("earlier");
    writeFileSync(`${at}/loaded`, "loaded");
    const before = client.plan();
    const held = before.const("held", true);
    await client.run(before);
    const plan = client.plan();
    const loaded = plan.result("loom/data/merge", {
      inputs: [held],
      checkpointPath: `${at}/loaded`,
    });
    await client.run(plan, { loadCheckpoints: true });
    expect(await client.fetch(loaded)).toBe("loaded");
    client.release(held, loaded);
    expect((await client.stats()).objects).toBe(0);
  });

  it("a folder in its place is no checkpoint", async () => {
    const client = await cluster.client();
    const at = folder("a-folder");
    mkdirSync(`${at}/file`);
    const plan = client.plan();
    plan.result("loom/data/const", { config: "x", checkpointPath: `${at}/file` });
    client.submit(plan, { loadCheckpoints: true });
    expect((await client.failed()).message).toContain(`${at}/file`);
  });

  it("requests that come meanwhile keep their order", async () => {
    const client = await cluster.client();
    const at = folder("order");
    writeFileSync(`${at}/0`, "stored");
    const plan = client.plan();
    const ids = Array.from({ length: 200 }, (_, i) =>
      plan.result("loom/data/const", { config: "x", checkpointPath: `${at}/${i}` }),
    );
    client.submit(plan, { loadCheckpoints: true });
    const next = client.plan();
    const user = next.result("loom/data/merge", {
      inputs: [ids[0], ids[1]],
      checkpointPath: `${at}/user`,
    });
    client.submit(next, { loadCheckpoints: true });
    client.release(...ids);
    const { objects } = await client.stats();
    expect(objects).toBe(0);
    await client.finished(user);
    expect(await client.fetch(user)).toBe("storedx");
    expect(client.untaken().filter(({ error }) => error !== undefined)).toEqual([]);
  });
});
