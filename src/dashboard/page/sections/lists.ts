/** Running tasks, plans, workers and clients, as tables with buttons. */
import {
  element,
  formatBytes,
  formatCount,
  formatMs,
  formatNumber,
  type Section,
} from "../../../report/page/index.js";
import type { ClientView, PlanView, RunningView, WorkerView } from "../../cluster-views.js";
import { cancelPlanButton, cancelTaskButton } from "../actions.js";
import { type Column, KeyedTable } from "../keyed-table.js";
import type { LiveData } from "../live-data.js";
import { progressBar } from "../progress-bar.js";

interface ListOptions<T> {
  readonly id: string;
  readonly title: string;
  readonly hint?: string;
  readonly nothing: string;
  readonly columns: readonly Column<T>[];
  readonly keyOf: (row: T) => string;
  readonly rows: (live: LiveData) => { readonly rows: readonly T[]; readonly more: number };
}

function listSection<T>(live: () => LiveData, options: ListOptions<T>): Section {
  const { id, title, hint, nothing, columns, keyOf, rows } = options;
  return {
    id,
    title,
    ...(hint === undefined ? {} : { hint }),
    mount(host) {
      const table = new KeyedTable(columns, keyOf, nothing);
      const rest = element("p", { class: "nothing" });
      host.append(table.node, rest);
      const update = (): void => {
        const { rows: shown, more } = rows(live());
        table.update(shown);
        rest.textContent = more > 0 ? `and ${formatCount(more)} more` : "";
      };
      update();
      return { update, destroy: () => {} };
    },
  };
}

export function runningSection(live: () => LiveData): Section {
  return listSection<RunningView>(live, {
    id: "running",
    title: "Running tasks",
    hint: "Those with a resource request, the longest running first. Cancelled ones fail at their client.",
    nothing: "No task with a resource request runs.",
    keyOf: ({ row, attempt }) => `${row}:${attempt}`,
    rows: ({ state }) => ({ rows: state.running.tasks, more: state.running.more }),
    columns: [
      { title: "Task", text: ({ task }) => task },
      { title: "Label", text: ({ label, type }) => label ?? type },
      { title: "Worker", text: ({ worker }) => worker ?? "" },
      {
        title: "Runs for",
        isNumber: true,
        text: ({ sinceMs }) => formatMs(Math.max(0, live().state.timeMs - sinceMs)),
      },
      { title: "", make: ({ task }) => ({ node: cancelTaskButton(task) }) },
    ],
  });
}

interface PlanRow extends PlanView {
  readonly total: number;
  readonly running: number;
  readonly finished: number;
  readonly failed: number;
}

export function plansSection(live: () => LiveData): Section {
  return listSection<PlanRow>(live, {
    id: "plans",
    title: "Plans",
    hint: "Plans of which something is kept, the newest first, named by their client and first task.",
    nothing: "No plan.",
    keyOf: ({ plan }) => plan,
    rows: ({ state }) => ({ rows: state.plans.plans.map(summedUp), more: state.plans.more }),
    columns: [
      { title: "Plan", text: ({ plan }) => plan },
      { title: "Labels", text: ({ labels }) => labelsOf(labels) },
      { title: "Progress", make: progressBar },
      { title: "Running", isNumber: true, text: ({ running }) => formatCount(running) },
      { title: "Finished", isNumber: true, text: ({ finished }) => formatCount(finished) },
      { title: "Failed", isNumber: true, text: ({ failed }) => formatCount(failed) },
      { title: "All", isNumber: true, text: ({ total }) => formatCount(total) },
      { title: "", make: cancelButton },
    ],
  });
}

const MAX_PLAN_LABELS = 50;

function labelsOf(labels: PlanView["labels"]): string {
  const names = labels.slice(0, MAX_PLAN_LABELS).map(({ label }) => label);
  const more = labels.length - names.length;
  return more > 0 ? `${names.join(", ")} and ${formatCount(more)} more` : names.join(", ");
}

/** Only while there is something to cancel. */
function cancelButton({ plan }: PlanRow): { node: HTMLElement; update(row: PlanRow): void } {
  const node = cancelPlanButton(plan);
  const button = node.querySelector("button")!;
  return {
    node,
    update: ({ total, finished, failed }) => {
      button.hidden = finished + failed >= total;
    },
  };
}

function summedUp(plan: PlanView): PlanRow {
  const sums = { total: 0, running: 0, finished: 0, failed: 0 };
  for (const { total, running, finished, failed } of plan.labels) {
    sums.total += total;
    sums.running += running;
    sums.finished += finished;
    sums.failed += failed;
  }
  return { ...plan, ...sums };
}

export function workersSection(live: () => LiveData): Section {
  return listSection<WorkerView & { readonly goneMs?: number }>(live, {
    id: "workers",
    title: "Workers",
    hint: "Connected ones, then those that have gone since this page was opened.",
    nothing: "No worker is connected.",
    keyOf: ({ index, goneMs }) => `${index} ${goneMs === undefined}`,
    rows: ({ state, workers }) => ({
      rows: [...state.workers, ...workers.gone().map(({ view, goneMs }) => ({ ...view, goneMs }))],
      more: state.moreWorkers,
    }),
    columns: [
      { title: "Worker", text: ({ address }) => address },
      { title: "State", text: ({ goneMs, silentMs }) => stateOf(goneMs, silentMs) },
      { title: "Host", text: ({ hostname, pid }) => `${hostname}, process ${pid}` },
      { title: "Version", text: ({ version }) => version },
      { title: "Cores in use", isNumber: true, text: ({ sample, cpus }) => coresOf(sample, cpus) },
      {
        title: "Resources",
        text: ({ resources }) => resources.map(resourceText).join(", "),
      },
      { title: "Assigned", isNumber: true, text: ({ assigned }) => formatCount(assigned) },
      { title: "Finished", isNumber: true, text: ({ finished }) => formatCount(finished) },
      { title: "Memory", isNumber: true, text: ({ sample }) => bytesOf(sample?.memoryBytes) },
      { title: "Objects", isNumber: true, text: ({ sample }) => bytesOf(sample?.objectBytes) },
    ],
  });
}

function stateOf(goneMs: number | undefined, silentMs: number): string {
  if (goneMs !== undefined) return `gone after ${formatMs(goneMs)}`;
  return silentMs > 15_000 ? `silent for ${formatMs(silentMs)}` : "connected";
}

function coresOf(sample: WorkerView["sample"], cpus: number): string {
  if (sample === undefined) return `– of ${cpus}`;
  return `${formatNumber(Math.round(sample.cpus * 10) / 10)} of ${cpus}`;
}

function resourceText({
  name,
  amount,
}: {
  readonly name: string;
  readonly amount: number;
}): string {
  return name === "mem" ? `mem ${formatBytes(amount)}` : `${name} ${formatNumber(amount)}`;
}

function bytesOf(bytes: number | undefined): string {
  return bytes === undefined ? "–" : formatBytes(bytes);
}

export function clientsSection(live: () => LiveData): Section {
  return listSection<ClientView>(live, {
    id: "clients",
    title: "Clients",
    nothing: "No client is connected.",
    keyOf: ({ client }) => String(client),
    rows: ({ state }) => ({ rows: state.clients, more: 0 }),
    columns: [
      { title: "Client", text: ({ client }) => String(client) },
      { title: "Address", text: ({ address }) => address },
      { title: "Plans", isNumber: true, text: ({ plans }) => formatCount(plans) },
      { title: "Unfinished", isNumber: true, text: ({ unfinished }) => formatCount(unfinished) },
      { title: "Finished", isNumber: true, text: ({ finished }) => formatCount(finished) },
      { title: "Failed", isNumber: true, text: ({ failed }) => formatCount(failed) },
    ],
  });
}
