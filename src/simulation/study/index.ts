/**
 * The model of the study "Analysis of workflow schedulers in simulated distributed environments"
 * (Beránek, Böhm, Cima 2022): the simulator on which schedules are compared with published ones.
 * docs/simulation-study.md explains the model. Not the simulator of the production cores.
 *
 * A graph (graph-file.ts), a cluster and a scheduler give a report:
 *
 *     const graph = readGraphFile(JSON.parse(text), "montage.json");
 *     const cluster = { workerCount: 8, cores: 4, bandwidthMiB: 32 };
 *     simulateStudy(graph, cluster, scheduler).makespanS;
 *
 * A schedule made beforehand, all of it given at time 0, by task number:
 *
 *     fixedSchedule({ worker, priority })            // higher first; others pass what does not fit
 *     fixedSchedule({ worker, priority, blocking })  // blocking = priority: strict order
 *
 * It applies `schedulingS` (0.05 s) after the start, and the makespan counts until an answer applies
 * after the last end; `{ ...cluster, minDelayS: 0, schedulingS: 0 }` gives the bare schedule.
 *
 * The production scheduler: `new CoreScheduler(graph, cluster, { information })`. Another one
 * implements `StudyScheduler`: decide(news, answer) is called at time 0 and then after something has
 * happened; it calls answer.assign(task, worker, priority, blocking), answer.withdraw(task) and
 * answer.prefetch(object, worker, priority).
 * Seconds and bytes everywhere; tasks and objects are numbered as in TaskGraph.
 */
export { CoreScheduler, type CoreSchedulerOptions } from "./core-scheduler.js";
export { type FixedAssignment, fixedSchedule } from "./fixed-schedule.js";
export type { StudyInformation } from "./graph-plan.js";
export { type StudyCluster, type StudyReport, simulateStudy } from "./study-model.js";
export type { StudyAnswer, StudyNews, StudyScheduler } from "./study-scheduler.js";
