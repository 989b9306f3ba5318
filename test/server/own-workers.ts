/**
 * Scripted workers that offer a task type of their own, "test/own", beside a real worker; and a client
 * that submits such tasks. For tests of workers that misbehave: after each one only the real worker is
 * left, and works.
 */
import { afterEach, beforeEach, expect } from "vitest";
import type { ClassicClient } from "./classic-client.js";
import { type Cluster, useCluster } from "./cluster.js";
import { waitFor } from "./deadline.js";
import { ScriptedWorker, type workerRegister } from "./scripted-worker.js";

export type RegisterInit = NonNullable<Parameters<typeof workerRegister>[0]>;

export class OwnWorkers {
  /** Of this test. */
  client!: ClassicClient;
  private readonly workers: ScriptedWorker[] = [];

  constructor(readonly cluster: Cluster) {}

  /** A scripted worker; closed after the test. */
  async join(init: RegisterInit = {}): Promise<ScriptedWorker> {
    const worker = await ScriptedWorker.join(this.cluster.port, init);
    this.workers.push(worker);
    return worker;
  }

  /** Submits a task that only scripted workers can execute; its result is wanted. */
  submit(config = "", inputs: number[] = []): number {
    const plan = this.client.plan();
    const id = plan.result("test/own", { config, inputs });
    this.client.submit(plan);
    return id;
  }

  async beginTest(): Promise<void> {
    // Makes sure that the type is in the dictionary.
    const first = await this.join();
    first.close();
    this.client = await this.cluster.client();
    await waitFor(async () => (await this.client.stats()).workers === 1, "it is gone");
  }

  async endTest(): Promise<void> {
    for (const worker of this.workers.splice(0)) {
      worker.close();
      expect(worker.broken).toBeUndefined();
    }
    await this.cluster.checkWorks();
    const probe = await this.cluster.client();
    await waitFor(async () => (await probe.stats()).workers === 1, "only the real worker is left");
  }
}

/** For all tests of the file. */
export function useOwnWorkers(): OwnWorkers {
  const own = new OwnWorkers(useCluster(1));
  beforeEach(() => own.beginTest());
  afterEach(() => own.endTest());
  return own;
}
