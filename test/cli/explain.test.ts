/** `loom explain`, what `loom status` and `loom run` say of tasks that nobody can execute. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Client, cpus, resources, tasks } from "../../src/index.js";
import { CliProcess, runCli } from "./cli-process.js";

let folder: string;
let server: CliProcess;
let worker: CliProcess;
let address: string;
let workerAddress: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "loom-cli-"));
  server = new CliProcess(["server", "--port", "0"]);
  address = await server.ready();
  const flags = ["--cpus", "2", "--resource", "gpus=2", "--wdir", folder, "--nopin"];
  worker = new CliProcess(["worker", address, ...flags]);
  workerAddress = await worker.ready();
});

afterAll(async () => {
  await runCli(["stop", address]);
  await Promise.all([server.finished, worker.finished]);
  rmSync(folder, { recursive: true });
});

async function connect(): Promise<{ client: Client; notices: string[] }> {
  const client = await Client.connect(address);
  const notices: string[] = [];
  client.onNotice((text) => notices.push(text));
  return { client, notices };
}

const PROBLEM = "no connected worker has 8 gpus: the largest has 2";

describe("loom explain", () => {
  it("says why a task waits; loom status counts such tasks", async () => {
    const { client, notices } = await connect();
    const train = tasks
      .run("true")
      .withRequest(resources({ gpus: 8 }))
      .withLabel("train");
    const [first] = client.submit([train, tasks.merge([train]), tasks.const("x")]);
    const summary = `task 0 "train" is ready, but ${PROBLEM}; start such a worker, or release the result to cancel it`;
    const text = [
      summary,
      "  type loom/run/run; asks for 8 gpus",
      "  from its start to the end of what needs it: about 50 ms",
      `  1 worker (${workerAddress}) can't execute it: it has 2 of 8 gpus`,
      "",
    ].join("\n");
    const expected = { code: 0, stdout: text, stderr: "" };
    expect(await runCli(["explain", "train", "--server", address])).toMatchObject(expected);
    const env = { LOOM_SERVER: address };
    expect(await runCli(["explain", "0"], { env })).toMatchObject(expected);
    const { stdout } = await runCli(["explain", "0", "--json"], { env });
    const explanation = JSON.parse(stdout);
    expect(explanation).toEqual({ ...(await client.explain(first)), query: "0" });
    expect(explanation.tasks).toMatchObject([{ state: "ready", summary, workers: { able: 0 } }]);
    const { client: number } = explanation.tasks[0];
    const waiting = await runCli(["explain", `${number}:1`, `--server=${address}`]);
    expect(waiting.stdout).toMatch(`task 1 waits for its input; ${summary}\n`);
    const status = await runCli(["status", address]);
    expect(status.stdout).toContain(
      "\nNo worker can execute: 1 of type loom/run/run with 8 gpus\nWORKER ",
    );
    expect((await client.status()).waitingForWorkers).toEqual([
      { request: "8 gpus", taskType: "loom/run/run", tasks: 1 },
    ]);
    expect(notices).toEqual([
      `task 0 "train" waits for a worker that can execute it, as ${PROBLEM}; start one, or release its result to cancel it`,
    ]);
    await client.close();
    expect((await runCli(["status", address])).stdout).not.toContain("No worker");
  });

  it("explains all that match", async () => {
    const { client } = await connect();
    const { client: other } = await connect();
    const held = [client, other].flatMap((one) =>
      one.submit([tasks.const("a").withLabel("a").withRequest(cpus(3))]),
    );
    for (const one of [client, other]) await one.stats();
    const { stdout } = await runCli(["explain", "a", "--server", address]);
    expect(stdout).toMatch(/^client \d+, task 0 "a" is ready.*\n( {2}.*\n)+client \d+, task 0 "a"/);
    expect(held).toHaveLength(2);
    await client.close();
    await other.close();
  });

  it("an unknown task is one clear line", async () => {
    expect(await runCli(["explain", "nothing", "--server", address])).toMatchObject({
      code: 1,
      stdout: "",
      stderr:
        'loom explain: no task has the id or label "nothing"; plans of which no result is held any more are forgotten\n',
    });
  });
});

describe("loom run", () => {
  it("shows the notice, once, on standard error", async () => {
    const path = join(folder, "script.mjs");
    writeFileSync(
      path,
      `import { Client, cpus, tasks } from "hyperloom";
       const client = await Client.connect();
       const task = tasks.run("true").withRequest(cpus(3));
       const first = client.submit([task.withLabel("one"), task]);
       const second = client.submit([task.withLabel("two")]);
       await client.stats();
       await client.close();
       // Tasks whose futures are garbage are cancelled.
       if (first.length + second.length !== 3) process.exit(3);`,
    );
    const { code, stderr } = await runCli(["run", path, "--server", address]);
    expect(code).toBe(0);
    const lines = stderr.split("\n").filter((line) => line.includes("LoomWarning"));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("LoomWarning: HyperLoom server 127.0.0.1:");
    expect(lines[0]).toMatch(
      /2 tasks, the first is task 0 "one", wait for a worker .* has 3 cpus: the largest has 2; start one, /,
    );
    const logged = await server.waitFor("the line in its log", ({ stderr }) => {
      const lines = stderr.split("\n").filter((line) => line.includes('task 0 \\"one\\"'));
      return lines.length > 0 ? lines : undefined;
    });
    expect(logged).toHaveLength(1);
    expect(JSON.parse(logged[0])).toMatchObject({ level: 40 });
  });
});
