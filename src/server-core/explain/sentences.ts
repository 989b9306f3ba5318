/** Explanations in words: the one sentence that says it, and the lines below. */
import { counted, describeBytes, describeDuration } from "../../base/index.js";
import type {
  AssignedTask,
  Causes,
  CopyCounts,
  FailedTask,
  FinishedTask,
  ReadyTask,
  ReleasedTask,
  TaskFacts,
  TaskMetadata,
  WaitingTask,
  WorkerGroup,
  WorkersForTask,
} from "../../protocol/index.js";
import { clipped } from "../ability.js";
import { nameOf } from "./task-reference.js";

type Words = Pick<TaskFacts, "summary" | "details">;
type Wordless<T> = Omit<T, keyof Words>;

/** An explanation that is not in words yet. */
export type Facts =
  | Wordless<WaitingTask>
  | Wordless<ReadyTask>
  | Wordless<AssignedTask>
  | Wordless<FinishedTask>
  | Wordless<FailedTask>
  | Wordless<ReleasedTask>;

export function describe(task: Facts): Words {
  return {
    summary: `${nameOf(task)} ${predicateOf(task)}`,
    details: [...generalDetails(task), ...detailsOf(task)],
  };
}

function predicateOf(task: Facts): string {
  switch (task.state) {
    case "waiting":
      return waiting(task);
    case "ready":
      return ready(task);
    case "assigned":
      return assigned(task);
    case "finished":
      return finished(task);
    case "failed":
      return failed(task);
    case "released":
      return released(task);
  }
}

function generalDetails(task: Facts): string[] {
  const { type, request, priority, losses, copies, metadata } = task;
  const facts = [`type ${type}`];
  if (request !== undefined) facts.push(`asks for ${request}`);
  if (priority !== 0) facts.push(`priority ${priority}`);
  if (losses > 0) facts.push(`lost ${counted(losses, "time")} with its worker`);
  const lines = [facts.join("; ")];
  if (metadata !== undefined) lines.push(`metadata: ${describeMetadata(metadata)}`);
  if (copies !== undefined && copies.total > 0) lines.push(describeCopies(copies));
  return lines;
}

function detailsOf(task: Facts): string[] {
  if (task.state === "waiting") return waitingDetails(task);
  if (task.state === "ready") return readyDetails(task);
  if (task.state === "assigned") return assignedDetails(task);
  if (task.state === "released") return task.causes === undefined ? [] : causeLines(task.causes);
  // The summary has its first line.
  if (task.state === "failed") return (task.message ?? "").split("\n").slice(1);
  return [];
}

function describeMetadata(metadata: TaskMetadata): string {
  if ("json" in metadata) return clipped(JSON.stringify(metadata.json));
  const size = `${metadata.bytes} bytes`;
  if ("pickle" in metadata) return `${size}, pickled by Python`;
  return metadata.base64 === "" ? size : `${size}, neither JSON nor a pickle`;
}

function waiting({ copies, inputs, unfinishedInputs, causes }: Wordless<WaitingTask>): string {
  const what =
    copies === undefined
      ? `waits for ${describeInputs(inputs, unfinishedInputs)}`
      : copies.total === 0
        ? "waits to be copied, until the length that it depends on is known"
        : `${describeProgress(copies)} so far`;
  return withCauses(what, causes);
}

function released({ copies, causes }: Wordless<ReleasedTask>): string {
  if (copies === undefined || copies.total === 0) {
    return "has ended, or was never needed: nobody needs its result (any more)";
  }
  const what = describeProgress(copies);
  return causes === undefined ? what : withCauses(what, causes);
}

function describeProgress({ total, finished, released, failed }: CopyCounts): string {
  return `is executed as its copies, of which ${finished + released + failed} of ${total} have ended`;
}

/** Says what it waits for in the end, too. */
function withCauses(what: string, causes: Causes): string {
  const { unable, ready: readyOnes, assigned: assignedOnes, first } = causes;
  if (unable > 0 || readyOnes + assignedOnes === 1) return `${what}; ${first[0].summary}`;
  const ends: string[] = [];
  if (assignedOnes > 0) ends.push(`${counted(assignedOnes, "task")} at workers`);
  if (readyOnes > 0) ends.push(`${counted(readyOnes, "ready task")}`);
  return ends.length === 0 ? what : `${what}, in the end for ${ends.join(" and ")}`;
}

function describeInputs(inputs: number, unfinished: number): string {
  if (inputs === 1) return "its input";
  return unfinished === inputs ? `its ${inputs} inputs` : `${unfinished} of its ${inputs} inputs`;
}

function waitingDetails(task: Wordless<WaitingTask>): string[] {
  const { unfinishedInputs, firstUnfinished, causes, workers } = task;
  const lines = firstUnfinished.map((input) => `waits for ${nameOf(input)}: ${input.state}`);
  const left = unfinishedInputs - firstUnfinished.length;
  if (left > 0) lines.push(`and ${counted(left, "more input")}`);
  lines.push(...causeLines(causes));
  if (workers?.problem !== undefined) {
    lines.push(`then it could not run: ${workers.problem}`, ...workerLines(workers));
  }
  return lines;
}

function causeLines({ unable, ready, assigned, first, complete }: Causes): string[] {
  const total = unable + ready + assigned;
  const lines = total > 1 ? first.map(({ summary }) => `in the end: ${summary}`) : [];
  if (total > 1 && total > first.length) {
    lines.push(`and ${counted(total - first.length, "more task")}`);
  }
  if (!complete) lines.push("there are more tasks before it than were looked at");
  return lines;
}

function ready(task: Wordless<ReadyTask>): string {
  const { workers, queuedAt, plannedFor, request } = task;
  const { problem, connected, able, groups } = workers;
  if (connected === 0) return "is ready, but no worker is connected; start one (loom worker)";
  if (problem !== undefined) {
    return `is ready, but ${problem}; start such a worker, or release the result to cancel it`;
  }
  if (task.heldBack) {
    return "is ready; tasks with requests are held back for a moment, while a schedule is searched";
  }
  if (queuedAt !== undefined) {
    const why = plannedFor === queuedAt ? "where it was planned to run" : "which has its inputs";
    return `is ready and queues for worker ${queuedAt}, ${why}`;
  }
  if (groups.some(({ verdict }) => verdict === "free")) {
    return "is ready and will be sent to a worker in a moment";
  }
  const who =
    able === 1
      ? "the only worker that could execute it"
      : `the ${able} workers that could execute it`;
  if (groups.some(({ verdict }) => verdict === "busy")) {
    return `is ready and waits for ${request ?? "room"}: ${who} ${able === 1 ? "is" : "are"} busy`;
  }
  return `is ready, but ${who} ${able === 1 ? "has" : "have"} no memory left for its result`;
}

function readyDetails({ readyAlike, rankMs, request, workers }: Wordless<ReadyTask>): string[] {
  const lines: string[] = [];
  if (readyAlike > 1) lines.push(`one of about ${readyAlike} ready tasks of its type and request`);
  if (request !== undefined) {
    lines.push(`from its start to the end of what needs it: about ${describeDuration(rankMs)}`);
  }
  return [...lines, ...workerLines(workers)];
}

function workerLines({ groups, others }: WorkersForTask): string[] {
  const lines = groups.map(describeGroup);
  if (others > 0) lines.push(`${counted(others, "more worker")} not listed`);
  return lines;
}

function describeGroup({ verdict, workers, addresses, reason }: WorkerGroup): string {
  const some = workers > addresses.length ? `${addresses.join(", ")}, ...` : addresses.join(", ");
  const who = `${counted(workers, "worker")} (${some})`;
  const one = workers === 1;
  const there = one ? "" : `at ${addresses[0]} `;
  switch (verdict) {
    case "cannot":
      return `${who} can't execute it: ${one ? "it" : "each"} ${reason}`;
    case "busy":
      return `${who} ${one ? "is" : "are"} busy: ${there}${reason}`;
    case "memoryFull":
      return `${who} ${one ? "has" : "have"} no memory left for its result; ${there}${reason}`;
    case "free":
      return `${who} ${one ? "has" : "have"} room: ${there}${reason}`;
  }
}

function assigned(task: Wordless<AssignedTask>): string {
  const { worker, started, unfinishedInputs, inputsElsewhere, request, load } = task;
  if (started) return `runs at worker ${worker}`;
  if (unfinishedInputs > 0) {
    return `is at worker ${worker}, where it waits for ${counted(unfinishedInputs, "input")} that it was sent ahead of`;
  }
  if (request === undefined) return `is at worker ${worker} and runs, or is about to`;
  // The load has this task in it.
  const turn = `for its turn${load === undefined ? "" : `; with it ${load}`}`;
  return inputsElsewhere > 0
    ? `is at worker ${worker}, where it waits for ${counted(inputsElsewhere, "input")} to arrive, or ${turn}`
    : `is at worker ${worker}, where it waits ${turn}`;
}

function assignedDetails({ askedBack, tasksThere }: Wordless<AssignedTask>): string[] {
  const lines = [`${counted(tasksThere, "task")} at that worker`];
  if (askedBack) lines.push("it was asked back, to be sent to another worker");
  return lines;
}

function finished({ sizeBytes, holders, atServer }: Wordless<FinishedTask>): string {
  const places = holders.map((address) => `worker ${address}`);
  if (atServer) places.unshift("the server");
  return `has finished; its result, ${describeBytes(sizeBytes)}, is at ${places.join(", ")}`;
}

function failed({ id, label, failedTask, message, worker }: Wordless<FailedTask>): string {
  if (failedTask === undefined || message === undefined)
    return "has failed, or a task that it needs";
  const [line] = message.split("\n");
  const place = worker === undefined ? "" : ` at worker ${worker}`;
  const isOwn = failedTask.id === id && failedTask.label === label;
  if (isOwn) return `has failed${place}: ${line}`;
  return `has failed, as ${nameOf(failedTask)} did${place}: ${line}`;
}

function describeCopies(copies: CopyCounts): string {
  const { total, ...states } = copies;
  const parts = Object.entries(states).filter(([, count]) => count > 0);
  return `${total} copies: ${parts.map(([state, count]) => `${count} ${state}`).join(", ")}`;
}
