/** Requests that are wrong, foreign or malicious: refused in one line, and the server goes on. */
import { connect } from "node:net";
import { hostname } from "node:os";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createHttpApp, type ObservedServer } from "../../src/dashboard/index.js";
import { ask } from "./dashboard-cluster.js";
import { type HttpServer, sendRaw, startHttpServer } from "./http-server.js";

async function expectAlive(server: HttpServer): Promise<void> {
  expect((await ask(`${server.url}/health`)).json).toEqual({ status: "ok", workers: 0 });
  expect(server.log.filter((line) => line.includes("internal error"))).toEqual([]);
}

async function expectRefused(
  method: string,
  path: string,
  body: object | undefined,
  status: number,
  error: string,
): Promise<void> {
  const server = await startHttpServer();
  const answer = await ask(`${server.url}${path}`, { method, body });
  expect({ status: answer.status, json: answer.json }).toEqual({
    status,
    json: { error: expect.stringContaining(error) },
  });
  expect(answer.json.error).not.toContain("\n");
  await expectAlive(server);
}

describe("wrong requests", () => {
  test.each([
    ["/nope", 404, "there is no GET /nope"],
    ["/api/v1", 404, "there is no GET /api/v1"],
    ["/api/v2/cluster", 404, "there is no GET /api/v2/cluster"],
    ["/../../package.json", 404, "there is no GET /package.json"],
    ["/%2e%2e/%2e%2e/package.json", 404, "there is no GET /package.json"],
    ["/%00%ff", 404, "there is no GET "],
    ["/api/v1/tasks/1", 400, 'task is written "CLIENT:ID"'],
    ["/api/v1/tasks/0:99999999999", 400, 'task is written "CLIENT:ID"'],
    ["/api/v1/tasks/0:1", 404, "there is no task 0:1"],
    ["/api/v1/tasks?state=lost", 400, "state is one of waiting"],
    ["/api/v1/tasks?limit=0", 400, "limit is a whole number from 1 to 1000"],
    ["/api/v1/tasks?limit=1e3", 400, "limit is a whole number"],
    ["/api/v1/tasks?after=-1", 400, "after is a whole number"],
    ["/api/v1/tasks?plan=x", 400, 'plan is written "CLIENT:ID"'],
    ["/api/v1/failures?limit=9999", 400, "limit is a whole number"],
  ])("GET %s: %i %s", (path, status, error) =>
    expectRefused("GET", path, undefined, status, error),
  );

  test.each([
    ["DELETE", "/api/v1/tasks/0:1", undefined, 415, "send JSON"],
    ["POST", "/api/v1/cluster", {}, 404, "there is no POST /api/v1/cluster"],
    ["POST", "/api/v1/tasks/cancel", [], 400, "is not a JSON object"],
    ["POST", "/api/v1/tasks/cancel", {}, 400, "tasks is a list of 1 to 1000 tasks"],
    ["POST", "/api/v1/tasks/cancel", { tasks: [] }, 400, "tasks is a list of 1 to 1000 tasks"],
    ["POST", "/api/v1/tasks/cancel", { tasks: "0:1" }, 400, "tasks is a list of 1 to 1000"],
    ["POST", "/api/v1/tasks/cancel", { tasks: [{}] }, 400, 'task is written "CLIENT:ID"'],
    ["POST", "/api/v1/tasks/retry", {}, 400, "not undefined"],
    ["POST", "/api/v1/tasks/retry", { task: "0:0" }, 404, "there is no task 0:0"],
    ["POST", "/api/v1/plans/cancel", { plan: 7 }, 400, 'plan is written "CLIENT:ID"'],
  ])("%s %s %j: %i %s", expectRefused);

  test("bodies that are no JSON, or too long, whatever they say of their length", async () => {
    const server = await startHttpServer();
    const url = `${server.url}/api/v1/tasks/cancel`;
    const headers = { "X-Loom": "1" };
    for (const body of ["", "{", "\u0000", "[".repeat(60_000), '{"tasks":NaN}']) {
      const { status, json } = await ask(url, { method: "POST", headers, body });
      expect({ status, json }).toEqual({
        status: 400,
        json: { error: "the request's body is not JSON" },
      });
    }
    const long = JSON.stringify({ tasks: ["0".repeat(70_000)] });
    expect((await ask(url, { method: "POST", headers, body: long })).status).toBe(413);
    const head = "POST /api/v1/tasks/cancel HTTP/1.1\r\nHost: localhost\r\nX-Loom: 1\r\n";
    const chunks = `${"2000\r\n".concat("x".repeat(0x2000), "\r\n").repeat(20)}0\r\n\r\n`;
    const chunked = await sendRaw(
      server.port,
      `${head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
    );
    expect(chunked).toMatch(/^HTTP\/1\.1 413 /);
    await expectAlive(server);
  });

  test("bytes that are not HTTP", async () => {
    const server = await startHttpServer();
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ minLength: 1, maxLength: 200 }),
          fc.constantFrom(
            "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
            `GET /${"a".repeat(100_000)} HTTP/1.1\r\n\r\n`,
            `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"a".repeat(100_000)}\r\n\r\n`,
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/3.0\r\nHost: localhost\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
          ),
        ),
        async (text) => {
          const answer = await sendRaw(server.port, `${text}\r\n\r\n\r\n`);
          expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
        },
      ),
      { numRuns: 40 },
    );
    await expectAlive(server);
  });

  test("clients that send half a request hold up nobody, and a stop does not wait for them", async () => {
    const server = await startHttpServer();
    const slow = Array.from({ length: 20 }, () => connect(server.port, "127.0.0.1"));
    const ended = slow.map(
      (socket) => new Promise((resolve) => socket.on("close", resolve).on("error", () => {})),
    );
    slow.forEach((socket, i) => {
      socket.write(
        i % 2 === 0
          ? "GET /health HT"
          : "POST /api/v1/tasks/cancel HTTP/1.1\r\nHost: localhost\r\nX-Loom: 1\r\nContent-Length: 1000\r\n\r\n{",
      );
    });
    await expectAlive(server);
    await server.close();
    await Promise.all(ended);
  });

  test("clients that hang up before they get their answer", async () => {
    const server = await startHttpServer();
    for (const path of ["/", "/metrics", "/api/v1/cluster", "/api/v1/events"]) {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => {});
      await new Promise((resolve) => {
        socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`, resolve);
      });
      socket.resetAndDestroy();
    }
    await expectAlive(server);
  });
});

describe("who may ask", () => {
  test.each([
    ["localhost", 200],
    ["LOCALHOST:1234", 200],
    ["127.0.0.1", 200],
    ["127.9.9.9:80", 200],
    ["[::1]:9010", 200],
    ["evil.example", 403],
    ["evil.example:80", 403],
    ["localhost.evil.example", 403],
    ["127.0.0.1.evil.example", 403],
    ["192.168.1.1", 403],
    ["user@localhost", 400],
    ["localhost, evil.example", 400],
  ])("by the name %j: %i", async (name, status) => {
    const server = await startHttpServer();
    for (const path of ["/health", "/", "/api/v1/cluster", "/metrics", "/nope"]) {
      const answer = await ask(`${server.url}${path}`, { headers: { Host: name } });
      if (status === 200) expect([200, 404]).toContain(answer.status);
      else expect(answer.status).toBe(status);
    }
    await expectAlive(server);
  });

  test("without a name: nobody", async () => {
    const server = await startHttpServer();
    const nameless = await sendRaw(server.port, "GET /health HTTP/1.0\r\n\r\n");
    expect(nameless).toMatch(/^HTTP\/1\.1 40[03] /);
    const empty = await sendRaw(
      server.port,
      "GET /health HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n",
    );
    expect(empty).toMatch(/^HTTP\/1\.1 40[03] /);
    await expectAlive(server);
  });

  test("where the port is open to all networks: also by addresses and this machine's name", async () => {
    const server = await startHttpServer("0.0.0.0");
    const url = `http://127.0.0.1:${server.port}/health`;
    for (const name of ["10.1.2.3:8080", "[fe80::1]", hostname()]) {
      expect((await ask(url, { headers: { Host: name } })).status).toBe(200);
    }
    const foreign = await ask(url, { headers: { Host: "rebound.example" } });
    expect(foreign.status).toBe(403);
  });

  test("changes: not pages of other sites, and nobody without saying so", async () => {
    const server = await startHttpServer();
    const change = async (headers: Record<string, string>) => {
      const url = `${server.url}/api/v1/tasks/cancel`;
      return (await ask(url, { method: "POST", headers, body: '{"tasks":["0:0"]}' })).status;
    };
    const host = `127.0.0.1:${server.port}`;
    const json = { "Content-Type": "application/json" };
    expect(await change(json)).toBe(200);
    expect(await change({ "Content-Type": "application/json; charset=utf-8" })).toBe(200);
    expect(await change({ "X-Loom": "1" })).toBe(200);
    expect(
      await change({ ...json, Origin: `http://${host}`, "Sec-Fetch-Site": "same-origin" }),
    ).toBe(200);
    expect(await change({})).toBe(415);
    expect(await change({ "Content-Type": "text/plain" })).toBe(415);
    expect(await change({ "Content-Type": "application/jsonx" })).toBe(415);
    expect(await change({ "Content-Type": "application/x-www-form-urlencoded" })).toBe(415);
    expect(await change({ "X-Loom": "0" })).toBe(415);
    for (const Origin of [
      "http://evil.example",
      "null",
      "http://127.0.0.1:1",
      `http://${host}.evil.example`,
    ]) {
      expect(await change({ ...json, Origin })).toBe(403);
    }
    expect(await change({ ...json, "Sec-Fetch-Site": "cross-site" })).toBe(403);
    // No preflight is answered: other sites' pages can't send these headers.
    const options = await ask(`${server.url}/api/v1/tasks/cancel`, {
      method: "OPTIONS",
      headers: { "X-Loom": "1", Origin: "http://evil.example" },
    });
    expect(options.status).toBe(403);
  });

  test("every answer forbids other scripts, frames, sniffing and other origins", async () => {
    const server = await startHttpServer();
    for (const path of [
      "/",
      "/page.js",
      "/page.css",
      "/health",
      "/metrics",
      "/api/v1/tasks",
      "/nope",
    ]) {
      const { headers } = await ask(`${server.url}${path}`);
      const policy = String(headers["content-security-policy"]);
      expect(policy).toContain("default-src 'self'");
      expect(policy).not.toContain("unsafe");
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["x-frame-options"]).toBe("DENY");
      expect(headers).not.toHaveProperty("access-control-allow-origin");
    }
  });
});

test("a server that is stopping is not healthy", async () => {
  const { createServer } = await import("node:http");
  const observed = { isStopping: true } as unknown as ObservedServer;
  const app = createHttpApp(observed, "127.0.0.1", () => {});
  const http = createServer((request, response) => app.handle(request, response));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as { port: number };
  const { status, json } = await ask(`http://127.0.0.1:${port}/health`);
  expect({ status, json }).toEqual({ status: 503, json: { status: "stopping" } });
  http.close();
  http.closeAllConnections();
});

test("a port that is taken is told in one line", async () => {
  const first = await startHttpServer();
  const { startServer } = await import("../../src/server/index.js");
  const { pino } = await import("pino");
  const logger = pino({ level: "silent" });
  const http = { port: first.port, host: "127.0.0.1" };
  await expect(startServer({ port: 0, logger, http })).rejects.toThrow(
    `cannot listen on 127.0.0.1:${first.port} for the dashboard: the port is in use`,
  );
});
