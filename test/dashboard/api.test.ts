/** The API with a real server and real workers: what it tells, and what it does to tasks. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Client, tasks } from "../../src/client/index.js";
import { until } from "../cluster/test-cluster.js";
import { DashboardCluster } from "./dashboard-cluster.js";

/** The API's name of the task. The first client of a server is number 0. */
function named(client: number, { id }: { readonly id: number }): string {
  return `${client}:${id}`;
}

async function running(cluster: DashboardCluster, count: number): Promise<void> {
  await until(`${count} tasks run`, async () => {
    const { json } = await cluster.get("/api/v1/running");
    return json.tasks.length === count;
  });
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "loom-dashboard-test-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const sleep = (label: string) => tasks.run("sleep 1000").withLabel(label);

describe("the API tells of", () => {
  test("cluster, workers, clients, plans, labels and tasks", async () => {
    await using cluster = await DashboardCluster.start(2, 1);
    const { client } = cluster;
    await using done = client.submitOne(tasks.const("abc").withLabel("made: once"));
    await done.wait();
    const sleeping = client.submit([sleep("nap:1"), sleep("nap:2"), sleep("other")]);
    await running(cluster, 2);
    expect((await cluster.get("/health")).json).toEqual({ status: "ok", workers: 2 });
    const status = (await cluster.get("/api/v1/cluster")).json;
    expect(status).toMatchObject({ clients: 1, tasks: { unfinished: 3, finished: 1, failed: 0 } });
    expect(status.dashboard).toBe(cluster.url);
    const { workers } = (await cluster.get("/api/v1/workers")).json;
    expect(workers).toHaveLength(2);
    expect(workers[0]).toMatchObject({ cpus: 1, version: expect.any(String) });
    const { clients } = (await cluster.get("/api/v1/clients")).json;
    expect(clients).toMatchObject([{ client: 0, unfinished: 3, finished: 1, plans: 2 }]);
    const { plans } = (await cluster.get("/api/v1/plans")).json;
    expect(plans.map(({ plan }: { plan: string }) => plan)).toEqual(["0:1", "0:0"]);
    expect(plans[0]).toMatchObject({
      tasks: 3,
      labels: [
        { label: "nap", total: 2 },
        { label: "other", total: 1 },
      ],
    });
    const { labels } = (await cluster.get("/api/v1/labels")).json;
    expect(labels).toHaveLength(3);

    const find = async (query: string): Promise<string[]> => {
      const { json } = await cluster.get(`/api/v1/tasks?${query}`);
      return json.tasks.map(({ task }: { task: string }) => task);
    };
    expect(await find("")).toEqual(["0:0", "0:1", "0:2", "0:3"]);
    expect(await find("label=nap")).toEqual(["0:1", "0:2"]);
    expect(await find("label=nap:2")).toEqual(["0:2"]);
    expect(await find("label=made:%20once&state=finished")).toEqual(["0:0"]);
    expect(await find("label=loom/data/const")).toEqual([]);
    expect(await find("state=running")).toHaveLength(2);
    expect(await find("plan=0:1&client=0")).toHaveLength(3);
    expect(await find("client=7")).toEqual([]);
    const first = (await cluster.get("/api/v1/tasks?limit=3")).json;
    expect(first.tasks).toHaveLength(3);
    expect(await find(`limit=3&after=${first.next}`)).toEqual(["0:3"]);

    const task = (await cluster.get("/api/v1/tasks/0:1")).json;
    expect(task).toMatchObject({ task: "0:1", label: "nap:1", type: "loom/run/run" });
    expect(task.explanation.request).toBe("1 cpu");
    expect((await cluster.get("/api/v1/tasks/0:99")).status).toBe(404);
    for (const future of sleeping) future.release();
  });

  test("failures, with what they wrote to standard error", async () => {
    await using cluster = await DashboardCluster.start(1, 1);
    const html = "<script>alert(1)</script>";
    const failing = tasks.run(["sh", "-c", `echo '${html}' >&2; exit 3`]).withLabel(html);
    await using future = cluster.client.submitOne(failing);
    await expect(future.wait()).rejects.toThrow();
    const { failures, total } = (await cluster.get("/api/v1/failures")).json;
    expect(total).toBe(1);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({
      task: "0:0",
      label: html,
      exitStatus: 3,
      stderr: `${html}\n`,
    });
    const task = (await cluster.get("/api/v1/tasks/0:0")).json;
    expect(task).toMatchObject({
      state: "failed",
      failure: { exitStatus: 3, stderr: `${html}\n` },
    });
  });

  test("metrics, in the format of Prometheus", async () => {
    await using cluster = await DashboardCluster.start(1, 1);
    await using future = cluster.client.submitOne(tasks.const("x").withLabel('a "quoted"\\ one'));
    await future.wait();
    await cluster.get("/metrics");
    await using again = cluster.client.submitOne(tasks.const("y"));
    await again.wait();
    const { text, headers } = await cluster.get("/metrics");
    expect(headers["content-type"]).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(text).toContain('loom_tasks{label="a \\"quoted\\"\\\\ one",state="finished"} 1\n');
    expect(text).toMatch(/^loom_ended_tasks_total\{state="finished"\} 2$/m);
    expect(text).toMatch(/^loom_workers 1$/m);
    expect(text).toMatch(/^loom_cpus 1$/m);
    expect(text).toMatch(/^loom_scheduling_pass_seconds_count [1-9]/m);
    expect(text).toMatch(/^nodejs_eventloop_lag_seconds /m);
    expect(text).toMatch(/^process_resident_memory_bytes /m);
    for (const line of text.trim().split("\n")) {
      expect(line).toMatch(/^(|# (HELP|TYPE) \S+ .*|[a-z0-9_]+(\{.*\})? \S+)$/);
    }
  });
});

describe("the API", () => {
  test("cancels tasks: their futures fail with the reason, others go on", async () => {
    await using cluster = await DashboardCluster.start(1, 2);
    const { client } = cluster;
    const [first, second] = client.submit([sleep("first"), sleep("second")]);
    await running(cluster, 2);
    const failure = expect(first.wait()).rejects.toThrow(/"first".*cancelled from the dashboard/);
    const { json } = await cluster.post("/api/v1/tasks/cancel", {
      tasks: [named(0, first), "0:77", "9:0"],
    });
    expect(json).toEqual({ cancelled: 1, unknown: ["0:77", "9:0"] });
    await failure;
    await running(cluster, 1);
    expect(second.status).toBe("pending");
    const again = await cluster.post("/api/v1/tasks/cancel", { tasks: [named(0, first)] });
    expect(again.json).toEqual({ cancelled: 0, unknown: [] });
    first.release();
    second.release();
  });

  test("cancels plans", async () => {
    await using cluster = await DashboardCluster.start(1, 1);
    const { client } = cluster;
    const futures = client.submit(Array.from({ length: 50 }, (_, i) => sleep(`all:${i}`)));
    await using other = client.submitOne(tasks.const("other"));
    const failures = futures.map((future) =>
      expect(future.wait()).rejects.toThrow(/cancelled from the dashboard, with all of its plan/),
    );
    // The plan and the request to cancel it come over two connections.
    await client.stats();
    const { json } = await cluster.post("/api/v1/plans/cancel", { plan: named(0, futures[0]) });
    expect(json).toEqual({ cancelled: 50 });
    await Promise.all(failures);
    await other.wait();
    const unknown = await cluster.post("/api/v1/plans/cancel", { plan: "0:1" });
    expect(unknown.status).toBe(404);
    for (const future of futures) future.release();
  });

  test("has failed tasks executed again: who holds their results gets them", async () => {
    await using cluster = await DashboardCluster.start(1, 1);
    const path = join(folder(), "input.txt");
    const read = tasks.run(["cat", path]).withLabel("read");
    const both = tasks.merge([read, tasks.const("!")]);
    const { client } = cluster;
    const [part, whole] = client.submit([read, both]);
    await expect(part.wait()).rejects.toThrow(/read/);
    await expect(whole.wait()).rejects.toThrow(/read/);
    writeFileSync(path, "there now");
    const { json, status } = await cluster.post("/api/v1/tasks/retry", { task: named(0, part) });
    expect({ json, status }).toEqual({ json: { retried: 2 }, status: 200 });
    await until("the future is finished", () => whole.status === "finished");
    expect(String(await whole.gather())).toBe("there now!");
    expect(String(await part.gather())).toBe("there now");
    expect((await cluster.get("/api/v1/cluster")).json.tasks).toMatchObject({ failed: 0 });
  });

  test("says why a task can't be retried", async () => {
    await using cluster = await DashboardCluster.start(1, 1);
    await using done = cluster.client.submitOne(tasks.const("x"));
    await done.wait();
    const answer = await cluster.post("/api/v1/tasks/retry", { task: "0:0" });
    expect(answer.status).toBe(409);
    expect(answer.json).toEqual({ error: "task 0:0 can't be retried: it has not failed" });
    expect((await cluster.post("/api/v1/tasks/retry", { task: "0:5" })).status).toBe(404);
  });

  test("a retry that fails again is a failure as the first one", async () => {
    await using cluster = await DashboardCluster.start(1, 1);
    await using future = cluster.client.submitOne(tasks.run(["sh", "-c", "exit 7"]));
    await expect(future.wait()).rejects.toThrow(/7/);
    await cluster.post("/api/v1/tasks/retry", { task: "0:0" });
    await until("it has failed again", async () => {
      return (await cluster.get("/api/v1/failures")).json.total === 2;
    });
    await expect(future.fetch()).rejects.toThrow(/7/);
  });
});

test("clients of other connections are left alone by a client's number", async () => {
  await using cluster = await DashboardCluster.start(1, 1);
  const other: Client = await cluster.cluster.connect();
  await using future = other.submitOne(sleep("mine"));
  await running(cluster, 1);
  const wrong = await cluster.post("/api/v1/tasks/cancel", { tasks: [named(0, future)] });
  expect(wrong.json).toEqual({ cancelled: 0, unknown: ["0:0"] });
  const right = await cluster.post("/api/v1/tasks/cancel", { tasks: [named(1, future)] });
  expect(right.json.cancelled).toBe(1);
});
