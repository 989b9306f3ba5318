/** TRACE, and the end: TERMINATE and close() stop the server, its workers and what they run. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Ask, ClassicClient } from "./classic-client.js";
import { Cluster } from "./cluster.js";
import { waitFor, within } from "./deadline.js";

let cluster: Cluster;

beforeEach(async () => {
  cluster = new Cluster();
  await cluster.start([1, 1]);
});

afterEach(() => cluster.stop());

async function everythingStops(): Promise<void> {
  const ends = [cluster.server.stopped, ...cluster.workers.map(({ stopped }) => stopped)];
  await within(Promise.all(ends), "server and workers stop", () => cluster.dump());
  await expect(ClassicClient.connect(cluster.port)).rejects.toThrow("ECONNREFUSED");
  expect(readdirSync(cluster.directory).filter((name) => name.startsWith("worker-"))).toEqual([]);
}

describe("TERMINATE", () => {
  it("stops the server and its workers; clients are disconnected", async () => {
    const [one, two] = [await cluster.client(), await cluster.client()];
    expect(await one.evaluate((plan) => plan.const("x", true))).toBe("x");
    one.send({ type: Ask.TERMINATE });
    await one.closedByServer();
    await two.closedByServer();
    expect(one.socket.peerEnded && two.socket.peerEnded).toBe(true);
    await everythingStops();
  });

  it("kills programs that run", async () => {
    const client = await cluster.client();
    const pidFile = cluster.path("pid");
    const plan = client.plan();
    plan.shell(`echo $$ > ${pidFile}.new; mv ${pidFile}.new ${pidFile}; while true; do :; done`);
    client.submit(plan);
    await waitFor(
      () => existsSync(pidFile),
      "the program runs",
      () => cluster.dump(),
    );
    const pid = Number(readFileSync(pidFile, "utf8"));
    client.send({ type: Ask.TERMINATE });
    await everythingStops();
    await waitFor(() => !existsSync(`/proc/${pid}`), "the program is gone");
  });

  it("may come twice, from two clients, in the middle of work", async () => {
    const [one, two] = [await cluster.client(), await cluster.client()];
    const plan = one.plan();
    for (let i = 0; i < 5000; i++) plan.const(`${i}`, true);
    one.submit(plan);
    two.send({ type: Ask.TERMINATE });
    one.send({ type: Ask.TERMINATE });
    one.send({ type: Ask.STATS });
    await everythingStops();
  });

  it("in the middle of a result that is streamed", async () => {
    const client = await cluster.client();
    const plan = client.plan();
    const id = plan.shell("head -c 100000000 /dev/zero");
    await client.run(plan);
    client.socket.pause();
    client.send({ type: Ask.FETCH, id });
    const other = await cluster.client();
    other.send({ type: Ask.TERMINATE });
    await other.closedByServer();
    client.close();
    await everythingStops();
  });
});

describe("close()", () => {
  it("stops the workers too, and may be called again", async () => {
    await cluster.client();
    await Promise.all([cluster.server.close(), cluster.server.close()]);
    await everythingStops();
    await cluster.server.close();
  });
});

describe("TRACE", () => {
  it("is accepted with an absolute path; a relative one is an ERROR", async () => {
    const client = await cluster.client();
    client.send({ type: Ask.TRACE, tracePath: cluster.path("trace") });
    expect(await client.evaluate((plan) => plan.const("traced", true))).toBe("traced");
    expect(client.untaken()).toEqual([]);
    client.send({ type: Ask.TRACE, tracePath: "trace" });
    expect((await client.error()).message).toBe('trace path "trace" is not absolute');
    expect(await client.evaluate((plan) => plan.const("goes on", true))).toBe("goes on");
  });
});
