/** What tests of explanations have in common. */
import { expect } from "vitest";
import type { Explanation, TaskExplanation } from "../../src/protocol/index.js";
import { FakeCluster, type TestTask } from "./fake-cluster.js";

export const LARGE = 1_000_000;

export const task = (inputs: number[], more: Partial<TestTask> = {}): TestTask => ({
  inputs,
  ...more,
});

export const result = (inputs: number[], more: Partial<TestTask> = {}): TestTask =>
  task(inputs, { ...more, result: true });

/** A request for some gpus, or for particular ones. */
export const gpus = (count: number | readonly string[]) => ({
  request: { amounts: { gpus: count } },
});

export function newCluster(sizeBytes = LARGE): FakeCluster {
  const cluster = new FakeCluster(5, () => sizeBytes);
  cluster.client(0);
  return cluster;
}

export function explain(cluster: FakeCluster, query: string): Explanation {
  const answer = cluster.core.explain(query);
  if (typeof answer === "string") throw new Error(answer);
  // As clients get it.
  return JSON.parse(JSON.stringify(answer)) as Explanation;
}

/** The only task that is meant, which must be in that state. */
export function explainOne<S extends TaskExplanation["state"]>(
  cluster: FakeCluster,
  query: string,
  state: S,
): Extract<TaskExplanation, { state: S }> {
  const { tasks, more, complete, text } = explain(cluster, query);
  expect({ states: tasks.map((one) => one.state), more, complete }).toEqual({
    states: [state],
    more: 0,
    complete: true,
  });
  const { summary, details } = tasks[0];
  expect(text).toBe([summary, ...details.map((line) => `  ${line}`)].join("\n"));
  expect(text.split("\n").every((line) => line.length < 2000)).toBe(true);
  return tasks[0] as Extract<TaskExplanation, { state: S }>;
}
