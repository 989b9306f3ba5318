/** Sections that consist of charts over time. Owns which lines each has. */
import type { StepFunction } from "../../analysis/index.js";
import { StepBuilder } from "../../analysis/index.js";
import type { LabelColour } from "../colours.js";
import { element } from "../dom.js";
import { formatBytes, formatCount, formatMeasured, formatMs, formatNumber } from "../format.js";
import type { Section, SectionView } from "../section.js";
import { type ChartLine, type ChartOptions, COUNT_STEPS, TimeChart } from "../time-chart.js";
import type { ViewContext } from "../view-context.js";

interface ChartSpec extends ChartOptions {
  readonly lines: (context: ViewContext) => readonly ChartLine[];
}

const plain = (hex: string, striped = false): LabelColour => ({ hex, striped });

function labelLines(
  context: ViewContext,
  curves: Iterable<readonly [label: number, curve: StepFunction]>,
): ChartLine[] {
  return Array.from(curves, ([label, curve]) => ({
    name: context.data.labels[label],
    colour: context.colourOf(label),
    curve,
  }));
}

/** Powers of two, as sizes are shown in KiB, MiB ... */
const BYTE_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);

const PROGRESS: readonly ChartSpec[] = [
  {
    title: "Finished tasks by label",
    nothing: "Nothing has finished.",
    steps: COUNT_STEPS,
    show: "value",
    format: formatCount,
    lines: (context) =>
      labelLines(
        context,
        context.analyses.counts.map(({ label, finished }) => [label, finished]),
      ),
  },
  {
    title: "Execution time of finished tasks by label, so far",
    nothing: "Nothing has finished.",
    show: "value",
    format: formatMs,
    lines: (context) =>
      labelLines(
        context,
        context.analyses.counts.map(({ label, durationMs }) => [label, durationMs]),
      ),
  },
  {
    title: "Tasks that wait for inputs, are ready, run",
    nothing: "No task waited or ran.",
    steps: COUNT_STEPS,
    show: "mean",
    format: formatMeasured,
    lines: ({ analyses }) => [
      { name: "wait for inputs", colour: plain("#cc79a7"), curve: analyses.tasks.pending },
      { name: "ready", colour: plain("#e69f00"), curve: analyses.tasks.ready },
      { name: "running", colour: plain("#0072b2"), curve: analyses.tasks.running },
    ],
  },
  {
    title: "Cores: held by tasks, and idle",
    nothing: "There were no cores.",
    formatTick: formatNumber,
    show: "mean",
    format: formatMeasured,
    lines: ({ analyses }) => [
      { name: "held", colour: plain("#0072b2"), curve: analyses.busy.allBusy },
      { name: "idle", colour: plain("#d55e00", true), curve: analyses.cores.allIdle },
    ],
  },
  {
    title: "Scheduling passes: share of the server's time",
    nothing: "No scheduling passes.",
    formatTick: (share) => `${formatNumber(share * 100)} %`,
    show: "mean",
    format: (share) => `${formatMeasured(share * 100)} %`,
    lines: ({ analyses }) => [
      { name: "in passes", colour: plain("#009e73"), curve: analyses.scheduler.inPasses },
    ],
  },
  {
    title: "Tasks assigned to workers, per second",
    nothing: "Nothing was assigned.",
    formatTick: formatNumber,
    show: "mean",
    format: formatMeasured,
    lines: ({ analyses }) => [
      { name: "assigned", colour: plain("#56b4e9"), curve: analyses.scheduler.assignedPerSecond },
    ],
  },
];

const TRANSFERS: readonly ChartSpec[] = [
  {
    title: "Bytes sent between workers by label of the data, so far",
    nothing: "No transfers.",
    show: "value",
    format: formatBytes,
    steps: BYTE_STEPS,
    lines: (context) => labelLines(context, context.analyses.traffic.byLabel),
  },
];

/** Charts with a line for each worker. */
const WORKERS: readonly (ChartOptions & {
  curve: (c: ViewContext, worker: number) => StepFunction;
})[] = [
  {
    title: "Cores held by tasks",
    nothing: "No task held a core.",
    formatTick: formatNumber,
    show: "mean",
    format: formatMeasured,
    curve: ({ analyses }, worker) => analyses.busy.busy[worker],
  },
  {
    title: "CPU: cores in use, as measured",
    nothing: "Nothing was measured.",
    formatTick: formatNumber,
    show: "value",
    format: formatMeasured,
    curve: (context, worker) => sampled(context, worker, ({ cpus }) => cpus),
  },
  {
    title: "Resident memory",
    nothing: "Nothing was measured.",
    show: "value",
    format: formatBytes,
    steps: BYTE_STEPS,
    curve: (context, worker) => sampled(context, worker, ({ memoryBytes }) => memoryBytes),
  },
  {
    title: "Objects in memory",
    nothing: "No objects.",
    show: "value",
    format: formatBytes,
    steps: BYTE_STEPS,
    curve: (context, worker) => sampled(context, worker, ({ objectBytes }) => objectBytes),
  },
  {
    title: "Received from other workers, per second",
    nothing: "No transfers.",
    show: "rate",
    format: (bytes) => `${formatBytes(bytes)}/s`,
    steps: BYTE_STEPS,
    curve: ({ analyses }, worker) => analyses.traffic.received[worker],
  },
  {
    title: "Sent to other workers, per second",
    nothing: "No transfers.",
    show: "rate",
    format: (bytes) => `${formatBytes(bytes)}/s`,
    steps: BYTE_STEPS,
    curve: ({ analyses }, worker) => analyses.traffic.sent[worker],
  },
];

type Samples = ViewContext["data"]["workers"][number]["samples"];

/** A measured column as steps: each value until the next one. */
function sampled(
  { data }: ViewContext,
  worker: number,
  columnOf: (samples: Samples) => ArrayLike<number>,
): StepFunction {
  const { samples } = data.workers[worker];
  const column = columnOf(samples);
  const builder = new StepBuilder(samples.count);
  let last = 0;
  for (let i = 0; i < samples.count; i++) {
    if (Number.isNaN(column[i])) continue;
    builder.add(samples.atMs[i], column[i] - last);
    last = column[i];
  }
  return builder.build();
}

class Charts implements SectionView {
  private readonly charts: { chart: TimeChart; spec: ChartSpec }[];
  private readonly grid = element("div", { class: "chart-grid" });

  constructor(
    host: HTMLElement,
    private readonly context: ViewContext,
    specs: readonly ChartSpec[],
  ) {
    host.append(this.grid);
    this.charts = specs.map((spec) => ({ spec, chart: new TimeChart(this.grid, context, spec) }));
    this.update();
  }

  update(): void {
    for (const { chart, spec } of this.charts) chart.show(spec.lines(this.context));
  }

  destroy(): void {
    for (const { chart } of this.charts) chart.destroy();
    this.grid.remove();
  }
}

/** The colours of workers say nothing; they only keep neighbours apart. */
const WORKER_COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];

/** The charts of workers, of all or of one. */
class WorkerCharts implements SectionView {
  private readonly choice = element("select", { "aria-label": "Workers in the charts" });
  private readonly bar = element("label", { class: "control" }, "Workers: ", this.choice);
  private readonly note = element("span", { class: "note" });
  private readonly charts: Charts;

  constructor(
    host: HTMLElement,
    private readonly context: ViewContext,
  ) {
    host.append(element("div", { class: "controls" }, this.bar, this.note));
    this.choice.addEventListener("change", () => this.charts.update());
    this.fillChoice();
    const specs = WORKERS.map(({ curve, ...options }) => ({
      ...options,
      lines: (current: ViewContext) =>
        this.chosen().map((worker) => ({
          name: `${worker} ${current.data.workers[worker].hostname}`,
          colour: {
            hex: WORKER_COLOURS[worker % WORKER_COLOURS.length],
            striped: Math.floor(worker / WORKER_COLOURS.length) % 2 === 1,
          },
          curve: curve(current, worker),
        })),
    }));
    this.charts = new Charts(host, context, specs);
  }

  update(): void {
    this.fillChoice();
    this.charts.update();
  }

  destroy(): void {
    this.charts.destroy();
    this.bar.parentElement?.remove();
  }

  private chosen(): number[] {
    const { workers } = this.context.data;
    const one = this.choice.value;
    return one === "" ? workers.map((_, worker) => worker) : [Number(one)];
  }

  private fillChoice(): void {
    const { workers } = this.context.data;
    this.note.textContent =
      workers.length > 24
        ? "Of more than 24 workers the 24 with the highest values are shown."
        : "";
    if (this.choice.options.length === workers.length + 1) return;
    const before = this.choice.value;
    this.choice.replaceChildren(
      element("option", { value: "" }, "all"),
      ...workers.map(({ address, hostname }, worker) =>
        element("option", { value: worker }, `${worker}: ${hostname}, ${address}`),
      ),
    );
    this.choice.value = before;
  }
}

export const progressCharts: Section = {
  id: "progress",
  title: "Progress",
  mount: (host, context) => new Charts(host, context, PROGRESS),
};

export const transferCharts: Section = {
  id: "transfers",
  title: "Transfers",
  mount: (host, context) => new Charts(host, context, TRANSFERS),
};

export const workerCharts: Section = {
  id: "load",
  title: "Load of workers",
  mount: (host, context) => new WorkerCharts(host, context),
};
