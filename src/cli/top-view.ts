/** What `loom top` shows, as lines of text. Owns the layout; the terminal is top-command.ts's. */
import {
  clipped,
  counted,
  formatBytes,
  formatDuration,
  formatRate,
  lengthOf,
  progressBar,
  shownName,
} from "../base/index.js";
import type { ClusterStatus } from "../client/index.js";
import { describeWaiting, table } from "./status-text.js";

const BAR_WIDTH = 20;
const MAX_NAME_LENGTH = 40;

export interface TopView {
  readonly address: string;
  readonly status: ClusterStatus;
  /** Tasks per second lately; undefined: not known. */
  readonly ratePerS: number | undefined;
  /** The server has not answered for so long; undefined: it has. */
  readonly silentMs: number | undefined;
}

export interface TopOptions {
  readonly columns: number;
  readonly rows: number;
  readonly unicode: boolean;
}

/** A part of the view: a line of headings, then one for each thing. */
interface Section {
  readonly lines: readonly string[];
  /** Its part of the rows there are, if all sections need more. */
  readonly share: number;
  readonly unit: string;
}

/** At most `rows` lines of at most `columns` characters. */
export function topLines(view: TopView, { columns, rows, unicode }: TopOptions): string[] {
  const { status } = view;
  const head = [...headLines(view), ...status.waitingForWorkers.map(describeWaiting).slice(0, 3)];
  const sections: Section[] = [
    { lines: workerLines(view), share: 0.4, unit: "workers" },
    { lines: labelLines(status, unicode), share: 0.4, unit: "labels" },
    { lines: runningLines(status), share: 0.2, unit: "running tasks" },
  ].filter(({ lines }) => lines.length > 1);
  const left = rows - head.length - sections.length;
  const sizes = shareRows(sections, left);
  const lines = sections.flatMap((section, i) => ["", ...cut(section, sizes[i])]);
  return [...head, ...lines].slice(0, rows).map((line) => clipped(line, columns));
}

function headLines({ address, status, ratePerS, silentMs }: TopView): string[] {
  const { version, uptimeMs, clients, tasks, workers } = status;
  const sum = (of: (worker: ClusterStatus["workers"][number]) => number): number =>
    workers.reduce((total, worker) => total + of(worker), 0);
  const running = sum((worker) => worker.running);
  const rate = ratePerS === undefined || ratePerS <= 0 ? "" : `, ${formatRate(ratePerS)}`;
  return [
    `loom top ${address}, version ${version}, up ${formatDuration(uptimeMs)}, ${counted(clients - 1, "client")}` +
      (silentMs === undefined ? "" : `  NO ANSWER FOR ${formatDuration(silentMs)}`),
    `Tasks: ${tasks.unfinished} unfinished, ${tasks.finished} finished, ${tasks.failed} failed${rate}`,
    `${counted(workers.length, "worker")}, ${counted(
      sum(({ cpus }) => cpus),
      "core",
    )}, ${running} running, ${sum(({ assigned }) => assigned) - running} queued there, ${formatBytes(sum(({ memoryBytes }) => memoryBytes))} of objects`,
  ];
}

/** The busiest first. */
function workerLines({ status, address }: TopView): string[] {
  if (status.workers.length === 0) {
    return ["WORKER", `none; start one with: loom worker ${address}`];
  }
  const workers = [...status.workers].sort((a, b) => b.assigned - a.assigned || a.index - b.index);
  return table(
    ["WORKER", "HOST", "CPUS", "RUNNING", "QUEUED", "FINISHED", "OBJECTS", "MEMORY"],
    workers.map(
      ({ hostname, cpus, running, assigned, finished, memoryBytes, resources, ...worker }) => [
        worker.address,
        shownName(hostname, MAX_NAME_LENGTH),
        ...[cpus, running, assigned - running, finished].map(String),
        formatBytes(memoryBytes),
        resources.mem === undefined ? "-" : formatBytes(resources.mem),
      ],
    ),
    2,
  );
}

/** Those with unfinished tasks first. */
function labelLines({ labels }: ClusterStatus, unicode: boolean): string[] {
  const isOpen = ({ total, finished, failed }: ClusterStatus["labels"][number]) =>
    total > finished + failed;
  const order = [...labels.filter(isOpen), ...labels.filter((label) => !isOpen(label))];
  const names = ["LABEL", ...order.map(({ name }) => shownName(name, MAX_NAME_LENGTH))];
  const width = Math.max(...names.map(lengthOf));
  const padded = (name: string) => name + " ".repeat(width - lengthOf(name));
  return [
    padded("LABEL"),
    ...order.map(({ total, running, finished, failed, again }, i) => {
      const bar = progressBar(finished + failed, total, BAR_WIDTH, unicode);
      const details = [
        `${finished + failed}/${total}`,
        ...(running > 0 ? [`${running} running`] : []),
        ...(failed > 0 ? [`${failed} failed`] : []),
        ...(again > 0 ? [`${again} executed again`] : []),
      ];
      return `${padded(names[i + 1])} ${bar} ${details.join(", ")}`;
    }),
  ];
}

function runningLines({ longestRunning }: ClusterStatus): string[] {
  return table(
    ["RUNNING FOR", "TASK", "LABEL", "WORKER"],
    longestRunning.map(({ client, id, label, worker, runningMs }) => [
      formatDuration(runningMs),
      `${client}:${id}`,
      shownName(label, MAX_NAME_LENGTH),
      worker,
    ]),
    4,
  );
}

/** Rows for each section; what one does not need goes to the others. */
function shareRows(sections: readonly Section[], rows: number): number[] {
  const sizes = sections.map(({ lines, share }) =>
    Math.min(lines.length, Math.max(2, Math.floor(rows * share))),
  );
  let left = rows - sizes.reduce((sum, size) => sum + size, 0);
  sections.forEach(({ lines }, i) => {
    const more = Math.max(0, Math.min(left, lines.length - sizes[i]));
    sizes[i] += more;
    left -= more;
  });
  return sizes;
}

function cut({ lines, unit }: Section, size: number): string[] {
  if (lines.length <= size) return [...lines];
  const shown = lines.slice(0, Math.max(1, size - 1));
  return [...shown, `+${lines.length - shown.length} ${unit}`];
}
