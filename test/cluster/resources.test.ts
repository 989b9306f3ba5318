/** Requests, priorities and variants from the client's API to the program that runs. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { tasks } from "../../src/client/index.js";
import { anyOf, cpus, resources } from "../../src/graph/index.js";
import { TestCluster, until, within } from "./test-cluster.js";

const shown = (name: string) => tasks.run(["sh", "-c", `printf %s "$${name}"`]);

it("a request that no worker can satisfy waits for one that can, or is refused", async () => {
  await using cluster = await TestCluster.start({ workers: 1, cpus: 1, resources: { gpus: 0 } });
  const { client } = cluster;
  const notices: string[] = [];
  client.onNotice((text) => notices.push(text));
  const task = shown("CUDA_VISIBLE_DEVICES").withRequest(resources({ gpus: 1 }));
  const [waiting, alsoWaiting] = client.submit([task, shown("x").withCpus(200)]);
  const refused = client.submitOne(task.withLabel("picky"), { whenUnsatisfiable: "refuse" });
  await expect(refused.gather()).rejects.toThrow(
    /^task \d+ "picky" requests 1 gpus, which no connected worker has/,
  );
  expect((await client.stats()).tasks).toBe(2);
  expect(notices).toEqual([
    expect.stringMatching(/^task 0 waits .* no connected worker has 1 gpus: none has any; start/),
    expect.stringMatching(/^task 1 waits .* worker has 200 cpus: the largest has 1; start/),
  ]);
  const { tasks: before } = await client.explain(waiting);
  expect(before).toMatchObject([{ state: "ready", workers: { able: 0 } }]);
  await cluster.addWorker({ cpus: 1, resources: { gpus: ["seven"] } });
  await within("the task", waiting.wait());
  const holder = cluster.workers[1].address;
  const { tasks: after } = await client.explain(waiting);
  expect(after).toMatchObject([{ state: "finished", holders: [holder] }]);
  expect(String(await waiting.gather())).toBe("seven");
  expect(alsoWaiting.status).toBe("pending");
  expect((await client.status()).waitingForWorkers).toEqual([
    { request: "200 cpus", taskType: "loom/run/run", tasks: 1 },
  ]);
  const { text } = await client.explain(alsoWaiting);
  expect(text).toContain("2 workers (");
  expect(text).toContain("can't execute it: each has 1 of 200 cpus");
});

it("tasks that wait are explained while workers come and go; then they run", async () => {
  await using cluster = await TestCluster.start({ workers: 1, cpus: 1, resources: { gpus: 0 } });
  const { client } = cluster;
  client.onNotice(() => {});
  const train = shown("CUDA_VISIBLE_DEVICES")
    .withRequest(resources({ gpus: 1 }))
    .withLabel("train");
  const size = client.submitOne(tasks.size(tasks.merge([train, train])));
  const summary = async () => (await client.explain(size)).tasks[0].summary;
  const problem = 'task 0 "train" is ready, but no connected worker has 1 gpus';
  expect(await summary()).toContain(problem);
  const first = await cluster.addWorker({ cpus: 1, resources: { gpus: ["a"] } });
  await within("the result", size.wait());
  expect((await client.explain("train")).tasks).toMatchObject([{ state: "released" }]);
  expect(await summary()).toMatch(/has finished; its result, 8 bytes, is at the server/);
  cluster.kill(first);
  await until("it is gone", async () => (await client.stats()).workers === 1);
  const again = client.submitOne(train);
  expect((await client.explain(again)).text).toContain(`: none has any; start such a worker`);
  await cluster.addWorker({ cpus: 1, resources: { gpus: ["b"] } });
  expect(String(await within("the second", again.gather()))).toBe("b");
});

it("a task gets the first of its variants that some worker has", async () => {
  const options = { workers: 1, cpus: 4, resources: { gpus: 0, fpgas: 3, mem: "1GiB" } };
  await using cluster = await TestCluster.start(options);
  const fpga = resources({ fpgas: { indices: ["2"] }, mem: "0.5GiB" });
  const futures = cluster.client.submit([
    shown("LOOM_RESOURCES").withRequest(anyOf(resources({ gpus: 1 }), fpga, cpus(4))),
    shown("LOOM_CPUS").withRequest(anyOf(resources({ gpus: 2 }), cpus(3), cpus(2))),
  ]);
  const results = await within("results", cluster.client.gather(futures));
  expect(JSON.parse(String(results[0]))).toMatchObject({
    fpgas: { amount: 1, indices: ["2"] },
    mem: { amount: 2 ** 29 },
  });
  expect(String(results[1])).toBe("3");
});

it("tasks of higher priority run first; estimates change nothing of the results", async () => {
  await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
  const folder = await mkdtemp(join(tmpdir(), "priorities-"));
  try {
    const script = (text: string) => ["sh", "-c", text, "sh", folder];
    const gate = tasks.run(script('touch "$1/on"; until [ -e "$1/gate" ]; do sleep 0.01; done'));
    const first = cluster.client.submitOne(gate.withPriority(100));
    const priorities = [0, -100, 5, 100, -1, 50, 99];
    const notes = priorities.map((priority) =>
      tasks
        .run(script(`echo ${priority} >>"$1/order"`), { priority })
        .withEstimate({ ms: 1000 + priority, bytes: 0 }),
    );
    const others = cluster.client.submit(notes);
    // The server answers in order: it knows all of them when the gate opens.
    await cluster.client.stats();
    await writeFile(join(folder, "gate"), "");
    await within("programs", cluster.client.gather([first, ...others]));
    const order = (await readFile(join(folder, "order"), "utf8")).trim().split("\n").map(Number);
    expect(order).toEqual(priorities.sort((a, b) => b - a));
  } finally {
    await rm(folder, { recursive: true });
  }
});
