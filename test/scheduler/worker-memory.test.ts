/** What a worker's memory has room for: 70 % of it, less what is there and what will come. */
import { describe, expect, test } from "vitest";
import { WorkerMemory } from "../../src/scheduler/worker-memory.js";

describe("WorkerMemory", () => {
  test("counts what was reported and what is expected", () => {
    const memory = new WorkerMemory(1000);
    expect(memory.hasRoomFor(700)).toBe(true);
    expect(memory.hasRoomFor(701)).toBe(false);
    memory.reported(300);
    memory.expect(1, 200);
    memory.expect(2, 100);
    expect(memory.hasRoomFor(100)).toBe(true);
    expect(memory.hasRoomFor(101)).toBe(false);
    memory.reported(900);
    expect(memory.hasRoomFor(0)).toBe(false);
    memory.reported(0);
    expect(memory.hasRoomFor(400)).toBe(true);
  });

  test("forgets of each task exactly what it expected of it", () => {
    const memory = new WorkerMemory(1000);
    memory.expect(1, 500);
    memory.expect(2, 100);
    memory.expectNoMore(1);
    // Of task 3 nothing was expected.
    memory.expectNoMore(3);
    expect(memory.hasRoomFor(600)).toBe(true);
    expect(memory.hasRoomFor(601)).toBe(false);
    memory.expectNoMore(2);
    memory.expectNoMore(2);
    expect(memory.hasRoomFor(700)).toBe(true);
    expect(memory.hasRoomFor(701)).toBe(false);
  });

  test("has room for everything where its size is not known", () => {
    const memory = new WorkerMemory(Number.POSITIVE_INFINITY);
    memory.reported(1e15);
    memory.expect(1, 1e15);
    expect(memory.hasRoomFor(1e15)).toBe(true);
  });
});
