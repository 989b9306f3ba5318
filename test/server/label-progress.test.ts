/** PROGRESS by label, on the wire. */
import { existsSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { LabelProgress } from "../../src/protocol/generated/loom_pb.js";
import { Answer, type ClassicClient } from "./classic-client.js";
import { useCluster } from "./cluster.js";
import { waitFor } from "./deadline.js";

const cluster = useCluster(2);

type Counts = Pick<LabelProgress, "name" | "total" | "running" | "finished" | "failed">;

function plain(labels: readonly LabelProgress[]): Counts[] {
  return labels.map(({ name, total, running, finished, failed }) => {
    return { name, total, running, finished, failed };
  });
}

/** The next PROGRESS in which `isIt` holds; those before are put together with it, by label. */
async function progressUntil(client: ClassicClient, isIt: (done: number) => boolean) {
  const labels = new Map<string, Counts>();
  for (;;) {
    const { message } = await client.take(Answer.PROGRESS);
    for (const each of plain(message.labels)) labels.set(each.name, each);
    const { nFinished, nFailed, nUnfinished } = message;
    if (isIt(nFinished + nFailed)) {
      return { counts: [nFinished, nUnfinished, nFailed], labels: [...labels.values()], message };
    }
  }
}

describe("PROGRESS", () => {
  it("has all labels at first, then those that change; the last comes before the last result", async () => {
    const client = await cluster.client({ features: 3 });
    const [ready, go] = [cluster.path("ready"), cluster.path("go")];
    const plan = client.plan();
    plan.result("loom/data/const", { config: "x" });
    const bad = plan.shell("exit 3", { label: "bad: 1", cpus: 1 });
    const slow = plan.shell(`touch ${ready}; while [ ! -e ${go} ]; do :; done`, {
      label: "slow: 1",
      cpus: 1,
    });
    client.submit(plan);
    await waitFor(() => existsSync(ready), "the program runs");
    const isTold = (done: number) => done === 2;
    const first = await progressUntil(client, isTold);
    expect(first.counts).toEqual([1, 1, 1]);
    expect(first.labels.map(({ name }) => name)).toEqual(["loom/data/const", "bad", "slow"]);
    expect(first.labels[1]).toMatchObject({ total: 1, running: 0, failed: 1 });
    expect(first.labels[2]).toMatchObject({ total: 1, running: 1, finished: 0 });
    writeFileSync(go, "");
    const last = await client.takeIf(
      ({ message: { type, ids, nUnfinished } }) =>
        (type === Answer.PROGRESS && nUnfinished === 0) ||
        (type === Answer.FINISHED_MANY && ids.includes(slow)),
      "the end of the program, or the news that nothing is left",
    );
    expect(last.message.type).toBe(Answer.PROGRESS);
    expect(plain(last.message.labels)).toEqual([
      { name: "slow", total: 1, running: 0, finished: 1, failed: 0 },
    ]);
    expect(bad).toBe(1);
  });

  it("tells of labels whose tasks were all cancelled", async () => {
    const client = await cluster.client({ features: 3 });
    const plan = client.plan();
    const id = plan.shell("while true; do :; done", { label: "endless", cpus: 1 });
    client.submit(plan);
    await client.takeIf(
      ({ message: { labels } }) => labels.some(({ running }) => running === 1),
      "the task to run",
    );
    client.release(id);
    const { message } = await client.takeIf(
      ({ message: { type, nUnfinished } }) => type === Answer.PROGRESS && nUnfinished === 0,
      "the end",
    );
    expect(plain(message.labels)).toEqual([
      { name: "endless", total: 0, running: 0, finished: 0, failed: 0 },
    ]);
  });

  it.each([1, 2])("has no labels for clients with %i features", async (features) => {
    const client = await cluster.client({ features });
    const plan = client.plan();
    plan.shell("true", { label: "a", cpus: 1 });
    client.submit(plan);
    const { counts, message } = await progressUntil(client, (done) => done === 1);
    expect(counts).toEqual([1, 0, 0]);
    expect(message.labels).toEqual([]);
  });
});
