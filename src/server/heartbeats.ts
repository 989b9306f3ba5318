/** Asks each worker now and then whether it is there; one that was not heard of for long is given up. */
import { performance } from "node:perf_hooks";
import type { LoomServer } from "./loom-server.js";

const DEFAULT_TIMEOUT_MS = 30_000;
/** The core counts its own pings from 1. */
const SERIAL = 0;

export class Heartbeats {
  private readonly intervalMs: number;
  private lastCheckMs = 0;

  constructor(
    private readonly server: LoomServer,
    private readonly timeoutMs = DEFAULT_TIMEOUT_MS,
  ) {
    this.intervalMs = Math.max(50, Math.min(5_000, timeoutMs / 4));
  }

  start(): NodeJS.Timeout {
    this.lastCheckMs = performance.now();
    return setInterval(() => this.check(), this.intervalMs);
  }

  private check(): void {
    const { server, intervalMs } = this;
    const nowMs = performance.now();
    // Where this process itself slept (a suspended machine, a long pause), what the workers
    // sent meanwhile has not been read yet: that time does not count.
    const sleptMs = nowMs - this.lastCheckMs - intervalMs;
    this.lastCheckMs = nowMs;
    if (sleptMs > intervalMs) {
      for (const link of server.workers.values()) link.lastHeardMs += sleptMs;
    }
    for (const link of [...server.workers.values()]) {
      const silentMs = nowMs - link.lastHeardMs;
      if (silentMs > this.timeoutMs) {
        server.dropWorker(link, `not heard of for ${(silentMs / 1000).toFixed(1)} s`);
        link.connection.destroy();
      } else {
        server.ping(link.identity.index, SERIAL);
      }
    }
    server.planTurn();
  }
}
