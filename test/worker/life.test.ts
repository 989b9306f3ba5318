/** A worker's life: registration, refusals, the ends it can come to, what it leaves. */
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/base/index.js";
import { ClientResponseType, encodeClientResponse } from "../../src/protocol/index.js";
import { listen } from "../../src/transport/index.js";
import { startWorker } from "../../src/worker/index.js";
import {
  afterTest,
  collectedLog,
  filesIn,
  program,
  scratchDirectory,
  startOne,
  startServer,
  startTestWorker,
} from "./worker-fixture.js";

describe("registration", () => {
  it("says what the worker is", async () => {
    const { end, worker } = await startOne({ cpus: 3 });
    const { register } = end;
    expect(register).toMatchObject({
      protocolVersion: 2,
      workerProtocol: 4,
      cpus: 3,
      hostname: hostname(),
      pid: process.pid,
      host: "",
    });
    expect(register.taskTypes).toEqual(expect.arrayContaining(["loom/data/const", "loom/run/run"]));
    expect(register.dataTypes).toContain("loom/array");
    expect(worker.address).toBe(`127.0.0.1:${register.port}`);
  });

  it("names the address to listen on when it was told one", async () => {
    const { end } = await startOne({ listen: "127.0.0.1" });
    expect(end.register.host).toBe("127.0.0.1");
    const everywhere = await startOne({ listen: "0.0.0.0" });
    expect(everywhere.end.register.host).toBe("");
    expect(everywhere.worker.address).toMatch(/^127\.0\.0\.1:/);
  });

  it("refused by the server is the error, and nothing stays", async () => {
    const refusal = encodeClientResponse({
      type: ClientResponseType.ERROR,
      error: { errorMsg: "this server speaks worker protocol 3, the worker 1" },
    });
    const server = await startServer(() => refusal);
    const workDir = scratchDirectory();
    await expect(startTestWorker(server, { workDir })).rejects.toMatchObject({
      code: "connection",
      message: expect.stringContaining("refused this worker: this server speaks worker protocol 3"),
    });
    expect(readdirSync(workDir)).toEqual([]);
  });

  it("with something that is no server says so", async () => {
    const listener = await listen("127.0.0.1", 0, (connection) => ({
      frame: () => {
        connection.send(new TextEncoder().encode("HTTP/1.1 400"));
      },
      closed: () => {},
    }));
    afterTest(() => listener.close());
    const options = {
      serverHost: "127.0.0.1",
      serverPort: listener.port,
      workDir: scratchDirectory(),
      ...collectedLog(),
    };
    await expect(startWorker(options)).rejects.toThrow(/did not answer as a HyperLoom server/);
    await listener.close();
    await expect(startWorker(options)).rejects.toMatchObject({ code: "connection" });
  });

  it("with wrong options is refused before anything is started", async () => {
    for (const cpus of [0, -1, 1.5, 70_000, Number.NaN]) {
      const options = { serverHost: "127.0.0.1", serverPort: 1, cpus, ...collectedLog() };
      await expect(startWorker(options)).rejects.toMatchObject({ code: "usage" });
    }
    const server = await startServer();
    const file = join(scratchDirectory(), "file");
    writeFileSync(file, "");
    await expect(startTestWorker(server, { workDir: file })).rejects.toThrow(/--wdir/);
  });

  it("can't have a port that is taken", async () => {
    const { port } = await startOne();
    await expect(startOne({ port })).rejects.toThrow(/cannot listen/);
  });
});

describe("the end", () => {
  it("by shutdown: in order, nothing left", async () => {
    const { end, worker, workDir } = await startOne();
    expect(filesIn(workDir).some((name) => name.endsWith("run"))).toBe(true);
    end.assign({ row: 1, type: "loom/run/run", cpus: 1, config: program("/bin/sleep", "1000") });
    await end.next("started", 1);
    end.writer.shutdown();
    end.flush();
    await worker.stopped;
    expect(filesIn(workDir)).toEqual([]);
    expect(await end.next("closed")).toMatchObject({ error: undefined });
    await worker.close();
  });

  it("by close(): `stopped` resolves", async () => {
    const { worker, workDir } = await startOne();
    await worker.close();
    await worker.stopped;
    await worker.close();
    expect(filesIn(workDir)).toEqual([]);
  });

  it("when the server is gone: `stopped` rejects, nothing left", async () => {
    const { end, worker, workDir } = await startOne();
    end.assign({ row: 1, type: "loom/run/run", cpus: 1, config: program("/bin/sleep", "1000") });
    await end.next("started", 1);
    end.connection.destroy();
    await expect(worker.stopped).rejects.toMatchObject({ code: "connection" });
    expect(filesIn(workDir)).toEqual([]);
  });

  it("when the server sends nonsense: `stopped` rejects with a ProtocolError", async () => {
    for (const frame of [
      [200, 1, 2],
      [1, 2, 3],
      [2, 0],
    ]) {
      const { end, worker } = await startOne();
      end.connection.send(Uint8Array.from(frame));
      await expect(worker.stopped).rejects.toBeInstanceOf(ProtocolError);
    }
  });
});

it("what a dead worker of the same address has left is removed", async () => {
  const workDir = scratchDirectory();
  const first = await startOne({ workDir });
  const { port } = first;
  await first.worker.close();
  const left = join(workDir, `worker-127.0.0.1-${port}`);
  mkdirSync(join(left, "run", "task-1"), { recursive: true });
  await startOne({ workDir, port });
  expect(filesIn(left)).toEqual(expect.arrayContaining(["data", "run"]));
  expect(filesIn(left)).not.toContain(join("run", "task-1"));
});

it("more cpus than cores are allowed, programs are not pinned then", async () => {
  const { end, lines } = await startOne({ cpus: 1000, pin: true });
  expect(lines.join()).toMatch(/not pinned to cores: 1000 cpus on/);
  end.assign({ row: 1, type: "loom/run/run", cpus: 900, config: program("/bin/true") });
  await end.next("finished", 1);
});
