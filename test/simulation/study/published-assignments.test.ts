/**
 * The study's simulator does what the study's own one did: published assignments give the published
 * start times, downloads and makespans; a published scheduler gives its makespans.
 */
import { describe, expect, it } from "vitest";
import {
  loadGraphs,
  loadPublishedAssignments,
  loadReferences,
} from "../../../bench/schedules/load-data.js";
import {
  fixedSchedule,
  type StudyScheduler,
  simulateStudy,
} from "../../../src/simulation/index.js";
import { bLevels, singleWorkerScheduler } from "./list-schedulers.js";

const graphs = loadGraphs();
const published = loadPublishedAssignments();

/** Published times are rounded to microseconds. */
const ROUNDING_S = 5.1e-7;

const isSame = (ours: number, theirs: number) =>
  Math.abs(ours - theirs) <= ROUNDING_S + 1e-8 * theirs;

describe("a published fixed assignment", () => {
  it("is there for most graphs of the study", () => {
    expect(published.length).toBe(134);
  });

  it.each(
    published.map(
      (entry) => [`${entry.graph} ${entry.bandwidthMiB} ${entry.priorities}`, entry] as const,
    ),
  )("%s gives the published start times and makespan", (_name, entry) => {
    const graph = graphs.get(entry.graph)!;
    const [workerCount, cores] = entry.cluster.split("x").map(Number);
    const { assignment, priority, start } = entry;
    const schedule = fixedSchedule({ worker: assignment, priority, blocking: priority });
    const fetches = new Map<string, number>();
    const scheduler: StudyScheduler = {
      decide(news, answer) {
        news.fetched.forEach((object, i) => {
          fetches.set(`${object} ${news.fetchedAt[i]}`, news.nowS);
        });
        schedule.decide(news, answer);
      },
    };
    const cluster = { workerCount, cores, bandwidthMiB: entry.bandwidthMiB };
    const report = simulateStudy(graph, { ...cluster, minDelayS: 0, schedulingS: 0 }, scheduler);
    expect(isSame(report.makespanS, entry.makespan)).toBe(true);
    expect(report.transferBytes).toBe(entry.transferBytes);
    const wrong = start.flatMap((startS, task) =>
      isSame(report.startS[task], startS) ? [] : [{ task, startS, ours: report.startS[task] }],
    );
    expect(wrong).toEqual([]);
    const listed = entry.fetches_parent_output_src_dst_start_end;
    if (listed === undefined) return;
    expect(fetches.size).toBe(listed.length);
    for (const [producer, output, , destination, , endS] of listed) {
      const object = graph.outputStart[producer] + output;
      expect(isSame(fetches.get(`${object} ${destination}`)!, endS)).toBe(true);
    }
  });
});

describe("the study's scheduler `single`", () => {
  // Montage is the one of 50 where it starts tasks in another order.
  const references = loadReferences().filter(
    ({ graph, netmodel, imode, bandwidth, cluster }) =>
      graph !== "montage" &&
      netmodel === "maxmin" &&
      imode === "exact" &&
      bandwidth === 512 &&
      cluster === "8x4",
  );

  it.each([0, 0.1])("gives the published makespans with a delay of %d s", (delayS) => {
    const chosen = references.filter(({ msd }) => msd === delayS);
    expect(chosen.length).toBeGreaterThan(15);
    const wrong = chosen.flatMap(({ graph: name, schedulers }) => {
      const graph = graphs.get(name)!;
      const report = simulateStudy(
        graph,
        { workerCount: 8, cores: 4, bandwidthMiB: 512, minDelayS: delayS, schedulingS: delayS / 2 },
        singleWorkerScheduler(graph, bLevels(graph)),
      );
      const off = Math.abs(report.makespanS - schedulers.single.mean);
      return off < 0.0011 ? [] : [{ name, ours: report.makespanS, theirs: schedulers.single.mean }];
    });
    expect(wrong).toEqual([]);
  });
});
