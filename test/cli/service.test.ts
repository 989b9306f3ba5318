/** Life of server and worker processes: ready lines, IPC, signals, exit codes, what is left. */
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Client, tasks } from "../../src/index.js";
import { CliProcess, runCli } from "./cli-process.js";

let folder: string;
let started: CliProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loom-cli-"));
  started = [];
});

afterEach(async () => {
  for (const service of started) service.kill("SIGKILL");
  await Promise.all(started.map(({ finished }) => finished));
  rmSync(folder, { recursive: true });
});

async function startServer(...flags: string[]): Promise<[server: CliProcess, address: string]> {
  const server = new CliProcess(["server", "--port", "0", ...flags]);
  started.push(server);
  return [server, await server.ready()];
}

async function startWorker(address: string, ...flags: string[]): Promise<CliProcess> {
  const worker = new CliProcess(["worker", address, "--cpus", "2", "--wdir", folder, ...flags]);
  started.push(worker);
  await worker.ready();
  return worker;
}

async function echo(address: string): Promise<string> {
  await using client = await Client.connect(address);
  return (await client.submitOne(tasks.run("echo hello")).gather()).toString();
}

describe("a cluster from the command line", () => {
  it("runs tasks; loom stop ends server and workers with code 0 and leaves nothing", async () => {
    const [server, address] = await startServer();
    const worker = await startWorker(address);
    expect(await echo(address)).toBe("hello\n");
    expect(readdirSync(folder)).toHaveLength(1);
    expect(await runCli(["stop", address])).toMatchObject({
      code: 0,
      stdout: `Server ${address} stopped\n`,
      stderr: "",
    });
    expect((await server.finished).code).toBe(0);
    expect((await worker.finished).code).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("works with the programs and flags that existing scripts use", async () => {
    const server = new CliProcess(["--port=0", "--debug"], { program: "loom-server" });
    started.push(server);
    const [host, port] = (await server.ready()).split(":");
    const worker = new CliProcess(
      [host, port, "--cpus=1", `--wdir=${folder}`, "--nopin", "--debug"],
      { program: "loom-worker" },
    );
    started.push(worker);
    await worker.ready();
    expect(await echo(`${host}:${port}`)).toBe("hello\n");
    expect(server.stdout).toMatch(/^Server listens on \S+\nDashboard at \S+\n$/);
    expect(worker.stdout.trimEnd().split("\n")).toHaveLength(1);
  });

  it("uses LOOM_SERVER where no address is given", async () => {
    const [, address] = await startServer();
    const env = { LOOM_SERVER: address };
    expect((await runCli(["status"], { env })).stdout).toContain(`Server ${address}`);
    expect((await runCli(["stop"], { env })).stdout).toBe(`Server ${address} stopped\n`);
  });

  it("warns when others can reach the server", async () => {
    const [server] = await startServer("--listen", "0.0.0.0");
    const warning = "whoever can reach this port can run programs";
    // Another pipe than that of the line which says that it is ready.
    await server.waitFor("its warning", ({ stderr }) => stderr.includes(warning) || undefined);
  });
});

describe("signals", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("%s stops a server with code 0", async (signal) => {
    const [server] = await startServer();
    server.kill(signal);
    expect(await server.finished).toMatchObject({ code: 0, signal: null, stderr: "" });
  });

  it.each(["SIGINT", "SIGTERM"] as const)("%s stops a busy worker", async (signal) => {
    const [, address] = await startServer();
    const worker = await startWorker(address);
    await using client = await Client.connect(address);
    const future = client.submitOne(tasks.run("sh -c 'echo started; exec sleep 1000'"));
    for await (const _ of future.stdout()) break;
    worker.kill(signal);
    expect(await worker.finished).toMatchObject({ code: 0, signal: null });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("a start that takes long", () => {
  let silent: Server;
  let worker: CliProcess;

  beforeEach(async () => {
    silent = createServer((socket) => socket.on("error", () => {}));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const connected = once(silent, "connection");
    worker = new CliProcess(["worker", "127.0.0.1", String(port), "--wdir", folder]);
    started.push(worker);
    await connected;
  });
  afterEach(() => {
    silent.close();
  });

  it("ends with code 0 at a signal", async () => {
    worker.kill("SIGTERM");
    expect((await worker.finished).code).toBe(0);
  });

  it("ends at once at a second signal", async () => {
    // Two different ones: the system may deliver two of a kind as one.
    worker.kill("SIGINT");
    worker.kill("SIGTERM");
    expect([128 + 2, 128 + 15]).toContain((await worker.finished).code);
  });
});

describe("a worker", () => {
  it("ends with code 1 and one line when the server is lost", async () => {
    const [server, address] = await startServer();
    const worker = await startWorker(address);
    server.kill("SIGKILL");
    const { code, stderr } = await worker.finished;
    expect(stderr).toMatch(new RegExp(`^loom worker: .*${address}`, "m"));
    expect(code).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("with an IPC channel", () => {
  it("says when it is up, and stops when the channel closes", async () => {
    const server = new CliProcess(["server", "--port", "0"], { ipc: true });
    started.push(server);
    const address = await server.ready();
    const port = Number(address.split(":")[1]);
    const worker = new CliProcess(["worker", address, "--wdir", folder], { ipc: true });
    started.push(worker);
    const workerAddress = await worker.ready();
    await worker.waitFor("it told its parent", ({ messages }) => messages[0]);
    expect(server.messages).toEqual([
      {
        ...{ loom: "listening", host: "127.0.0.1", port },
        dashboard: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      },
    ]);
    expect(worker.messages).toEqual([{ loom: "registered", address: workerAddress }]);
    worker.child.disconnect();
    expect((await worker.finished).code).toBe(0);
    server.child.disconnect();
    expect((await server.finished).code).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("says why it does not come up", async () => {
    const [, address] = await startServer();
    const port = address.split(":")[1];
    const second = new CliProcess(["server", "--port", port], { ipc: true });
    expect((await second.finished).code).toBe(1);
    expect(second.messages).toEqual([
      { loom: "failed", message: expect.stringContaining(`cannot listen on ${address}`) },
    ]);
  });
});

describe("loom status", () => {
  it("shows workers as a table and as JSON", async () => {
    const [, address] = await startServer();
    expect((await runCli(["status", address])).stdout).toMatch(/No workers; start one with: loom/);
    const worker = await startWorker(address);
    const { stdout, stderr, code } = await runCli(["status", address]);
    expect(stdout).toMatch(new RegExp(`^Server ${address}, version .*, up .*, 0 clients\n`));
    expect(stdout).toMatch(/^Tasks: 0 unfinished, 0 finished, 0 failed$/m);
    expect(stdout).toMatch(
      new RegExp(`^${await worker.ready()} +\\S+ +${worker.child.pid} +2 +0 +0 +0 +0 B$`, "m"),
    );
    expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
    const status = JSON.parse((await runCli(["status", address, "--json"])).stdout);
    expect(status.workers).toEqual([expect.objectContaining({ cpus: 2, pid: worker.child.pid })]);
  });
});
