/** `loom dashboard`, and what `loom server` says of its HTTP port. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { CliProcess, runCli } from "./cli-process.js";

async function startServer(...flags: string[]): Promise<{ server: CliProcess; address: string }> {
  const server = new CliProcess(["server", "--port", "0", ...flags]);
  onTestFinished(async () => {
    server.kill("SIGTERM");
    expect(await server.finished).toMatchObject({ code: 0 });
  });
  return { server, address: await server.ready() };
}

async function urlOf(server: CliProcess): Promise<string> {
  const [, url] = await server.waitFor("its dashboard", ({ stdout }) =>
    /^Dashboard at (http:\/\/127\.0\.0\.1:\d+)$/m.exec(stdout),
  );
  return url;
}

describe("loom dashboard", () => {
  test("says so when it is given the HTTP port, which is not what it asks for", async () => {
    const { server } = await startServer();
    const url = await urlOf(server);
    const { code, stderr } = await runCli(["status", new URL(url).host]);
    expect(stderr).toMatch(/^loom status: .*the other side speaks HTTP, .* the server's main port/);
    expect(code).toBe(1);
  });

  test("prints the address that the server printed", async () => {
    const { server, address } = await startServer();
    const url = await urlOf(server);
    expect(await runCli(["dashboard", address])).toMatchObject({
      code: 0,
      stdout: `${url}\n`,
      stderr: "",
    });
    expect(await runCli(["dashboard", "--server", address])).toMatchObject({ stdout: `${url}\n` });
    const status = await runCli(["status", "--json", address]);
    expect(JSON.parse(status.stdout)).toMatchObject({ dashboard: url });
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  test("opens it with the desktop's program", async () => {
    const folder = mkdtempSync(join(tmpdir(), "loom-cli-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const opened = join(folder, "opened");
    writeFileSync(
      join(folder, "xdg-open"),
      `#!/bin/sh\necho "$1" > ${opened}.part; mv ${opened}.part ${opened}\n`,
      { mode: 0o755 },
    );
    const { server, address } = await startServer();
    const url = await urlOf(server);
    const PATH = `${folder}:${process.env.PATH}`;
    expect(await runCli(["dashboard", address, "--open"], { env: { PATH } })).toMatchObject({
      code: 0,
    });
    const { readFileSync, existsSync } = await import("node:fs");
    while (!existsSync(opened)) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(readFileSync(opened, "utf8")).toBe(`${url}\n`);
    const none = await runCli(["dashboard", address, "--open"], {
      env: { PATH: folder.concat("/none") },
    });
    expect(none).toMatchObject({ code: 1 });
    expect(none.stderr).toMatch(
      /^loom dashboard: xdg-open can't be started .*; open http:\S+ in a browser\n$/m,
    );
  });

  test("says when there is none", async () => {
    const { server, address } = await startServer("--http-port", "none");
    expect(server.stdout).toBe(`Server listens on ${address}\n`);
    const { code, stderr } = await runCli(["dashboard", address]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `loom dashboard: the server at ${address} has no HTTP port; start it without --http-port none\n`,
    );
  });
});

describe("loom server", () => {
  test("warns when its HTTP port is open to others", async () => {
    const { server } = await startServer("--http-host", "0.0.0.0");
    // Another pipe than that of the line which says that it is ready.
    await server.waitFor("its warning", ({ stderr }) =>
      /the dashboard listens on 0\.0\.0\.0: whoever can reach its port/.exec(stderr),
    );
  });

  test.each([
    ["70000", /--http-port 70000 is not a port, or "none"/],
    ["x", /--http-port x is not a port, or "none"/],
    ["", /--http-port "" is not a port/],
  ])("refuses the HTTP port %j", async (port, message) => {
    const { code, stderr } = await runCli(["server", "--port", "0", "--http-port", port]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  test("does not start without its HTTP port", async () => {
    const { server } = await startServer();
    const { port } = new URL(await urlOf(server));
    const { code, stderr } = await runCli(["server", "--port", "0", "--http-port", port]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `cannot listen on 127.0.0.1:${port} for the dashboard: the port is in use`,
    );
  });
});
