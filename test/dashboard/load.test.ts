/** A plan of many tasks while somebody looks: what is told is bounded, and adds up. */
import { get, type IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { tasks } from "../../src/client/index.js";
import { MAX_TOLD_TASKS, type TasksEvent } from "../../src/dashboard/live-events.js";
import { until } from "../cluster/test-cluster.js";
import { DashboardCluster } from "./dashboard-cluster.js";

const TASKS = 100_000;

test("every task is told once, one by one or in a sum", async () => {
  await using cluster = await DashboardCluster.start(1, 1);
  const events: TasksEvent[] = [];
  let states = 0;
  let text = "";
  const response = await new Promise<IncomingMessage>((resolve) => {
    get(`${cluster.url}/api/v1/events`, resolve);
  });
  response.on("error", () => {}); // it is cut off at the end
  response.setEncoding("utf8").on("data", (part: string) => {
    text += part;
    const frames = text.split("\n\n");
    text = frames.pop() ?? "";
    for (const frame of frames) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
      if (name === "tasks") events.push(JSON.parse(data));
      if (name === "state") states++;
    }
  });
  await until("the stream has begun", () => states > 0);
  const many = Array.from({ length: TASKS }, (_, i) => tasks.const(String(i)).withLabel("many"));
  await using whole = cluster.client.submitOne(tasks.merge(many).withLabel("whole"));
  await whole.wait();
  const told = () =>
    events.reduce(
      (sum, { finished, shed }) =>
        sum + finished.row.length + shed.reduce((all, one) => all + one.tasks, 0),
      0,
    );
  await until("all has been told", () => told() >= TASKS + 1);
  expect(told()).toBe(TASKS + 1);
  const detailed = events.reduce((sum, { finished }) => sum + finished.row.length, 0);
  expect(detailed).toBeLessThan(TASKS);
  for (const { finished, shed } of events) {
    expect(finished.row.length).toBeLessThanOrEqual(2 * MAX_TOLD_TASKS);
    expect(shed.length).toBeLessThanOrEqual(2);
  }
  expect(events.length).toBeLessThanOrEqual(states + 1);
  response.destroy();
});
