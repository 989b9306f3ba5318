/**
 * A real server and real workers in this process, shared by the tests of a file. After each test
 * its clients are closed, and nothing of them may be left at the server: no object, no task.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { type RunningServer, startServer } from "../../src/server/index.js";
import { type RunningWorker, startWorker } from "../../src/worker/index.js";
import { ClassicClient } from "./classic-client.js";
import { waitFor } from "./deadline.js";
import type { PlanBuilder } from "./plan-builder.js";

export interface LogRecord {
  readonly level: number;
  readonly msg: string;
}

export class Cluster {
  /** For files that programs and tests exchange. */
  readonly directory = mkdtempSync(join(tmpdir(), "loom-server-test-"));
  readonly log: LogRecord[] = [];
  readonly workers: RunningWorker[] = [];
  server!: RunningServer;
  private readonly clients: ClassicClient[] = [];
  private readonly logger = pino(
    { level: "debug" },
    new Writable({
      write: (line, _encoding, done) => {
        this.log.push(JSON.parse(String(line)) as LogRecord);
        done();
      },
    }),
  );

  get port(): number {
    return this.server.port;
  }

  async start(cpusOfWorkers: readonly number[]): Promise<void> {
    this.server = await startServer({ port: 0, logger: this.logger });
    for (const cpus of cpusOfWorkers) await this.addWorker(cpus);
  }

  async addWorker(cpus: number): Promise<RunningWorker> {
    const worker = await startWorker({
      serverHost: "127.0.0.1",
      serverPort: this.port,
      cpus,
      workDir: this.directory,
      pin: false,
      logger: this.logger,
    });
    this.workers.push(worker);
    return worker;
  }

  /** A registered client; closed after the test. */
  async client(options: { features?: number } = {}): Promise<ClassicClient> {
    return this.closeAfterTest(await ClassicClient.connect(this.port, options));
  }

  /** A connection that has sent nothing yet; closed after the test. */
  async stranger(stayOpen = false): Promise<ClassicClient> {
    return this.closeAfterTest(await ClassicClient.connectOnly(this.port, stayOpen));
  }

  /** The failure of the plan's only failing task: the one whose id `build` returns. */
  async failureOf(build: (plan: PlanBuilder) => number): Promise<string> {
    const client = await this.client();
    const plan = client.plan();
    const id = build(plan);
    client.submit(plan);
    const failure = await client.failed();
    expect(failure.id).toBe(id);
    expect(this.workers.map(({ address }) => address)).toContain(failure.worker);
    return failure.message;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** The end of the server's and workers' log. */
  dump(): string {
    return `log: ${this.log
      .slice(-40)
      .map(({ level, msg }) => `${level} ${msg}`)
      .join("\n     ")}`;
  }

  /** The server works, for a client that has nothing to do with what happened before. */
  async checkWorks(): Promise<void> {
    const client = await this.client();
    const plan = client.plan();
    const parts = [plan.const("still "), plan.const("alive")];
    const id = plan.result("loom/data/merge", { inputs: parts });
    await client.run(plan);
    const value = await client.fetch(id);
    if (value !== "still alive") throw new Error(`the server answered ${String(value)}`);
    client.close();
  }

  /** Closes the test's clients; nothing of them stays. */
  async endOfTest(): Promise<void> {
    for (const client of this.clients.splice(0)) client.close();
    const probe = await ClassicClient.connect(this.port);
    let last = {};
    try {
      await waitFor(
        async () => {
          const stats = await probe.stats();
          last = stats;
          return stats.clients === 1 && stats.objects === 0 && stats.tasks === 0;
        },
        "nothing is left at the server after a test",
        () => `${JSON.stringify(last)}\n${this.dump()}`,
      );
    } finally {
      probe.close();
    }
    const bugs = this.log.filter(({ msg }) => /internal error|unexpected exception/.test(msg));
    this.log.length = 0;
    if (bugs.length > 0) throw new Error(`bugs in the log: ${JSON.stringify(bugs, null, 2)}`);
  }

  async stop(): Promise<void> {
    for (const worker of this.workers) await worker.close();
    await this.server.close();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private closeAfterTest(client: ClassicClient): ClassicClient {
    this.clients.push(client);
    return client;
  }
}

/** A cluster for all tests of the file. */
export function useCluster(...cpusOfWorkers: number[]): Cluster {
  const cluster = new Cluster();
  beforeAll(() => cluster.start(cpusOfWorkers));
  afterEach(() => cluster.endOfTest());
  afterAll(() => cluster.stop());
  return cluster;
}
