/** Workers on hosts of their own: transfers between them, and links that are cut. */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client, tasks } from "../../src/client/index.js";
import { type RunningServer, startServer } from "../../src/server/index.js";
import { canMakeHosts, Hosts } from "./hosts.js";
import { until } from "./test-cluster.js";

const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe.skipIf(!canMakeHosts())("workers on other hosts", () => {
  let folder: string;
  let hosts: Hosts;
  let server: RunningServer;
  let client: Client;
  const startWorker = (host: number) =>
    hosts.startWorker(host, [hosts.address, String(server.port), "--cpus", "1", "--wdir", folder]);
  const workerCount = async (): Promise<number> => (await client.stats()).workers;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "loom-network-"));
    hosts = new Hosts(2);
    server = await startServer({
      port: 0,
      listen: hosts.address,
      heartbeatTimeoutMs: 1500,
      logger: pino({ level: "silent" }),
    });
    client = await Client.connect(`${hosts.address}:${server.port}`);
  });

  afterEach(async () => {
    await client.close();
    await server.close();
    hosts.remove();
    rmSync(folder, { recursive: true });
  });

  /** A program that says it is there, then waits for the file "go", then writes `bytes` bytes. */
  const waiting = (name: string, bytes: number) =>
    tasks.run(
      [
        "sh",
        "-c",
        `touch "$1/started-$2"; until [ -e "$1/go" ]; do sleep 0.02; done; yes "$2" | head -c ${bytes}`,
        "sh",
        folder,
        name,
      ],
      {},
    );
  const started = (): number =>
    readdirSync(folder).filter((name) => name.startsWith("started-")).length;

  it("hand objects to each other under the addresses they have there", async () => {
    startWorker(0);
    startWorker(1);
    await until("two workers", async () => (await workerCount()) === 2);
    const { workers } = await client.status();
    expect(new Set(workers.map(({ address }) => address.split(":")[0])).size).toBe(2);
    const size = 3_000_000;
    const parts = client.submit([waiting("a", size), waiting("b", size)]);
    await until("both programs", () => started() === 2);
    writeFileSync(join(folder, "go"), "");
    const both = await client.submitOne(tasks.merge(parts)).gather();
    const [a, b] = await client.gather(parts);
    expect(hash(both)).toBe(hash(Buffer.concat([a, b])));
  });

  it("a worker whose link is cut is given up, its work is done elsewhere", async () => {
    startWorker(0);
    const cut = startWorker(1);
    await until("two workers", async () => (await workerCount()) === 2);
    const results = client.submit([waiting("a", 200_000), waiting("b", 200_000)]);
    await until("both programs", () => started() === 2);
    hosts.setLink(1, "down");
    await until("the cut worker's end at the server", async () => (await workerCount()) === 1);
    writeFileSync(join(folder, "go"), "");
    const [a, b] = await client.gather(results);
    expect([a.toString("latin1", 0, 2), b.toString("latin1", 0, 2)]).toEqual(["a\n", "b\n"]);
    // Back on the net it learns that it was given up, and ends.
    hosts.setLink(1, "up");
    expect(await cut.exited).toBe(1);
    expect((await client.stats()).workers).toBe(1);
    await until("its directory's end", () => {
      return readdirSync(folder).filter((name) => name.startsWith("worker-")).length === 1;
    });
  });

  it("an object behind a cut link is computed again", async () => {
    startWorker(0);
    startWorker(1);
    await until("two workers", async () => (await workerCount()) === 2);
    const parts = client.submit([waiting("a", 500_000), waiting("b", 500_000)]);
    await until("both programs", () => started() === 2);
    writeFileSync(join(folder, "go"), "");
    await client.wait(parts);
    hosts.setLink(0, "down");
    // Whichever worker it goes to, one part is behind the cut.
    const both = await client.submitOne(tasks.merge(parts)).gather();
    expect(both.length).toBe(1_000_000);
    await until("the cut worker's end at the server", async () => (await workerCount()) === 1);
    const [a, b] = await client.gather(parts);
    expect(hash(both)).toBe(hash(Buffer.concat([a, b])));
  });
});
