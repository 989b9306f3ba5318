/** Shapes, classes, labels, and what is learned per class. */
import { describe, expect, test } from "vitest";
import { RequestKinds } from "../../src/scheduler/request-kind.js";
import { TaskClasses } from "../../src/scheduler/task-classes.js";

const kinds = new RequestKinds();
const one = kinds.find([{ cpus: 1, amounts: [] }]);
const two = kinds.find([{ cpus: 2, amounts: [] }]);
const light = kinds.list[0];

describe("TaskClasses", () => {
  test("labels are alike up to their first colon; none, or nothing before the colon, is 0", () => {
    const classes = new TaskClasses();
    const train = classes.label("train");
    expect(train).toBeGreaterThan(0);
    expect(classes.label("train:17")).toBe(train);
    expect(classes.label("train:")).toBe(train);
    expect(classes.label("train:a:b")).toBe(train);
    expect(classes.label("trained")).not.toBe(train);
    expect(classes.label("Train")).not.toBe(train);
    expect(classes.label("")).toBe(0);
    expect(classes.label(":1")).toBe(0);
  });

  test("labels beyond the 4,095th share a class, earlier ones keep theirs", () => {
    const classes = new TaskClasses();
    const numbers = Array.from({ length: 6000 }, (_, i) => classes.label(`l${i}`));
    expect(new Set(numbers).size).toBe(4096);
    expect(new Set(numbers.slice(0, 4095)).size).toBe(4095);
    expect(numbers[4095]).toBe(numbers[5999]);
    expect(classes.label("l7")).toBe(numbers[7]);
    expect(classes.label("l5000")).toBe(numbers[5999]);
  });

  test("a class is a request, a type, a label and a priority; a shape no label", () => {
    const classes = new TaskClasses();
    const first = classes.find(one, 5, 0, 0);
    expect(classes.find(one, 5, 0, 0)).toBe(first);
    const others = [
      classes.find(two, 5, 0, 0),
      classes.find(one, 6, 0, 0),
      classes.find(one, 5, 1, 0),
      classes.find(one, 5, 0, 1),
      classes.find(one, 5, 0, -1),
    ];
    expect(new Set([first, ...others]).size).toBe(6);
    expect(others.map(({ shape }) => shape === first.shape)).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
    expect(classes.list.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("light tasks of another priority are another shape: they wait in queues, not in heaps", () => {
    const classes = new TaskClasses();
    const normal = classes.find(light, 5, 0, 0);
    expect(classes.find(light, 5, 3, 0).shape).toBe(normal.shape);
    expect(classes.find(light, 5, 0, 1).shape).not.toBe(normal.shape);
  });

  test("no rank outweighs a user priority", () => {
    const classes = new TaskClasses();
    const year = 365 * 86_400_000;
    const low = classes.find(one, 5, 0, -1).base;
    const normal = classes.find(one, 5, 0, 0).base;
    const high = classes.find(one, 5, 0, 1).base;
    expect(low + year).toBeLessThan(normal);
    expect(normal + year).toBeLessThan(high);
  });
});

describe("what a class learns", () => {
  test("50 ms until something is measured, then the mean, then a moving average", () => {
    const taskClass = new TaskClasses().find(one, 5);
    expect(taskClass.known).toBe(false);
    expect(taskClass.durationMs).toBe(50);
    taskClass.durations.add(10);
    expect(taskClass.known).toBe(true);
    expect(taskClass.durationMs).toBe(10);
    taskClass.durations.add(20);
    taskClass.durations.add(30);
    expect(taskClass.durationMs).toBeCloseTo(20);
    for (let i = 0; i < 100; i++) taskClass.durations.add(1000);
    expect(taskClass.durationMs).toBeGreaterThan(990);
  });

  test("a light one counts as nearly nothing", () => {
    expect(new TaskClasses().find(light, 5).durationMs).toBeLessThan(0.1);
  });

  test("results in files have a size, but take no memory", () => {
    const taskClass = new TaskClasses().find(one, 5);
    expect(taskClass.resultBytes).toBeUndefined();
    expect(taskClass.memoryBytes).toBe(0);
    taskClass.addSize(1000, false);
    expect(taskClass.resultBytes).toBe(1000);
    expect(taskClass.memoryBytes).toBe(0);
    taskClass.addSize(3000, true);
    expect(taskClass.resultBytes).toBe(2000);
    expect(taskClass.memoryBytes).toBe(1500);
  });
});
