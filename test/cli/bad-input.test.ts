/** Wrong flags, addresses, ports, files and directories: one line that says what to do. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CliOptions, CliProcess, type Finished, runCli } from "./cli-process.js";

/** Checks code and the only line on standard error that is not a log record. */
function expectOneLine({ code, stdout, stderr }: Finished, exitCode: number, line: RegExp): void {
  const lines = stderr.trimEnd().split("\n");
  const message = lines.filter((text) => !text.startsWith('{"level"')).join("\n");
  expect(message).toMatch(line);
  expect(message).not.toContain("\n");
  expect(stdout).toBe("");
  expect(code).toBe(exitCode);
}

const USAGE: [args: string, line: RegExp][] = [
  ["", /^loom: no command given; use one of server, worker, .*'loom --help'/],
  ["serv", /^loom: unknown command 'serv' \(Did you mean server\?\); see 'loom --help'/],
  ["server --prot 1", /^loom server: unknown option '--prot' .*--port.*'loom server --help'/],
  ["server extra", /^loom server: too many arguments/],
  ["server -p", /^loom server: option '-p, --port <n>' argument missing/],
  ["server --port abc", /--port abc is not a port; give a whole number from 0 to 65535/],
  ["server --port=-1", /--port -1 is not a port/],
  ["server --port=65536", /--port 65536 is not a port/],
  ["server --port 90.5", /--port 90.5 is not a port/],
  ["server --listen 127.0.0.1:9010", /--listen 127.0.0.1:9010 is not an address; .*without a port/],
  ["server --heartbeat-timeout 0", /--heartbeat-timeout 0 is not a time; give seconds above 0/],
  ["server --heartbeat-timeout soon", /--heartbeat-timeout soon is not a time/],
  ["server --max-losses many", /--max-losses many is not a number of losses/],
  ["worker", /^loom worker: missing required argument 'server-address'/],
  ["worker localhost 99999", /port 99999 is not a port; give a whole number from 1 to 65535/],
  ["worker localhost 0", /port 0 is not a port/],
  ["worker localhost:0", /port "0" is not a number from 1 to 65535/],
  ["worker a:1 2", /server address a:1 has a port already/],
  ["worker a:b:c", /wrong address "a:b:c"/],
  ["worker localhost 9010 --cpus 0", /--cpus 0 is not a number of cores; give .* from 1 to/],
  ["worker localhost 9010 --cpus two", /--cpus two is not a number of cores/],
  ["worker localhost --resource gpus=x", /^loom worker: --resource gpus=x: x is not an amount/],
  ["worker localhost --resource cpus=4", /--resource cpus=4: cores are given as --cpus 4/],
  ["worker localhost --resource a=1 --resource a=2", /--resource a=2: a is given twice/],
  ["worker localhost --share 3/2", /--share 3\/2 is not a share/],
  ["worker localhost 9010 --pin", /unknown option '--pin'/],
  ["status a:b:c", /^loom status: wrong address "a:b:c"/],
  ["stop localhost:x", /^loom stop: wrong address "localhost:x": port "x"/],
  ["explain", /^loom explain: missing required argument 'task'/],
  ["explain 1 2", /^loom explain: too many arguments/],
  ["explain 1 --server a:b:c", /^loom explain: wrong address "a:b:c"/],
  ["explain 1 --jsn", /^loom explain: unknown option '--jsn'/],
  ["run", /^loom run: missing required argument 'file'/],
  ["run --serv x file.ts", /^loom run: unknown option '--serv'/],
];

describe("a wrong command line", () => {
  it.each(USAGE)("loom %s", async (args, line) => {
    expectOneLine(await runCli(args.split(" ").filter(Boolean)), 2, line);
  });

  it.each([
    ["loom-server", "--port x", /^loom-server: --port x is not a port/],
    ["loom-worker", "", /^loom-worker: missing required argument/],
    ["loom-worker", "a 1 2", /^loom-worker: too many arguments/],
  ] as const)("%s %s", async (program, args, line) => {
    expectOneLine(await runCli(args.split(" ").filter(Boolean), { program }), 2, line);
  });

  it("tells a parent process too", async () => {
    const worker = new CliProcess(["worker", "a", "0"], { ipc: true });
    await worker.finished;
    expect(worker.messages).toEqual([
      { loom: "failed", message: expect.stringMatching(/port 0 is not a port/) },
    ]);
  });
});

describe("a right command line that can't be done", () => {
  let folder: string;
  let occupied: Server;
  let occupiedPort: number;
  // Nothing listens on it; a port that was free a moment ago, something else may have taken by now.
  const unusedPort = 1;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "loom-cli-"));
    writeFileSync(join(folder, "file"), "not a directory");
    [occupied, occupiedPort] = await listening();
  });
  afterAll(() => {
    occupied.close();
    rmSync(folder, { recursive: true });
  });

  async function expectFailure(args: string[], line: RegExp, options?: CliOptions): Promise<void> {
    expectOneLine(await runCli(args, options), 1, line);
  }

  it("server: a port in use", async () => {
    await expectFailure(
      ["server", "--port", String(occupiedPort)],
      new RegExp(`^loom server: cannot listen on 127.0.0.1:${occupiedPort}: .*in use; `),
    );
  });

  it("server: an address that this machine does not have", async () => {
    const args = ["server", "--port", "0", "--listen", "192.0.2.1"];
    await expectFailure(args, /^loom server: cannot listen on 192.0.2.1:0: .*address/);
  });

  it("worker: no server there", async () => {
    await expectFailure(
      ["worker", "127.0.0.1", String(unusedPort)],
      new RegExp(`^loom worker: cannot connect to 127.0.0.1:${unusedPort}: connection refused; `),
    );
  });

  it("worker: an unknown host", async () => {
    await expectFailure(["worker", "no-such-host.invalid"], /no-such-host.invalid.*; check/);
  });

  it("worker: --wdir is a file", async () => {
    await expectFailure(
      ["worker", "127.0.0.1", String(unusedPort), "--wdir", join(folder, "file")],
      /--wdir .*\/file cannot be created: it is a file, not a directory; give a directory/,
    );
  });

  it("worker: --wdir can't be created", async () => {
    await expectFailure(
      ["worker", "127.0.0.1", String(unusedPort), "--wdir", join(folder, "file", "below")],
      /--wdir .*below cannot be created: a part of the path is not a directory; give/,
    );
    await expectFailure(
      ["worker", "127.0.0.1", String(unusedPort), "--wdir", "/proc/loom"],
      /--wdir \/proc\/loom cannot be created: .*; give a directory/,
    );
  });

  it.each(["status", "stop"])("%s: no server there", async (command) => {
    const line = new RegExp(
      `^loom ${command}: cannot connect to 127.0.0.1:${unusedPort}: .*refused`,
    );
    await expectFailure([command, `127.0.0.1:${unusedPort}`], line);
    await expectFailure([command], line, { env: { LOOM_SERVER: `127.0.0.1:${unusedPort}` } });
  });

  it("explain: no server there, an empty name", async () => {
    const line = new RegExp(`^loom explain: cannot connect to 127.0.0.1:${unusedPort}: .*refused`);
    await expectFailure(["explain", "1", "--server", `127.0.0.1:${unusedPort}`], line);
    expectOneLine(await runCli(["explain", ""]), 2, /^loom explain: no task is named; give an id/);
  });

  it("run: a missing file, a directory", async () => {
    await expectFailure(
      ["run", join(folder, "no.ts")],
      /no.ts cannot be read: no such file .*check/,
    );
    await expectFailure(["run", folder], /script .* is not a file; give the path of a script/);
  });

  it("--debug adds the stack", async () => {
    const { stderr } = await runCli(["status", `127.0.0.1:${unusedPort}`, "--debug"]);
    expect(stderr).toMatch(/^\s+at /m);
  });
});

async function listening(): Promise<[Server, number]> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return [server, (server.address() as { port: number }).port];
}
