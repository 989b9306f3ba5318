/** What a user is told when something dies, through a real cluster. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Client, TaskFailed, tasks } from "../../src/client/index.js";
import { cpus, Task } from "../../src/graph/index.js";
import { TestCluster, until, within } from "./test-cluster.js";

const linux = process.platform === "linux";
const LOOM = fileURLToPath(new URL("../../dist/cli/loom.js", import.meta.url));
const FOREVER = "exec sleep 1000";

async function failureOf(client: Client, task: Task): Promise<TaskFailed> {
  const error = await within(
    "a failure",
    client
      .submitOne(task)
      .fetch()
      .catch((reason: unknown) => reason),
  );
  expect(error).toBeInstanceOf(TaskFailed);
  return error as TaskFailed;
}

function python(source: string): Task {
  return tasks.pythonSource(source, { function: "f", request: cpus(1) });
}

describe("a task that dies", () => {
  it("tells how, in its message and in its fields", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 2 });
    const { client } = cluster;
    const [{ pid }] = cluster.workers;
    const host = hostname();

    const killed = await failureOf(client, tasks.run(["/bin/sh", "-c", "kill -9 $$"]));
    // On a busy machine it may take so long that its memory is measured.
    const peak = String.raw`( \(peak memory .*\))?`;
    expect(killed.message).toMatch(
      new RegExp(`\nKilled by SIGKILL after \\d.* on ${host}${peak}$`),
    );
    expect(killed.execution).toMatchObject({ host, workerPid: pid, outOfMemory: false });

    // More than it takes until the program has written, on a busy machine too.
    const WRITTEN_MS = 1500;
    const limited = tasks.run(["/bin/sh", "-c", `echo slow >&2; ${FOREVER}`]);
    const late = await failureOf(client, limited.withTimeLimit(WRITTEN_MS));
    expect(late.message).toMatch(/\nEnded at its time limit of 1\.5 s after \d.* on /);
    expect([late.execution?.timeLimitMs, late.signal, late.stderr]).toEqual([
      WRITTEN_MS,
      "SIGKILL",
      "slow\n",
    ]);

    const inPython = await failureOf(
      client,
      python("import os, sys\ndef f():\n  print('oh', file=sys.stderr, flush=True)\n  os._exit(7)"),
    );
    expect(inPython).toMatchObject({ exitStatus: 7, stderr: "oh", execution: { host } });
    expect(inPython.message).toMatch(/\nEnded with exit status 7 after .* on /);

    const suicide = await failureOf(
      client,
      python("import os\ndef f():\n  os.kill(os.getpid(), 9)"),
    );
    expect(suicide.message).toMatch(/\nKilled by SIGKILL after .* on /);
    expect(suicide.signal).toBe("SIGKILL");

    // Nothing died: no such line, but the rest is known.
    const raised = await failureOf(client, python("def f():\n  raise ValueError('no')"));
    expect(raised.message).not.toMatch(/ after .* on /);
    expect(raised.execution).toMatchObject({ host, workerPid: pid });

    const sleeps = python("import time\ndef f():\n  time.sleep(1000)").withTimeLimit(300);
    const tooLong = await failureOf(client, sleeps);
    expect(tooLong.reason).toBe("Time limit of 300 ms exceeded");
    expect(tooLong.execution?.timeLimitMs).toBe(300);
    expect(tooLong.message).toMatch(/\nEnded at its time limit of 300 ms after /);
  });

  it.runIf(linux)("has a curve of its memory, functions too", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const source = `
import os, time
def f():
  # Several measurements of each of the two, on a busy machine too.
  time.sleep(3)
  kept = b"x" * 200_000_000
  time.sleep(2)
  os._exit(3)
`;
    const { execution, exitStatus, message } = await failureOf(cluster.client, python(source));
    expect(exitStatus).toBe(3);
    const { peakBytes, memory, durationMs } = execution!;
    expect(peakBytes).toBeGreaterThan(200e6);
    expect(peakBytes).toBeLessThan(500e6);
    expect(memory.length).toBeGreaterThanOrEqual(2);
    expect(Math.max(...memory.map(({ bytes }) => bytes))).toBe(peakBytes);
    expect(memory[0].bytes).toBeLessThan(peakBytes! - 20e6);
    expect(memory.at(-1)!.ms).toBeLessThanOrEqual(durationMs!);
    expect(message).toMatch(
      /\nEnded with exit status 3 after \d+(\.\d)? s on .* \(peak memory 2\d\d/,
    );
  });

  it("and is explained with what was given with it", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const { client } = cluster;
    const one = tasks
      .run(["/bin/false"])
      .withLabel("bad")
      .withMetadata({ sample: 17, lanes: ["a"] });
    const future = client.submitOne(one);
    await within(
      "its failure",
      future.wait().catch(() => {}),
    );
    const { tasks: found, text } = await client.explain(future.id);
    expect(found[0].metadata).toEqual({ json: { sample: 17, lanes: ["a"] } });
    expect(text).toContain('metadata: {"sample":17,"lanes":["a"]}');
    const pickled = new Task({ type: "loom/run/run", metadata: Uint8Array.of(0x80, 4, 0x4b) });
    const unknown = new Task({ type: "loom/run/run", metadata: Uint8Array.of(255) });
    const futures = client.submit([pickled, unknown]);
    await within("their failure", Promise.allSettled(futures.map((one) => one.wait())));
    const said = await Promise.all(futures.map(({ id }) => client.explain(id)));
    expect(said.map((one) => one.tasks[0].metadata)).toEqual([
      { pickle: "gARL", bytes: 3 },
      { base64: "/w==", bytes: 1 },
    ]);
    expect(said[0].text).toContain("metadata: 3 bytes, pickled by Python");
    expect(said[1].text).toContain("metadata: 1 bytes, neither JSON nor a pickle");
  });
});

describe("a worker that dies", () => {
  it("is told of by the embedded cluster, in its log and by the server", async () => {
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const [worker] = cluster.workers;
    cluster.kill(worker);
    await until("the cluster has noticed", () => cluster.lostWorkers.length === 1);
    expect(cluster.lostWorkers[0]).toMatchObject({
      pid: worker.pid,
      address: worker.address,
      signal: "SIGKILL",
      exitStatus: undefined,
    });
    const text = `local cluster: worker ${worker.address} (process ${worker.pid}) was killed by SIGKILL`;
    expect(cluster.log).toContain(text);
    await until("the server has noticed", () =>
      new RegExp(`worker ${worker.address} is gone: .* \\(process ${worker.pid} on `).test(
        cluster.log,
      ),
    );
  });

  it("too often with the same task: the failure names each of them and why", async () => {
    await using cluster = await TestCluster.start({
      workers: 0,
      serverArgs: ["--max-losses", "1"],
    });
    const { client } = cluster;
    const [host, port] = cluster.address.split(":");
    const directory = mkdtempSync(join(tmpdir(), "loom-deaths-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const future = client.submitOne(tasks.run(["/bin/sh", "-c", FOREVER]));
    const failure = future.wait().catch((reason: unknown) => reason);
    const pids: number[] = [];
    for (let life = 0; life < 2; life++) {
      const args = [LOOM, "worker", host, port, "--cpus", "1", "--nopin", "--wdir", directory];
      const worker = spawn(process.execPath, args, { stdio: "ignore" });
      onTestFinished(() => void worker.kill("SIGKILL"));
      pids.push(worker.pid!);
      await until("it runs there", async () => {
        const { tasks: found } = await client.explain(future.id);
        return found[0].state === "assigned" && found[0].started;
      });
      const ended = once(worker, "exit");
      worker.kill("SIGKILL");
      await ended;
      await until("the server knows", async () => (await client.stats()).workers === 0);
    }
    const { message } = (await within("the failure", failure)) as TaskFailed;
    const [first, second] = message.split("\n");
    expect(first).toMatch(
      new RegExp(
        `lost with its worker 2 times, the limit is 1; the last time: worker .* is gone: .*process ${pids[1]} on`,
      ),
    );
    expect(second).toMatch(new RegExp(`^before: worker .* is gone: .*process ${pids[0]} on`));
  });
});
