/** What is told of tasks while somebody looks: how much, and that nothing is collected when nobody does. */
import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EventStreams } from "../../src/dashboard/event-streams.js";
import { LiveEvents, MAX_TOLD_TASKS } from "../../src/dashboard/live-events.js";
import type { ObservedServer } from "../../src/dashboard/observed-server.js";
import { SymbolDictionary } from "../../src/server/symbol-dictionary.js";
import { FakeCluster } from "../server-core/fake-cluster.js";

interface Event {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: read by the tests
  readonly data: any;
}

/** A response that keeps what is written, as if its reader took nothing, or all at once. */
class FakeResponse extends EventEmitter {
  events: Event[] = [];
  writableLength = 0;
  isSlow = false;
  destroyed = false;

  writeHead(): void {}

  write(text: string): void {
    if (this.isSlow) this.writableLength += text.length;
    for (const frame of text.split("\n\n")) {
      const match = /^event: (\w+)\ndata: (.*)$/.exec(frame);
      if (match !== null) this.events.push({ name: match[1], data: JSON.parse(match[2]) });
    }
  }

  end(): void {
    this.emit("close");
  }

  destroy(): void {
    this.destroyed = true;
    this.emit("close");
  }

  take(name: string): Event["data"][] {
    const found = this.events.filter((event) => event.name === name);
    this.events = this.events.filter((event) => event.name !== name);
    return found.map(({ data }) => data);
  }
}

function observed(cluster: FakeCluster): ObservedServer & { observations: number } {
  return {
    core: cluster.core,
    symbols: new SymbolDictionary(),
    workers: new Map(),
    clients: new Map(),
    past: { finished: 0, failed: 0 },
    failures: { total: 0, list: () => [] },
    startedMs: 0,
    isStopping: false,
    taps: { tasks: undefined, pass: undefined, sample: undefined },
    sampleWatchers: 0,
    observations: 0,
    observeWorkers() {
      this.observations++;
    },
    status: () => "{}",
    planTurn: () => {},
  };
}

/** A cluster with one worker, at which so many tasks are. */
function withTasks(count: number, label = "some:label", cpus = 0): FakeCluster {
  const cluster = new FakeCluster();
  cluster.checked = false;
  cluster.client(0);
  cluster.join(count);
  cluster.submit(
    0,
    0,
    Array.from({ length: count }, () => ({ inputs: [], label, cpus, result: true })),
  );
  while (cluster.workers.get(0)!.tasks.size < count) cluster.schedule();
  return cluster;
}

function add(streams: EventStreams): FakeResponse {
  const response = new FakeResponse();
  streams.add(response as unknown as ServerResponse, {});
  return response;
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("an event stream", () => {
  test("begins with the state; nothing is collected before the first and after the last", () => {
    const server = observed(new FakeCluster());
    const streams = new EventStreams(server);
    expect(vi.getTimerCount()).toBe(0);
    expect(server.taps.tasks).toBeUndefined();
    const first = add(streams);
    const second = add(streams);
    expect(first.take("state")).toHaveLength(1);
    expect(server.taps.tasks).toBeDefined();
    expect(server.sampleWatchers).toBe(1);
    vi.advanceTimersByTime(1000);
    expect(first.take("state")).toHaveLength(2);
    first.end();
    expect(server.taps.tasks).toBeDefined();
    second.end();
    expect(server.taps.tasks).toBeUndefined();
    expect({ watchers: server.sampleWatchers, timers: vi.getTimerCount() }).toEqual({
      watchers: 0,
      timers: 0,
    });
    // One call when somebody comes, one when nobody is left.
    expect(server.observations).toBe(2);
  });

  test("tells a slow reader how many ticks it missed, and gives up one that takes nothing", () => {
    const streams = new EventStreams(observed(new FakeCluster()));
    const slow = add(streams);
    const quick = add(streams);
    slow.writableLength = 2 ** 21;
    vi.advanceTimersByTime(3 * 500);
    expect(slow.take("state")).toHaveLength(1);
    slow.writableLength = 0;
    vi.advanceTimersByTime(500);
    expect(slow.take("missed")).toEqual([{ ticks: 3 }]);
    expect(slow.take("state")).toHaveLength(1);
    slow.writableLength = 2 ** 21;
    vi.advanceTimersByTime(60_000);
    expect(slow.destroyed).toBe(true);
    expect(quick.destroyed).toBe(false);
    expect(quick.take("missed")).toEqual([]);
    streams.close();
  });

  test("is refused to the 33rd", () => {
    const streams = new EventStreams(observed(new FakeCluster()));
    for (let i = 0; i < 32; i++) {
      expect(streams.isFull).toBe(false);
      add(streams);
    }
    expect(streams.isFull).toBe(true);
    streams.close();
    expect(streams.isFull).toBe(false);
  });
});

describe("tasks", () => {
  test("are told one by one, with what is known of them", () => {
    const cluster = withTasks(2);
    const events = new LiveEvents(observed(cluster));
    const [first, second] = [...cluster.workers.get(0)!.tasks.keys()];
    events.taskStarted(0, first);
    events.taskFinished(0, second, 1500, 77);
    const told = events.take();
    expect(told).toMatchObject({
      groups: ["some"],
      types: ["loom/data/merge"],
      started: { row: [first], client: [0], id: [0], worker: [0], label: ["some:label"] },
      finished: { row: [second], id: [1], sizeBytes: [77], group: [0], type: [0] },
      shed: [],
    });
    const { startMs, endMs } = told!.finished;
    expect(endMs[0] - startMs[0]).toBeCloseTo(1.5, 1);
    expect(events.take()).toBeUndefined();
  });

  test("are summed up by worker and label when there are too many", () => {
    const cluster = withTasks(MAX_TOLD_TASKS + 500);
    const events = new LiveEvents(observed(cluster));
    for (const row of cluster.workers.get(0)!.tasks.keys()) events.taskFinished(0, row, 2000, 1);
    const told = events.take();
    expect(told?.finished.row).toHaveLength(MAX_TOLD_TASKS);
    expect(told?.shed).toEqual([{ worker: 0, group: "some", tasks: 500, durationMs: 1000 }]);
    // The next tick has room again.
    const [row] = cluster.workers.get(0)!.tasks.keys();
    events.taskFinished(0, row, 2000, 1);
    expect(events.take()).toMatchObject({ finished: { id: [0] }, shed: [] });
  });

  test("whose start was told have room of their own", () => {
    const cluster = withTasks(MAX_TOLD_TASKS + 10);
    cluster.submit(0, MAX_TOLD_TASKS + 10, [{ inputs: [], cpus: 1, label: "heavy", result: true }]);
    cluster.schedule();
    const events = new LiveEvents(observed(cluster));
    const rows = [...cluster.workers.get(0)!.tasks.keys()];
    const heavy = rows.at(-1)!;
    cluster.start(0, heavy);
    for (const row of rows) events.taskFinished(0, row, 1000, 1);
    const told = events.take()!;
    expect(told.finished.label.at(-1)).toBe("heavy");
    expect(told.shed).toMatchObject([{ tasks: 10 }]);
  });

  test("that log too much: lines are counted", () => {
    const cluster = withTasks(1);
    const events = new LiveEvents(observed(cluster));
    const [row] = cluster.workers.get(0)!.tasks.keys();
    for (let i = 0; i < 1000; i++) events.taskLogged(0, row, 2, "x".repeat(10_000));
    const told = events.take()!;
    expect(told.log.length + told.shedLines).toBe(1000);
    expect(JSON.stringify(told).length).toBeLessThan(500_000);
  });
});
