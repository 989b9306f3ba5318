/**
 * A workload executed by the production cores on virtual time: the loop over what happens, faults,
 * and the report. Everything is deterministic: the same options give the same report.
 */
import { AssignedTask } from "./assigned-task.js";
import { type Costs, DEFAULT_COSTS } from "./costs.js";
import { Rank } from "./event-queue.js";
import { type Fault, type FaultRate, RandomFaults } from "./faults.js";
import { Fetches } from "./fetches.js";
import { lowerBounds } from "./lower-bound.js";
import { makeReport } from "./make-report.js";
import { ModelledServer } from "./modelled-server.js";
import { ModelledWorker, type WorkerSurroundings } from "./modelled-worker.js";
import type { Information } from "./plan-columns.js";
import type { SimulationReport } from "./report.js";
import { Runs } from "./runs.js";
import { EventKind, SimulationCore } from "./simulation-core.js";
import type { WorkerSpec } from "./worker-spec.js";
import type { Workload } from "./workload.js";

export interface SimulationOptions {
  readonly workload: Workload;
  readonly workers: readonly WorkerSpec[];
  /** What a worker can send, and receive, at once; infinity is allowed. */
  readonly bytesPerMs: number;
  readonly costs?: Costs;
  /** What the plan says of durations and sizes. Default: none. */
  readonly information?: Information;
  readonly faults?: readonly Fault[];
  readonly faultRate?: FaultRate;
  /**
   * The simulation ends then at the latest. Default: never, with faults after {@link MAX_RATIO} times the
   * lower bound (and an hour): when workers die faster than work is done, it never is.
   */
  readonly untilMs?: number;
  /** A real clock, to measure the server core by; the report does not depend on it. */
  readonly clock?: () => number;
  /** Called after every event, for checks. */
  readonly afterEvent?: (simulation: Simulation) => void;
  /** Called at the end. */
  readonly afterRun?: (simulation: Simulation) => void;
}

/** The server looks around so often even if nothing has happened. */
const TICK_MS = 200;
/**
 * Where nothing happens for long it does so after this share of the time without anything: a task of a year takes
 * a thousand looks, not a hundred million. Up to 20 s it makes no difference.
 */
const TICK_SHARE = 0.01;
/** Later than that a tick would be lost in the rounding of the time itself. */
const TICK_ROUNDING = 1e-12;
const MAX_RATIO = 100;
const HOUR_MS = 3_600_000;
/** So many times without anything: nothing will ever happen. */
const TICKS_TO_GIVE_UP = 50;

/**
 * Simulates and reports.
 *
 * @example
 * const report = simulate({
 *   workload: generate("fanout:1000,ms=100", 1),
 *   workers: readWorkers("8x4", "workers"),
 *   bytesPerMs: 1e6,
 * });
 */
export function simulate(options: SimulationOptions): SimulationReport {
  const simulation = new Simulation(options);
  simulation.run();
  options.afterRun?.(simulation);
  return simulation.report();
}

export class Simulation {
  readonly core: SimulationCore;
  readonly server: ModelledServer;
  readonly workers: ModelledWorker[] = [];
  readonly fetches: Fetches;
  events = 0;
  private readonly around: WorkerSurroundings;
  private readonly random: RandomFaults | undefined;
  private readonly faults: Fault[] = [];
  private turnPlanned = false;
  private lastTurnMs = 0;
  /** The server's next turn was planned by the tick of this time, which is followed by another one; -1: by none. */
  private tickMs = -1;
  /** When something happened last, other than that the server looked around. */
  private activeMs = 0;
  private quietTicks = 0;
  private finishedMs: number | undefined;
  private reason: string | undefined;

  constructor(private readonly options: SimulationOptions) {
    const { workload, workers, bytesPerMs, clock } = options;
    this.core = new SimulationCore(workload, options.costs ?? DEFAULT_COSTS, bytesPerMs);
    this.server = new ModelledServer(this.core, clock);
    this.fetches = new Fetches(this.core, this.workers);
    this.around = {
      simulation: this.core,
      server: this.server,
      fetches: this.fetches,
      runs: new Runs(this.core),
      record: new AssignedTask(),
    };
    for (const spec of workers) this.join(spec);
    for (const fault of options.faults ?? []) this.planFault(fault);
    if (options.faultRate !== undefined) {
      this.random = new RandomFaults(options.faultRate);
      this.planRandomFault();
    }
  }

  /** Goes on until all tasks are finished, nothing can happen any more, or time is over. */
  run(): void {
    const { core, server } = this;
    const { queue, network, time } = core;
    const untilMs = this.options.untilMs ?? this.defaultUntilMs();
    server.submit(this.options.workload, this.options.information ?? "none");
    if (server.core.hasOpenTasks) this.planTurn();
    else this.finishedMs = 0;
    queue.add(TICK_MS, Rank.server, EventKind.serverTick, 0, 0);
    while (this.finishedMs === undefined) {
      let nextMs = Math.min(queue.nextTimeMs, network.nextEndMs);
      if (network.stale && nextMs > core.nowMs) {
        network.share(core.nowMs);
        nextMs = Math.min(queue.nextTimeMs, network.nextEndMs);
      }
      if (nextMs > untilMs) {
        this.reason = `the time to simulate (${untilMs / 1000} s) is over`;
        core.nowMs = untilMs;
        time.advance(untilMs);
        break;
      }
      core.nowMs = nextMs;
      time.advance(nextMs);
      this.events++;
      if (network.nextEndMs === nextMs) {
        this.activeMs = nextMs;
        this.fetches.sent();
      } else this.handleEvent();
      this.options.afterEvent?.(this);
      if (this.reason !== undefined) break;
    }
    for (const worker of this.workers) worker.stop();
  }

  report(): SimulationReport {
    return makeReport(this, this.finishedMs, this.reason);
  }

  private handleEvent(): void {
    const { core, workers, fetches } = this;
    const { queue } = core;
    queue.next();
    const { kind, a, b } = queue;
    if (kind !== EventKind.serverTick && kind !== EventKind.serverTurn) this.activeMs = core.nowMs;
    switch (kind) {
      case EventKind.toServer:
        this.server.receive(a, b);
        this.planTurn();
        break;
      case EventKind.toWorker:
        workers[a].receive(b);
        break;
      case EventKind.serverTurn:
        this.serverTurn();
        break;
      case EventKind.serverTick:
        this.serverTick();
        break;
      case EventKind.workerTurn:
        workers[a].turn();
        break;
      case EventKind.runEnd: {
        const run = this.around.runs.find(a, b);
        run?.worker.runEnded(run);
        break;
      }
      case EventKind.fetchAsked:
        fetches.asked(a, b);
        break;
      case EventKind.fetchDone:
      case EventKind.fetchFailed:
        fetches.arrived(a, b, kind === EventKind.fetchFailed);
        break;
      case EventKind.fault:
        if (a === -1) this.randomFault();
        else this.carryOut(this.faults[a]);
        break;
      case EventKind.workerGone:
        this.server.workerGone(a);
        this.planTurn();
        break;
    }
  }

  // The server.

  private planTurn(): void {
    if (this.turnPlanned) return;
    this.turnPlanned = true;
    const { queue, nowMs } = this.core;
    const atMs = Math.max(nowMs, this.server.busyUntilMs);
    queue.add(atMs, Rank.server, EventKind.serverTurn, 0, 0);
  }

  private serverTurn(): void {
    const { server, core } = this;
    this.turnPlanned = false;
    this.lastTurnMs = core.nowMs;
    const { effects, more } = server.turn(core.nowMs);
    if (effects > 0) {
      this.quietTicks = 0;
      this.activeMs = core.nowMs;
    }
    if (more) this.planTurn();
    if (this.tickMs >= 0) this.planTick(this.tickMs);
    if (!server.core.hasOpenTasks) this.finish();
  }

  private finish(): void {
    this.finishedMs = this.server.busyUntilMs;
    this.core.nowMs = this.finishedMs;
    this.core.time.advance(this.finishedMs);
  }

  private defaultUntilMs(): number {
    if (this.random === undefined && this.faults.length === 0) return Number.POSITIVE_INFINITY;
    const specs = this.workers.map(({ spec }) => spec);
    return HOUR_MS + MAX_RATIO * lowerBounds(this.options.workload, specs).ms;
  }

  private serverTick(): void {
    const { core, workers } = this;
    // A fault at random would go on for ever; those that are given are waited for.
    const waiting = this.random === undefined ? 0 : 1;
    const quiet = core.queue.size <= waiting && core.network.nextEndMs === Number.POSITIVE_INFINITY;
    if (quiet && ++this.quietTicks > TICKS_TO_GIVE_UP) {
      const alive = workers.filter((worker) => worker.alive).length;
      const { unableNotice } = this.server;
      this.reason = `nothing happens any more: ${alive} workers wait, and tasks are open that the scheduler gives to none of them${unableNotice === "" ? "" : ` (${unableNotice})`}`;
      return;
    }
    const nextMs = this.lastTurnMs + TICK_MS;
    if (nextMs <= core.nowMs) {
      this.planTurn();
      this.tickMs = core.nowMs;
    } else {
      core.queue.add(nextMs, Rank.server, EventKind.serverTick, 0, 0);
    }
  }

  /** Plans the tick after that of `tickMs`, whose turn is over: it is known now whether that changed anything. */
  private planTick(tickMs: number): void {
    const { queue, network, nowMs } = this.core;
    this.tickMs = -1;
    const idleMs = nowMs - this.activeMs;
    const intervalMs = Math.max(TICK_MS, idleMs * TICK_SHARE, nowMs * TICK_ROUNDING);
    let nextMs = tickMs + intervalMs;
    // The turn may have come late.
    while (nextMs <= nowMs) nextMs += intervalMs;
    if (intervalMs > TICK_MS) {
      // What happens next is followed by ticks as ever.
      const eventMs = network.stale ? nowMs : Math.min(queue.nextTimeMs, network.nextEndMs);
      nextMs = Math.min(
        nextMs,
        Math.max(eventMs, nowMs) + Math.max(TICK_MS, nowMs * TICK_ROUNDING),
      );
    }
    queue.add(nextMs, Rank.server, EventKind.serverTick, 0, 0);
  }

  // Workers and faults.

  private join(spec: WorkerSpec): void {
    const { core, server, workers } = this;
    const index = workers.length;
    workers.push(new ModelledWorker(this.around, index, spec, core.nowMs));
    server.addWorker(index, spec, core.network);
  }

  private planFault(fault: Fault): void {
    const number = this.faults.push(fault) - 1;
    this.core.queue.add(fault.atMs, Rank.normal, EventKind.fault, number, 0);
  }

  private planRandomFault(): void {
    const { core, workers } = this;
    const alive = workers.filter((worker) => worker.alive).length;
    const atMs = this.random!.nextMs(core.nowMs, alive);
    core.queue.add(atMs, Rank.normal, EventKind.fault, -1, 0);
  }

  private randomFault(): void {
    const alive = this.workers.filter((worker) => worker.alive);
    for (const fault of this.random!.draw(this.core.nowMs, alive)) this.planFault(fault);
    this.planRandomFault();
  }

  private carryOut(fault: Fault): void {
    const { core, workers } = this;
    if (fault.kind === "join") {
      this.join(fault.spec);
      this.planTurn();
      return;
    }
    const worker = workers[fault.worker];
    if (worker?.alive !== true) return;
    if (fault.kind === "slow") {
      worker.setSpeed(worker.spec.speed * fault.factor);
      return;
    }
    worker.die();
    const atMs = core.nowMs + core.costs.latencyMs;
    core.queue.add(atMs, Rank.normal, EventKind.workerGone, worker.index, 0);
  }
}
