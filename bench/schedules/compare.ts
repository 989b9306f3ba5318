/** One graph scheduled on one cluster, beside the published makespans. Called by schedule.ts. */
import {
  CoreScheduler,
  fixedSchedule,
  type StudyCluster,
  type StudyInformation,
  simulateStudy,
  type TaskGraph,
} from "../../src/simulation/index.js";
import type { Reference } from "./load-data.js";
import { planAhead } from "./lookahead-problem.js";

export interface ScheduleRecord {
  graph: string;
  cluster: string;
  bandwidthMiB: number;
  makespanS: number;
  /** The published scheduler with the least mean makespan; undefined: nothing is published. */
  best?: string;
  bestS?: number;
  /** Our makespan divided by that, by the lower bound, and by those of two schedulers. */
  toBest?: number;
  toBound?: number;
  toBlevelGt?: number;
  toWs?: number;
  /** MiB that were sent between workers. */
  sentMiB: number;
  decisions: number;
  /** Real time that the scheduler took. */
  schedulerMs: number;
}

export interface Way {
  readonly plan: "core" | "lookahead";
  readonly mode: StudyInformation;
  readonly budget: number;
}

export function compare(
  graph: TaskGraph,
  cluster: StudyCluster & { readonly name: string },
  reference: Reference | undefined,
  way: Way,
): ScheduleRecord {
  const { makespanS, transferBytes, decisions, schedulerMs } = run(graph, cluster, way);
  const to = (seconds: number | undefined) =>
    seconds === undefined ? undefined : makespanS / seconds;
  return {
    graph: graph.name,
    cluster: cluster.name,
    bandwidthMiB: cluster.bandwidthMiB,
    makespanS,
    best: reference?.best,
    bestS: reference?.bestMean,
    toBest: to(reference?.bestMean),
    toBound: to(reference?.lowerBound),
    toBlevelGt: to(reference?.schedulers["blevel-gt"]?.mean),
    toWs: to(reference?.schedulers.ws?.mean),
    sentMiB: transferBytes / 2 ** 20,
    decisions,
    schedulerMs,
  };
}

function run(graph: TaskGraph, cluster: StudyCluster, { plan, mode, budget }: Way) {
  if (plan === "lookahead") {
    const startedMs = performance.now();
    const schedule = planAhead(graph, cluster, mode, budget);
    const schedulerMs = performance.now() - startedMs;
    return { ...simulateStudy(graph, cluster, fixedSchedule(schedule)), schedulerMs };
  }
  const clock = () => performance.now();
  const scheduler = new CoreScheduler(graph, cluster, { information: mode, clock });
  const report = simulateStudy(graph, cluster, scheduler);
  return { ...report, schedulerMs: scheduler.realMs };
}
