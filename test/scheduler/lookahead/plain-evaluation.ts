/**
 * The model of the lookahead once more, written as plainly as possible: everything is looked at
 * anew at every instant, rates of all transfers are found by the definition. Slow; what the
 * evaluator is compared with.
 */
import type { LookaheadProblem } from "../../../src/scheduler/lookahead/index.js";

interface Download {
  object: number;
  source: number;
  target: number;
  /** Of those that wait the largest goes first. */
  rank: number;
  left: number;
  rate: number;
  state: "waits" | "runs" | "arrives" | "done";
  arrivesMs: number;
}

/** A link: transfers from one worker to another share what it gets. */
interface Link {
  source: number;
  target: number;
  rate: number;
}

export interface PlainResult {
  makespanMs: number;
  startMs: number[];
}

/** @param worker per task; tasks with worker -1 are left out */
export function evaluatePlainly(
  problem: LookaheadProblem,
  worker: ArrayLike<number>,
  priority: ArrayLike<number>,
): PlainResult {
  const { taskCount, network, objectBytes, objectProducer, runningAt, cpus } = problem;
  const tasks = [...Array(taskCount).keys()];
  const startMs: number[] = Array(taskCount).fill(Number.NaN);
  const endMs: number[] = Array(taskCount).fill(Number.NaN);
  const startOrder: number[] = [];
  const ended = new Set<number>();
  const preparedBefore: number[] = [];
  const downloads: Download[] = [];
  let nowMs = 0;

  const inputsOf = (task: number) => [
    ...new Set(problem.inputs.subarray(problem.inputStart[task], problem.inputStart[task + 1])),
  ];
  const holdersOf = (object: number) => [
    ...problem.holders.subarray(problem.holderStart[object], problem.holderStart[object + 1]),
  ];
  const exists = (object: number) =>
    objectProducer[object] < 0 || ended.has(objectProducer[object]);
  const isFree = (object: number) =>
    network.latencyMs === 0 && (objectBytes[object] === 0 || !Number.isFinite(network.bytesPerMs));
  const isLocal = (object: number, at: number): boolean => {
    if (!exists(object)) return false;
    if (isFree(object)) return true;
    const producer = objectProducer[object];
    if (producer >= 0 && worker[producer] === at) return true;
    if (producer < 0 && holdersOf(object).length === 0) return true;
    if (producer < 0 && holdersOf(object).includes(at)) return true;
    return downloads.some((d) => d.object === object && d.target === at && d.state === "done");
  };
  const speedOf = (at: number) => problem.workerSpeed?.[at] ?? 1;
  const start = (task: number) => {
    startMs[task] = nowMs;
    endMs[task] =
      nowMs +
      (runningAt[task] >= 0
        ? problem.remainingMs[task]
        : problem.durationMs[task] / speedOf(worker[task]));
    startOrder.push(task);
  };
  const freeCores = (at: number) => {
    let free = problem.workerCpus[at];
    for (const t of startOrder) if (!ended.has(t) && worker[t] === at) free -= cpus[t];
    return free;
  };
  const fits = (task: number) => cpus[task] === 0 || cpus[task] <= freeCores(worker[task]);
  const byPriority = (a: number, b: number) => priority[b] - priority[a];

  /** By what is known when the object comes into being. */
  const rankOf = (object: number, target: number) =>
    Math.max(
      ...tasks
        .filter((t) => worker[t] === target && runningAt[t] < 0 && inputsOf(t).includes(object))
        .map((t) => priority[t] + (inputsOf(t).every(exists) ? 100_000 : 0)),
    );
  const request = () => {
    for (const task of tasks) {
      if (worker[task] < 0 || runningAt[task] >= 0) continue;
      for (const object of inputsOf(task)) {
        const target = worker[task];
        if (!exists(object) || isLocal(object, target)) continue;
        if (downloads.some((d) => d.object === object && d.target === target)) continue;
        const producer = objectProducer[object];
        let source = producer >= 0 ? worker[producer] : -1;
        if (producer < 0) {
          const toSend = (from: number) =>
            downloads
              .filter((d) => d.source === from && d.state !== "done")
              .reduce((sum, d) => sum + objectBytes[d.object], 0);
          // Of equally busy holders the one named last.
          for (const holder of holdersOf(object).reverse()) {
            if (source < 0 || toSend(holder) < toSend(source)) source = holder;
          }
        }
        const left = objectBytes[object];
        const rank = rankOf(object, target);
        downloads.push({
          object,
          source,
          target,
          rank,
          left,
          rate: 0,
          state: "waits",
          arrivesMs: 0,
        });
      }
    }
  };
  const startDownloads = () => {
    const waiting = downloads.filter((d) => d.state === "waits");
    waiting.sort((a, b) => b.rank - a.rank);
    for (const d of waiting) {
      const active = downloads.filter(
        (o) => o.target === d.target && (o.state === "runs" || o.state === "arrives"),
      );
      if (active.length >= network.maxDownloads) continue;
      const same = active.filter((o) => o.source === d.source).length;
      if (same >= network.maxDownloadsPerSource) continue;
      d.state = "runs";
      if (d.left === 0 || !Number.isFinite(network.bytesPerMs)) arrive(d);
    }
  };
  const arrive = (d: Download) => {
    d.state = "arrives";
    d.arrivesMs = nowMs + network.latencyMs;
  };
  const share = () => {
    const running = downloads.filter((d) => d.state === "runs");
    const links = fairLinks(running, network.bytesPerMs);
    for (const d of running) {
      const link = links.find((l) => l.source === d.source && l.target === d.target)!;
      const sharers = running.filter((o) => o.source === d.source && o.target === d.target);
      d.rate = link.rate / sharers.length;
    }
  };
  const isPrepared = (t: number) =>
    worker[t] >= 0 && Number.isNaN(startMs[t]) && inputsOf(t).every((o) => isLocal(o, worker[t]));
  const startTasks = () => {
    for (const task of preparedBefore.sort(byPriority).slice()) {
      if (!fits(task)) continue;
      preparedBefore.splice(preparedBefore.indexOf(task), 1);
      start(task);
    }
    const fresh = tasks.filter((t) => isPrepared(t) && !preparedBefore.includes(t));
    if (nowMs === 0) fresh.sort(byPriority);
    for (const task of fresh) {
      if (fits(task)) start(task);
      else preparedBefore.push(task);
    }
  };

  for (const task of tasks) if (runningAt[task] >= 0) start(task);
  for (;;) {
    request();
    startTasks();
    startDownloads();
    share();
    const transferMs = Math.min(
      ...downloads.filter((d) => d.state === "runs").map((d) => nowMs + d.left / d.rate),
    );
    const nextMs = Math.min(
      transferMs,
      ...startOrder.filter((t) => !ended.has(t)).map((t) => endMs[t]),
      ...downloads.filter((d) => d.state === "arrives").map((d) => d.arrivesMs),
    );
    if (nextMs === Number.POSITIVE_INFINITY) break;
    for (const d of downloads) if (d.state === "runs") d.left -= d.rate * (nextMs - nowMs);
    nowMs = nextMs;
    for (const t of startOrder) if (endMs[t] <= nowMs) ended.add(t);
    for (const d of downloads) {
      // When one ends, so do those of which next to nothing is left.
      if (d.state === "runs" && transferMs === nowMs && d.left < 2e-6 * 2 ** 20) arrive(d);
      if (d.state === "arrives" && d.arrivesMs <= nowMs) d.state = "done";
    }
  }
  const ends = endMs.filter((ms) => !Number.isNaN(ms));
  return { makespanMs: Math.max(0, ...ends), startMs };
}

/** Max-min fair rates: repeatedly the end with the least left per open link fixes its links. */
export function fairLinks(
  transfers: readonly { source: number; target: number }[],
  bytesPerMs: number,
): Link[] {
  const links: Link[] = [];
  for (const { source, target } of transfers) {
    if (links.some((l) => l.source === source && l.target === target)) continue;
    links.push({ source, target, rate: Number.NaN });
  }
  const open = new Set(links);
  while (open.size > 0) {
    let least = Number.POSITIVE_INFINITY;
    let narrowest: Link[] = [];
    for (const side of ["source", "target"] as const) {
      for (const end of new Set([...open].map((l) => l[side]))) {
        const own = links.filter((l) => l[side] === end);
        const openOnes = own.filter((l) => open.has(l));
        const used = own.filter((l) => !open.has(l)).reduce((sum, l) => sum + l.rate, 0);
        const left = (bytesPerMs - used) / openOnes.length;
        if (left >= least) continue;
        least = left;
        narrowest = openOnes;
      }
    }
    for (const link of narrowest) {
      link.rate = least;
      open.delete(link);
    }
  }
  return links;
}
