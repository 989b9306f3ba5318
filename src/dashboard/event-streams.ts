/**
 * Server-sent events for those who look: a `state` and, if anything happened, a `tasks` event each tick. Owns
 * the open streams and the timer, which there are only while somebody looks. A stream whose reader is
 * slow misses ticks, and is told how many; one that takes nothing for long is closed.
 */
import type { ServerResponse } from "node:http";
import { performance } from "node:perf_hooks";
import { VERSION } from "../base/index.js";
import type { LabelCount } from "../server-core/index.js";
import {
  type ClientView,
  countTasks,
  type FailureView,
  MAX_WORKERS,
  type PlanView,
  type RunningView,
  type TaskTotals,
  viewClients,
  viewFailures,
  viewPlans,
  viewRunning,
  viewWaiting,
  viewWorkers,
  type WaitingView,
  type WorkerView,
} from "./cluster-views.js";
import { LiveEvents } from "./live-events.js";
import type { ObservedServer } from "./observed-server.js";

const TICK_MS = 500;
const MAX_STREAMS = 32;
/** With so much that its reader has not taken, a stream misses ticks. */
const MAX_WAITING_BYTES = 1024 * 1024;
const MAX_MISSED_TICKS = 60;
const MAX_FAILURES_TOLD = 100;

interface Stream {
  readonly response: ServerResponse;
  missedTicks: number;
  /** Missed since the last event. */
  missed: number;
}

/** The `state` event: all of it is as at this moment. */
export interface StateEvent {
  /** Since 1970. */
  readonly timeMs: number;
  /** When the server started; another one: another server process. */
  readonly startedMs: number;
  readonly version: string;
  readonly tasks: TaskTotals;
  readonly labels: readonly LabelCount[];
  readonly workers: readonly WorkerView[];
  readonly moreWorkers: number;
  readonly clients: readonly ClientView[];
  readonly plans: { readonly plans: readonly PlanView[]; readonly more: number };
  readonly running: { readonly tasks: readonly RunningView[]; readonly more: number };
  /** Ready tasks that no worker can execute. */
  readonly waitingForWorkers: readonly WaitingView[];
  readonly totalFailures: number;
  /** New ones since the last event, the newest first; in the first event the last ones. */
  readonly failures: readonly FailureView[];
}

export class EventStreams {
  private readonly streams = new Set<Stream>();
  private readonly events: LiveEvents;
  private timer: NodeJS.Timeout | undefined;
  private toldFailures = 0;

  constructor(private readonly server: ObservedServer) {
    this.events = new LiveEvents(server);
  }

  get isFull(): boolean {
    return this.streams.size >= MAX_STREAMS;
  }

  /** Takes over the response; it is to have no headers yet. */
  add(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
    response.writeHead(200, {
      ...headers,
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-store",
    });
    const stream: Stream = { response, missedTicks: 0, missed: 0 };
    response.on("error", () => {}); // "close" follows
    response.on("close", () => this.remove(stream));
    this.streams.add(stream);
    if (this.timer === undefined) this.begin();
    response.write(`retry: 1000\n\n${framed("state", this.state(MAX_FAILURES_TOLD))}`);
  }

  /** Ends all streams. */
  close(): void {
    for (const stream of [...this.streams]) {
      stream.response.end();
      this.remove(stream);
    }
  }

  private begin(): void {
    const { server } = this;
    this.toldFailures = server.failures.total;
    server.taps.tasks = this.events;
    server.sampleWatchers++;
    server.observeWorkers();
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  private remove(stream: Stream): void {
    if (!this.streams.delete(stream) || this.streams.size > 0) return;
    const { server } = this;
    clearInterval(this.timer);
    this.timer = undefined;
    server.taps.tasks = undefined;
    this.events.take();
    server.sampleWatchers--;
    server.observeWorkers();
  }

  private tick(): void {
    const { server } = this;
    const happened = this.events.take();
    const fresh = Math.min(server.failures.total - this.toldFailures, MAX_FAILURES_TOLD);
    this.toldFailures = server.failures.total;
    // One text for all streams.
    const text =
      (happened === undefined ? "" : framed("tasks", happened)) +
      framed("state", this.state(fresh));
    for (const stream of this.streams) this.send(stream, text);
  }

  private send(stream: Stream, text: string): void {
    const { response } = stream;
    if (response.writableLength > MAX_WAITING_BYTES) {
      stream.missed++;
      if (++stream.missedTicks > MAX_MISSED_TICKS) response.destroy();
      return;
    }
    stream.missedTicks = 0;
    if (stream.missed > 0) {
      response.write(framed("missed", { ticks: stream.missed }));
      stream.missed = 0;
    }
    response.write(text);
  }

  private state(failures: number): StateEvent {
    const { server } = this;
    return {
      timeMs: performance.timeOrigin + performance.now(),
      startedMs: performance.timeOrigin + server.startedMs,
      version: VERSION,
      tasks: countTasks(server),
      labels: server.core.labelCounts(),
      workers: viewWorkers(server),
      moreWorkers: Math.max(0, server.workers.size - MAX_WORKERS),
      clients: viewClients(server),
      plans: viewPlans(server),
      running: viewRunning(server),
      waitingForWorkers: viewWaiting(server),
      totalFailures: server.failures.total,
      failures: failures > 0 ? viewFailures(server, failures) : [],
    };
  }
}

/** JSON has no line breaks: one `data` line. */
function framed(event: string, data: object): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
