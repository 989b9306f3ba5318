/** A client goes away: its programs are killed, its objects dropped, others are not disturbed. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Ask, type ClassicClient } from "./classic-client.js";
import { useCluster } from "./cluster.js";
import { waitFor } from "./deadline.js";

const cluster = useCluster(2);

function isAlive(pid: number): boolean {
  try {
    // An ended child of a process that has not looked at it yet is no running program.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** A program that notes its own process id and that of a child, then runs for ever. */
async function startEndless(client: ClassicClient, name: string): Promise<number[]> {
  const pidFile = cluster.path(name);
  const plan = client.plan();
  plan.shell(
    `sleep 10000 & echo "$$ $!" > "${pidFile}.new"; mv "${pidFile}.new" "${pidFile}"; wait`,
  );
  client.submit(plan);
  await waitFor(
    () => existsSync(pidFile),
    "the program runs",
    () => cluster.dump(),
  );
  const pids = readFileSync(pidFile, "utf8").trim().split(" ").map(Number);
  expect(pids.every(isAlive)).toBe(true);
  return pids;
}

describe.each([
  ["closes its connection", (client: ClassicClient) => client.socket.end()],
  ["is gone without a word", (client: ClassicClient) => client.socket.destroy()],
  [
    "is cut off in the middle of a frame",
    (client: ClassicClient) => {
      client.socket.sendRaw(Buffer.from([200, 0, 0, 0, 0, 0, 0, 0, 8, 1]));
      client.socket.end();
    },
  ],
  ["sends garbage", (client: ClassicClient) => client.socket.sendFrame(Buffer.from("garbage"))],
])("a client that %s", (how, leave) => {
  const name = how.replaceAll(" ", "-");

  it("has its running programs killed, with their children", async () => {
    const [leaver, other] = [await cluster.client(), await cluster.client()];
    const pids = await startEndless(leaver, `${name}.pids`);
    const others = await startEndless(other, `${name}.others`);
    leave(leaver);
    await waitFor(
      () => !pids.some(isAlive),
      "the programs are killed",
      () => `${pids.join(" ")}\n${cluster.dump()}`,
    );
    expect(others.every(isAlive)).toBe(true);
    other.release(0);
    await waitFor(() => !others.some(isAlive), "the released one is killed too");
  });

  it("has its objects dropped, others keep theirs", async () => {
    const [leaver, other] = [await cluster.client(), await cluster.client()];
    for (const client of [leaver, other]) {
      const plan = client.plan();
      for (let i = 0; i < 20; i++) plan.const(`${i}`.repeat(200), true);
      await client.run(plan);
    }
    expect((await other.stats()).objects).toBe(40);
    leave(leaver);
    await waitFor(async () => {
      const { objects, clients } = await other.stats();
      return objects === 20 && clients === 1;
    }, "only the other's objects are held");
    expect(await other.fetch(3)).toBe("3".repeat(200));
  });
});

describe("a client that leaves", () => {
  it("while thousands of its tasks are queued", async () => {
    const [leaver, other] = [await cluster.client(), await cluster.client()];
    const plan = leaver.plan();
    let last = plan.const("x");
    for (let i = 0; i < 5000; i++) last = plan.add("loom/array/make", { inputs: [last] });
    for (let i = 0; i < 500; i++) plan.shell("sleep 10000");
    leaver.submit(plan);
    leaver.socket.end();
    expect(await other.evaluate((next) => next.shell("echo here", { cpus: 2 }))).toBe("here\n");
  });

  it("in the middle of a result that is streamed to it", async () => {
    const leaver = await cluster.client();
    const plan = leaver.plan();
    const id = plan.shell("head -c 100000000 /dev/zero");
    await leaver.run(plan);
    leaver.socket.pause();
    leaver.send({ type: Ask.FETCH, id });
    leaver.send({ type: Ask.FETCH, id });
    await cluster.checkWorks();
    leaver.socket.destroy();
    await cluster.checkWorks();
  });

  it("while it waits for a result", async () => {
    const leaver = await cluster.client();
    await startEndless(leaver, "awaited.pids");
    leaver.send({ type: Ask.FETCH, id: 0 });
    await leaver.stats();
    leaver.socket.destroy();
    await cluster.checkWorks();
  });

  it("while the server looks for its checkpoint files", async () => {
    const leaver = await cluster.client();
    const plan = leaver.plan();
    for (let i = 0; i < 1000; i++) {
      plan.add("loom/data/const", { checkpointPath: cluster.path(`none-${i}`), result: true });
    }
    leaver.submit(plan, { loadCheckpoints: true });
    leaver.socket.destroy();
    await cluster.checkWorks();
  });

  it("without reading its messages", async () => {
    const leaver = await cluster.client();
    leaver.socket.pause();
    const plan = leaver.plan();
    for (let i = 0; i < 20_000; i++) plan.const("", true);
    leaver.submit(plan);
    await cluster.checkWorks();
  });

  it("leaves what it saved", async () => {
    const client = await cluster.client();
    const path = cluster.path("kept");
    writeFileSync(path, "");
    await client.evaluate((plan) =>
      plan.result("loom/data/save", { inputs: [plan.const("kept")], config: path }),
    );
    client.socket.end();
    await cluster.checkWorks();
    expect(readFileSync(path, "utf8")).toBe("kept");
  });
});
