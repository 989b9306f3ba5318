/** loom top, with a real server, in a real terminal. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client, tasks } from "../../src/client/index.js";
import { CliProcess, runCli } from "../cli/cli-process.js";
import { waitFor } from "../server/deadline.js";
import { PYTHON, TerminalProcess } from "./terminal-process.js";

const LOOM = fileURLToPath(new URL("../../dist/cli/loom.js", import.meta.url));

let folder = "";
let address = "";
let server: CliProcess;
let worker: CliProcess;
let client: Client;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "loom-terminal-test-"));
  server = new CliProcess(["server", "--port", "0"]);
  address = await server.ready();
  worker = new CliProcess(["worker", address, "--cpus", "2", "--nopin", "--resource", "mem=2GiB"]);
  await worker.ready();
  client = await Client.connect(address);
});

afterEach(async () => {
  writeFileSync(join(folder, "go"), "");
  await client.close();
  server.kill("SIGTERM");
  await Promise.all([server.finished, worker.finished]);
  rmSync(folder, { recursive: true });
});

function top(...args: string[]): TerminalProcess {
  return new TerminalProcess([process.execPath, LOOM, "top", ...args]);
}

/** One task has failed, one has finished, one runs until the file "go" is there. The futures keep them. */
async function someTasks() {
  const wait = `touch ${folder}/runs; while [ ! -e ${folder}/go ]; do sleep 0.02; done`;
  const shell = (text: string, label: string) => tasks.run(["sh", "-c", text]).withLabel(label);
  const futures = client.submit([
    shell("exit 3", "train: bad"),
    shell("true", "load: \x1b[2J"),
    shell(wait, "train: fold 1"),
  ]);
  await Promise.allSettled([futures[0].fetch(), futures[1].fetch()]);
  await waitFor(() => existsSync(join(folder, "runs")), "the program to run");
  // The server may hear of it later than the file is there.
  await waitFor(
    async () => (await client.status()).longestRunning.length === 1,
    "the server to know that the program runs",
  );
  return futures;
}

describe.skipIf(PYTHON === undefined)("loom top", () => {
  it("shows cluster, workers, labels and running tasks, again and again, until q", async () => {
    const futures = await someTasks();
    const screen = top("--server", address);
    await screen.shows(/^RUNNING FOR/);
    expect(screen.screen.isAlternate).toBe(true);
    const { text } = screen.screen;
    expect(text[0]).toMatch(new RegExp(`^loom top ${address}, version .*, up \\d+ s, 1 client$`));
    expect(text[1]).toMatch(/^Tasks: 1 unfinished, 1 finished, 1 failed/);
    expect(text[2]).toMatch(/^1 worker, 2 cores, 1 running, 0 queued there, \d+ B of objects$/);
    expect(text).toContainEqual(
      expect.stringMatching(/^127\.0\.0\.1:\d+ +\S+ +2 +1 +0 +1 +\d+ B +2\.0 GiB$/),
    );
    expect(text).toContain(`train █${"█".repeat(9)}${"░".repeat(10)} 1/2, 1 running, 1 failed`);
    expect(text).toContain(`load  ${"█".repeat(20)} 1/1`);
    expect(text.at(-1)).toMatch(/^\d+ s +0:2 +train: fold 1 +127/);
    writeFileSync(join(folder, "go"), "");
    await screen.shows(/^Tasks: 0 unfinished, 2 finished, 1 failed/);
    expect(screen.screen.text).not.toContainEqual(expect.stringMatching(/^RUNNING FOR/));
    screen.type("q");
    expect(await screen.ended).toEqual({ code: 0, signal: null, restored: true });
    expect(screen.screen).toMatchObject({ isAlternate: false, isCursorShown: true, text: [] });
    expect(futures).toHaveLength(3);
  });

  it.each([
    ["Ctrl-C", "\x03"],
    ["Escape", "\x1b"],
  ])("ends with %s, and leaves the terminal as it was", async (_name, key) => {
    const screen = top(address);
    await screen.shows(/^Tasks: /);
    screen.type(key);
    expect(await screen.ended).toEqual({ code: 0, signal: null, restored: true });
    expect(screen.screen).toMatchObject({ isAlternate: false, isCursorShown: true, text: [] });
  });

  it("a lost server: one line, on the terminal as it was", async () => {
    const screen = top(address);
    await screen.shows(/^Tasks: /);
    server.kill("SIGKILL");
    expect(await screen.ended).toEqual({ code: 1, signal: null, restored: true });
    expect(screen.screen).toMatchObject({ isAlternate: false, isCursorShown: true });
    expect(screen.screen.text.join("")).toBe(
      `loom top: the connection to the server at ${address} was lost; it has stopped, or can't be reached any more`,
    );
    await worker.finished;
  });

  it("without a terminal: once, as plain text", async () => {
    const futures = await someTasks();
    const { code, stdout, stderr } = await runCli(["top", address]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).not.toContain("\x1b");
    expect(stdout).toMatch(/^train .* 1\/2, 1 running, 1 failed$/m);
    expect(futures).toHaveLength(3);
  });
});

describe("loom status", () => {
  it("--json has labels, clients, plans, running tasks, and what workers have", async () => {
    const futures = await someTasks();
    const { stdout } = await runCli(["status", "--json", "--server", address]);
    const status = JSON.parse(stdout);
    const train = { name: "train", total: 2, running: 1, finished: 0, failed: 1, again: 0 };
    const load = { name: "load", total: 1, running: 0, finished: 1, failed: 0, again: 0 };
    expect(status.labels).toEqual([train, load]);
    expect(status.connections[0]).toMatchObject({
      client: 0,
      unfinished: 1,
      finished: 1,
      failed: 1,
    });
    expect(status.connections).toHaveLength(2);
    expect(status.plans).toEqual([
      {
        ...{ client: 0, firstTask: 0, total: 3, running: 1, finished: 1, failed: 1 },
        labels: [train, load],
      },
    ]);
    const [running] = status.longestRunning;
    const { address: at } = status.workers[0];
    expect(running).toMatchObject({ client: 0, id: 2, label: "train: fold 1", worker: at });
    expect(running.runningMs).toBeGreaterThanOrEqual(0);
    expect(status.workers[0]).toMatchObject({
      ...{ assigned: 1, running: 1, finished: 1, resources: { mem: 2 ** 31 } },
    });
    expect(futures).toHaveLength(3);
  });

  it("is a table with labels; the address may stand in both places, but only if it is the same", async () => {
    const futures = await someTasks();
    const plain = await runCli(["status", address, "--server", address]);
    expect(plain.stdout).toMatch(
      /^LABEL +TASKS +RUNNING +FINISHED +FAILED\ntrain +2 +1 +0 +1\nload +1 /m,
    );
    const wrong = await runCli(["status", address, "--server", "node1"]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toBe(
      `loom status: two servers are given, ${address} and --server node1; leave one of them out\n`,
    );
    expect(futures).toHaveLength(3);
  });

  it("loom stop takes --server too", async () => {
    const { code, stdout } = await runCli(["stop", "--server", address]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `Server ${address} stopped\n` });
    expect((await server.finished).code).toBe(0);
  });
});
