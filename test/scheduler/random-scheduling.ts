/** Random clusters, plans and events for tests of the scheduler, and how a cluster takes them. */
import fc from "fast-check";
import { Unsatisfiable } from "../../src/protocol/index.js";
import { onlyAdds, TaskFlag, TaskState } from "../../src/scheduler/index.js";
import { FakeCluster, type TestRequest, type TestTask } from "../server-core/fake-cluster.js";
import { schedulerOf } from "./scheduling.js";

/** All tasks take as long, so that what is estimated is true. */
export const DURATION_MS = 50;
const MOST_BYTES = 400e6;
const MERGE = 5;
const RARE = 12;

const REQUESTS: readonly (TestRequest | undefined)[] = [
  undefined,
  undefined,
  { cpus: 1 },
  { cpus: 1 },
  { cpus: 2 },
  { cpus: 4 },
  { amounts: { gpus: 0.5 } },
  { cpus: 1, amounts: { gpus: 1 }, or: [{ cpus: 3 }] },
  { cpus: 1, amounts: { gpus: ["1"] } },
  { cpus: 2, amounts: { gpus: 2, licences: 0.3 } },
];

const taskArbitrary = fc.record({
  inputs: fc.array(fc.nat(1000), { maxLength: 3 }),
  request: fc.nat(REQUESTS.length - 1),
  priority: fc.constantFrom(0, 0, 0, 0, 1, -3),
  label: fc.constantFrom(undefined, "a:1", "b"),
  isKnown: fc.constantFrom(false, false, true),
  bytes: fc.constantFrom(undefined, undefined, 10, MOST_BYTES),
  isRare: fc.constantFrom(false, false, false, false, false, true),
  result: fc.boolean(),
});
const workerArbitrary = fc.record({
  cpus: fc.constantFrom(1, 2, 4, 8),
  gpus: fc.nat(2),
  licences: fc.nat(1),
  mem: fc.constantFrom(0, 1e9, 8e9),
  isGeneral: fc.boolean(),
});
export const eventArbitrary = fc.record({
  kind: fc.constantFrom(
    ...["finish", "finish", "finish", "finish", "finish", "start", "giveBack", "giveBack"],
    ...["join", "kill", "release", "fail", "memory", "wait", "schedule", "schedule", "schedule"],
  ),
  choice: fc.nat(10_000),
  worker: workerArbitrary,
});
export const scenarioArbitrary = fc.record({
  workers: fc.array(workerArbitrary, { minLength: 1, maxLength: 4 }),
  /** Of every task of the first plan times are declared: it is planned ahead. */
  isPlanned: fc.boolean(),
  plans: fc.array(fc.array(taskArbitrary, { minLength: 1, maxLength: 25 }), {
    minLength: 1,
    maxLength: 3,
  }),
  events: fc.array(eventArbitrary, { maxLength: 100 }),
});
export type Scenario = typeof scenarioArbitrary extends fc.Arbitrary<infer T> ? T : never;
type WorkerSeed = Scenario["workers"][number];

/** A cluster to which the events of a scenario happen. */
export class RandomRun {
  readonly cluster: FakeCluster;
  /** By id. */
  readonly plan: TestTask[] = [];
  readonly failed = new Set<number>();
  readonly released = new Set<number>();
  private readonly offers = new Map<number, readonly number[]>();
  private plansLeft: Scenario["plans"];

  constructor(private readonly scenario: Scenario) {
    this.cluster = new FakeCluster(1000, (row) =>
      row % 3 === 0 ? MOST_BYTES : row % 3 === 1 ? 1e6 : 1,
    );
    this.cluster.client(0);
    this.cluster.durationUs = DURATION_MS * 1000;
    this.plansLeft = [...scenario.plans];
    for (const worker of scenario.workers) this.join(worker);
    this.submit(scenario.isPlanned);
  }

  /** Lets all events happen; `check` is called after each. */
  run(check: (event: string) => void): void {
    const { events } = this.scenario;
    events.forEach((event, i) => {
      if (i % 30 === 29) this.submit(false);
      this.step(event);
      check(event.kind);
    });
    while (this.plansLeft.length > 0) this.submit(false);
  }

  /** Finishes what can be finished; `check` is called after each pass. */
  drain(check: (event: string) => void): void {
    const { cluster } = this;
    for (let idle = 0; idle < 60; ) {
      cluster.nowMs += 100;
      cluster.schedule();
      check("schedule");
      let progress = false;
      for (const worker of [...cluster.workers.keys()]) {
        for (const row of cluster.runnable(worker)) {
          if (!cluster.workers.get(worker)!.tasks.has(row)) continue;
          cluster.finish(worker, row);
          progress = true;
        }
      }
      idle = progress ? 0 : idle + 1;
    }
  }

  /** Whether a present worker could execute the task, had it its inputs. */
  isAble(id: number): boolean {
    return [...this.cluster.workers.keys()].some((worker) => this.couldExecute(worker, id));
  }

  /** Tasks with requests that are ready and that nobody has, though a worker could start them now. */
  forgotten(): string[] {
    const { core } = this.cluster;
    const scheduler = schedulerOf(this.cluster);
    const { table } = core;
    const found: string[] = [];
    for (const { firstRow, count } of scheduler.ranking.ranges()) {
      for (let row = firstRow; row < firstRow + count; row++) {
        if (table.state[row] !== TaskState.ready || table.flags[row] & TaskFlag.queued) continue;
        const taskClass = scheduler.classes.list[table.taskClass[row]];
        const { kind, taskType } = taskClass.shape;
        const bytes = scheduler.estimates.memoryBytes(row, taskClass);
        for (const load of scheduler.alive) {
          if (!load.offers(taskType)) continue;
          // Where there is room for some but not for all that is looked for, another one may hide it.
          if (onlyAdds(table, row, bytes) && !load.memory.hasRoomFor(MOST_BYTES)) continue;
          if (kind.variants.some((one) => load.couldServe(one) && load.fits(one))) {
            found.push(`task ${core.taskIdOf(row)} at worker ${load.index}`);
          }
        }
      }
    }
    return found;
  }

  private couldExecute(worker: number, id: number): boolean {
    const { type = MERGE, request } = this.plan[id];
    if (!this.offers.get(worker)!.includes(type)) return false;
    if (request === undefined) return true;
    const { resources } = this.cluster.core.workers.get(worker)!;
    return [request, ...(request.or ?? [])].some(
      ({ cpus = 0, amounts = {} }) =>
        cpus <= resources.cpus &&
        Object.entries(amounts).every(([name, amount]) => {
          const has = resources.resources.find((one) => one.name === name);
          if (has === undefined) return false;
          if (typeof amount === "number") return amount <= has.amount;
          return amount.every((index) => has.indices.includes(index));
        }),
    );
  }

  private join({ cpus, gpus, licences, mem, isGeneral }: WorkerSeed): void {
    const resources: Record<string, number | readonly string[]> = {};
    if (gpus > 0) resources.gpus = Array.from({ length: gpus }, (_, i) => String(i));
    if (licences > 0) resources.licences = licences;
    if (mem > 0) resources.mem = mem;
    const types = isGeneral ? [MERGE, RARE] : [MERGE];
    this.offers.set(this.cluster.join(cpus, resources, types), types);
  }

  private submit(isPlanned: boolean): void {
    const seeds = this.plansLeft.shift();
    if (seeds === undefined) return;
    const idBase = this.plan.length;
    const held = this.plan.flatMap(({ result }, id) =>
      result && !this.released.has(id) ? [id] : [],
    );
    const plan = seeds.map((seed, i): TestTask => {
      const candidates = [...held, ...Array.from({ length: i }, (_, k) => idBase + k)];
      const picked = seed.inputs.map((n) => candidates[n % Math.max(1, candidates.length)]);
      return {
        inputs: candidates.length === 0 ? [] : picked,
        request: isPlanned ? REQUESTS[seed.request % 6] : REQUESTS[seed.request],
        priority: seed.priority,
        label: seed.label,
        expectedMs: seed.isKnown || isPlanned ? DURATION_MS * (isPlanned ? 20 : 1) : undefined,
        expectedBytes: seed.bytes,
        type: seed.isRare ? RARE : MERGE,
        result: seed.result || i === seeds.length - 1,
      };
    });
    this.plan.push(...plan);
    const refusal = this.cluster.submit(0, idBase, plan, undefined, Unsatisfiable.wait);
    if (refusal !== undefined) throw new Error(refusal.message);
  }

  private step({ kind, choice, worker: seed }: Scenario["events"][number]): void {
    const { cluster } = this;
    const pick = <T>(items: readonly T[], n: number): T | undefined =>
      items[n % Math.max(1, items.length)];
    const worker = pick([...cluster.workers.keys()], choice);
    const row = worker === undefined ? undefined : pick(cluster.runnable(worker), choice >> 3);
    switch (kind) {
      case "finish":
        if (row !== undefined) cluster.finish(worker!, row);
        break;
      case "start":
        if (row !== undefined) cluster.start(worker!, row);
        break;
      case "fail":
        if (row === undefined || choice % 5 > 0) break;
        this.failed.add(cluster.core.taskIdOf(row));
        cluster.fail(worker!, row);
        break;
      case "giveBack":
        for (const at of cluster.workers.values()) {
          const asked = pick([...at.retracting], choice);
          if (asked !== undefined) cluster.giveBack(at.index, asked);
        }
        break;
      case "join":
        if (cluster.workers.size < 6) this.join(seed);
        break;
      case "kill":
        if (worker !== undefined && choice % 3 === 0) cluster.kill(worker);
        break;
      case "release": {
        const held = this.plan.flatMap(({ result }, id) =>
          result && !this.released.has(id) ? [id] : [],
        );
        const id = pick(held, choice);
        if (id === undefined || choice % 2 > 0) break;
        this.released.add(id);
        cluster.release(0, id);
        break;
      }
      case "memory":
        if (worker !== undefined) cluster.memory(worker, (choice % 10) * 1e8);
        break;
      case "wait":
        cluster.nowMs += choice % 1000;
        break;
      default:
        cluster.schedule();
    }
  }
}
