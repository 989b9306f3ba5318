/**
 * Metrics for Prometheus. Made at the first scrape; what has to be counted as it happens (passes, transfers) is
 * counted from then on, while scrapes come. Used by http-app.ts.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { countTasks } from "./cluster-views.js";
import type { ObservedServer } from "./observed-server.js";

/** Without a scrape for so long nobody collects: workers need not measure themselves any more. */
const IDLE_MS = 5 * 60_000;
const PASS_BUCKETS_S = [1e-5, 1e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.5, 1];

export class Metrics {
  private readonly registry = new Registry();
  private readonly passes: Histogram;
  private readonly assigned: Counter;
  private readonly received: Counter;
  private idle: NodeJS.Timeout | undefined;

  constructor(private readonly server: ObservedServer) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.passes = new Histogram({
      name: "loom_scheduling_pass_seconds",
      help: "Durations of scheduling passes while metrics are scraped",
      buckets: PASS_BUCKETS_S,
      registers,
    });
    this.assigned = new Counter({
      name: "loom_assigned_tasks_total",
      help: "Tasks sent to workers while metrics are scraped",
      registers,
    });
    this.received = new Counter({
      name: "loom_transfer_bytes_total",
      help: "Bytes of objects that workers have received from other workers, while metrics are scraped",
      registers,
    });
    this.addGauges(registers);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The text of a scrape. */
  read(): Promise<string> {
    if (this.idle === undefined) this.begin();
    else clearTimeout(this.idle);
    this.idle = setTimeout(() => this.end(), IDLE_MS).unref();
    return this.registry.metrics();
  }

  /** Nothing is collected any more. */
  end(): void {
    if (this.idle === undefined) return;
    clearTimeout(this.idle);
    this.idle = undefined;
    const { taps } = this.server;
    taps.pass = undefined;
    taps.sample = undefined;
    this.server.sampleWatchers--;
    this.server.observeWorkers();
  }

  private begin(): void {
    const { server, passes, assigned, received } = this;
    server.taps.pass = (durationMs, assignedTasks) => {
      passes.observe(durationMs / 1000);
      if (assignedTasks > 0) assigned.inc(assignedTasks);
    };
    server.taps.sample = (_worker, sample) => {
      if (sample.receivedBytes > 0) received.inc(sample.receivedBytes);
    };
    server.sampleWatchers++;
    server.observeWorkers();
  }

  /** Read from the server at each scrape. */
  private addGauges(registers: Registry[]): void {
    const { server } = this;
    const gauge = (name: string, help: string, read: () => number): void => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    };
    new Gauge({
      name: "loom_tasks",
      help: "Tasks of the clients that are connected; labels up to their first colon, 200 at most",
      labelNames: ["label", "state"],
      registers,
      collect() {
        this.reset();
        for (const { label, total, running, finished, failed } of server.core.labelCounts()) {
          const waiting = total - finished - failed - running;
          this.set({ label, state: "waiting" }, waiting);
          this.set({ label, state: "running" }, running);
          this.set({ label, state: "finished" }, finished);
          this.set({ label, state: "failed" }, failed);
        }
      },
    });
    gauge("loom_unfinished_tasks", "Tasks that are not done", () => countTasks(server).unfinished);
    new Counter({
      name: "loom_ended_tasks_total",
      help: "Tasks that have finished or failed since the server started",
      labelNames: ["state"],
      registers,
      collect() {
        const { finished, failed } = countTasks(server);
        this.reset();
        this.inc({ state: "finished" }, finished);
        this.inc({ state: "failed" }, failed);
      },
    });
    gauge("loom_workers", "Workers that are connected", () => server.workers.size);
    gauge("loom_clients", "Clients that are connected", () => server.clients.size);
    gauge("loom_objects", "Results that exist", () => server.core.objectCount);
    gauge("loom_kept_tasks", "Tasks of which anything is kept", () => server.core.taskCount);
    gauge("loom_cpus", "Cores of all workers", () =>
      sumOf(server, (index) => server.workers.get(index)?.identity.cpus ?? 0),
    );
    gauge("loom_queued_tasks", "Tasks sent to workers that have not ended", () =>
      sumOf(server, (index) => {
        const { light, heavy } = server.core.loadOf(index);
        return light + heavy;
      }),
    );
    gauge("loom_running_tasks", "Tasks with a resource request that run", () => {
      return server.core.runningSince.size;
    });
    gauge("loom_unable_tasks", "Ready tasks that no worker present can execute", () =>
      server.core.unableTasks().reduce((sum, { tasks }) => sum + tasks, 0),
    );
    gauge("loom_uptime_seconds", "Since the server started", () => {
      return (performance.now() - server.startedMs) / 1000;
    });
    this.addWorkerGauges(registers);
  }

  private addWorkerGauges(registers: Registry[]): void {
    const { server } = this;
    const samples = (name: string, help: string, read: (worker: number) => number | undefined) => {
      new Gauge({
        name,
        help,
        labelNames: ["worker"],
        registers,
        collect() {
          this.reset();
          for (const [index, { address }] of server.workers) {
            const value = read(index);
            if (value !== undefined && Number.isFinite(value)) this.set({ worker: address }, value);
          }
        },
      });
    };
    const sample = (index: number) => server.workers.get(index)?.lastSample;
    samples("loom_worker_cpus", "Cores of the worker", (index) => {
      return server.workers.get(index)?.identity.cpus;
    });
    samples("loom_worker_queued_tasks", "Tasks sent to the worker that have not ended", (index) => {
      const { light, heavy } = server.core.loadOf(index);
      return light + heavy;
    });
    samples(
      "loom_worker_memory_bytes",
      "Resident memory of the worker and its programs",
      (index) => {
        const last = sample(index);
        return last && last.workerRssBytes + (last.taskRssBytes || 0);
      },
    );
    samples("loom_worker_object_bytes", "Objects in the worker's memory", (index) => {
      return sample(index)?.storeBytes;
    });
  }
}

function sumOf(server: ObservedServer, read: (worker: number) => number): number {
  let sum = 0;
  for (const index of server.workers.keys()) sum += read(index);
  return sum;
}
