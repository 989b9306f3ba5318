import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "../../src/server/index.js";
import { ClassicClient } from "./classic-client.js";
import { waitFor } from "./deadline.js";
import { ScriptedWorker } from "./scripted-worker.js";

const TIMEOUT_MS = 300;
let server: RunningServer;

/** This process, with server and workers in it, does nothing for so long. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe("heartbeats", () => {
  afterEach(() => server.close());

  it("a worker that answers no pings is given up, the others stay", async () => {
    server = await startServer({
      port: 0,
      heartbeatTimeoutMs: TIMEOUT_MS,
      logger: pino({ level: "silent" }),
    });
    const silent = await ScriptedWorker.join(server.port);
    silent.answersPings = false;
    const other = await ScriptedWorker.join(server.port);
    await waitFor(() => silent.socket.peerEnded, "the silent worker's end");
    expect(other.socket.peerEnded).toBe(false);
    other.socket.end();
  });

  it("a server that slept itself does not take its workers for dead", async () => {
    const lines: string[] = [];
    server = await startServer({
      port: 0,
      heartbeatTimeoutMs: TIMEOUT_MS,
      logger: pino({ level: "warn" }, { write: (line) => void lines.push(line) }),
    });
    const worker = await ScriptedWorker.join(server.port);
    const client = await ClassicClient.connect(server.port);
    sleep(3 * TIMEOUT_MS);
    // Several rounds of pings later it is still there.
    const before = worker.pings;
    await waitFor(() => worker.pings >= before + 6, "pings");
    expect((await client.stats()).workers).toBe(1);
    expect(lines).toEqual([]);
    client.close();
    worker.socket.end();
  });
});
