/**
 * The time line: a row for each core of each worker, bars for tasks. Owns rows in sight, what is below the
 * pointer, choosing a task. Bars are painted by lane-painter.ts, axis and zoom are uPlot's.
 */
import uPlot from "uplot";
import { ExecutionEnd, TracedState } from "../../../trace/index.js";
import { findInLane, type Lane, type LaneItems } from "../../analysis/index.js";
import { addTimeKeys, chartColours, follow, frameOptions } from "../chart-frame.js";
import { element } from "../dom.js";
import { STATE_NAMES, taskName } from "../filter.js";
import { formatAt, formatCount, formatMs, plural } from "../format.js";
import { type BarStyle, type Painting, paintLane, pixelOf } from "../lane-painter.js";
import type { Section, SectionView } from "../section.js";
import { Tooltip } from "../tooltip.js";
import type { ViewContext } from "../view-context.js";

const MAX_HEIGHT_PX = 560;
const MIN_LANE_PX = 5;
const MAX_LANE_PX = 22;
/** Between workers. */
const GAP_PX = 6;
const AXIS_PX = 28;
const PADDING_PX = 8;

export const timeline: Section = {
  id: "timeline",
  title: "Time line",
  hint:
    "A row for each core. Drag to zoom, Ctrl + wheel zooms at the pointer, Shift + wheel or arrow keys move, a double " +
    "click shows all. Click a task to see its details. Faint: the core was idle for a part of the pixel.",
  mount: (host, context) => new Timeline(host, context),
};

/** Where a lane is, in pixels from the top of the first. */
interface Row {
  readonly lane: Lane;
  readonly top: number;
}

interface Point {
  readonly clientX: number;
  readonly clientY: number;
}

class Timeline implements SectionView {
  private readonly plotHost = element("div", { class: "plot timeline-plot" });
  private readonly spacer = element("div");
  private readonly scroller = element("div", { class: "timeline-scroller" }, this.spacer);
  private readonly note = element("p", { class: "note" });
  private readonly host: HTMLElement;
  private readonly tooltip = new Tooltip();
  private readonly canvas = document.createElement("canvas");
  private readonly resized: ResizeObserver;
  private readonly unselect: () => void;
  private plot: uPlot | undefined;
  private unfollow = (): void => {};
  private rows: Row[] = [];
  private items: LaneItems | undefined;
  private laneHeight = MAX_LANE_PX;
  private viewHeight = 0;
  private frame = 0;
  private styles: BarStyle[] = [];
  /** Where the pointer is in the plot, in pixels of the window. */
  private pointer: Point | undefined;
  /** Where it was when a task was chosen: there it says no more than what the panel does. */
  private clicked: Point | undefined;
  /** What the plot was made for. */
  private look = "";

  constructor(
    parent: HTMLElement,
    private readonly context: ViewContext,
  ) {
    this.host = element(
      "div",
      { class: "timeline", role: "group", "aria-label": "Time line of tasks" },
      this.plotHost,
      this.scroller,
    );
    addTimeKeys(this.host, context);
    parent.append(this.host, this.note);
    this.scroller.addEventListener("scroll", () => this.drawSoon());
    this.resized = new ResizeObserver(() => {
      const width = this.plotHost.clientWidth;
      if (this.plot !== undefined && width > 0 && width !== this.plot.width) this.build();
    });
    this.resized.observe(this.plotHost);
    this.unselect = context.on("selection", () => this.showSelection());
    this.update();
  }

  update(): void {
    const { lanes, items } = this.context.analyses.lanes;
    this.items = items;
    const gaps = new Set(lanes.map(({ worker }) => worker)).size * GAP_PX;
    const room = (MAX_HEIGHT_PX - gaps) / Math.max(1, lanes.length);
    this.laneHeight = Math.max(MIN_LANE_PX, Math.min(MAX_LANE_PX, Math.floor(room)));
    let top = 0;
    this.rows = lanes.map((lane, i) => {
      if (i > 0 && lanes[i - 1].worker !== lane.worker) top += GAP_PX;
      top += this.laneHeight;
      return { lane, top: top - this.laneHeight };
    });
    this.viewHeight = Math.max(40, Math.min(top, MAX_HEIGHT_PX));
    this.spacer.style.height = `${top}px`;
    this.scroller.style.height = `${this.viewHeight}px`;
    this.scroller.hidden = top <= this.viewHeight;
    const { data } = this.context;
    this.styles = data.labels.map((_, label) => {
      const { hex, striped } = this.context.colourOf(label);
      return { colour: pixelOf(hex), striped };
    });
    this.note.textContent = this.about();
    const look = JSON.stringify([this.viewHeight, chartColours(this.host)]);
    // Not made anew without need: somebody may just be dragging in it.
    if (look === this.look) this.draw();
    else this.build();
    this.look = look;
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.resized.disconnect();
    this.unselect();
    this.unfollow();
    this.plot?.destroy();
    this.tooltip.destroy();
    this.host.remove();
    this.note.remove();
  }

  private about(): string {
    const { data, mask, analyses } = this.context;
    const { count, task } = analyses.lanes.items;
    if (count === 0) return "No task has run on a worker.";
    const on = `on ${plural(data.workers.length, "worker")}`;
    if (mask === undefined) return `${plural(count, "execution")} ${on}.`;
    let shown = 0;
    for (let item = 0; item < count; item++) shown += mask[task[item]];
    return `${formatCount(shown)} of ${plural(count, "execution")} ${on} pass the filter.`;
  }

  private build(): void {
    this.unfollow();
    // Nothing tells whether it is on the new plot before it moves.
    this.pointer = undefined;
    this.tooltip.hide();
    this.plot?.destroy();
    const height = this.viewHeight + AXIS_PX + PADDING_PX;
    const options = frameOptions(this.plotHost, this.context, height);
    const [xAxis, yAxis] = options.axes;
    this.plot = new uPlot(
      {
        ...options,
        axes: [
          xAxis,
          { ...yAxis, grid: { show: false }, ticks: { show: false }, values: () => [] },
        ],
        scales: { ...options.scales, y: { range: [0, 1] } },
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: {
          ...options.hooks,
          drawAxes: [() => this.paint()],
          draw: [
            () => {
              this.drawNames();
              // Another bar may be below the pointer, which has not moved.
              this.showTooltip();
            },
          ],
        },
      },
      [
        [0, 1],
        [0, 0],
      ],
      this.plotHost,
    );
    const { over } = this.plot;
    over.addEventListener("mousemove", (event) => this.hover(event));
    over.addEventListener("mouseleave", () => {
      this.pointer = undefined;
      this.showTooltip();
    });
    over.addEventListener("click", (event) => this.choose(event));
    over.addEventListener("wheel", (event) => this.scroll(event), { passive: false });
    this.unfollow = follow(this.plot, this.context, () => this.drawSoon());
    this.draw();
  }

  private drawSoon(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    const { fromMs, toMs } = this.context.range;
    const { plot } = this;
    if (plot === undefined) return;
    const { min, max } = plot.scales.x;
    if (min === fromMs / 1000 && max === toMs / 1000) plot.redraw(false);
    else plot.setScale("x", { min: fromMs / 1000, max: toMs / 1000 });
  }

  /** All bars, on the grid: what is not painted stays transparent. */
  private paint(): void {
    const { plot, items } = this;
    if (plot === undefined || items === undefined) return;
    const { left, top, width, height } = plot.bbox;
    const [w, h] = [Math.round(width), Math.round(height)];
    if (w <= 0 || h <= 0) return;
    const { fromMs, toMs } = this.context.range;
    const background = pixelOf(chartColours(this.host).background);
    const grey = pixelOf(chartColours(this.host).grid);
    const image = new ImageData(w, h);
    const pixels = new Uint32Array(image.data.buffer);
    const painting: Painting = { pixels, width: w, height: h, fromMs, toMs, background };
    const ratio = devicePixelRatio;
    const dimmed: BarStyle = { colour: grey, striped: false };
    const styleOf = this.styleOf(items);
    const laneHeight = Math.round((this.laneHeight - (this.laneHeight > 6 ? 2 : 1)) * ratio);
    for (const row of this.rows) {
      const y = Math.round((row.top - this.scroller.scrollTop) * ratio);
      if (y + laneHeight < 0 || y > h) continue;
      paintLane(painting, row.lane, items, y, laneHeight, styleOf, dimmed);
    }
    this.canvas.width = w;
    this.canvas.height = h;
    this.canvas.getContext("2d")?.putImageData(image, 0, 0);
    plot.ctx.drawImage(this.canvas, left, top);
    this.drawSelection();
  }

  private styleOf(items: LaneItems): (item: number) => BarStyle | undefined {
    const { mask, data } = this.context;
    const { label, state } = data.tasks;
    const { styles } = this;
    const failed: BarStyle = { colour: pixelOf("#d00000"), striped: true };
    return (item) => {
      const task = items.task[item];
      if (mask !== undefined && mask[task] === 0) return undefined;
      if (items.execution[item] !== -1 || state[task] === TracedState.failed) return failed;
      return styles[label[task]];
    };
  }

  private showSelection(): void {
    const { selectedTask } = this.context;
    const row = this.rows.find(({ lane }) => this.placeOf(lane, selectedTask) !== -1);
    if (selectedTask !== -1 && row !== undefined && !this.scroller.hidden) {
      const { scrollTop } = this.scroller;
      const isInSight =
        row.top >= scrollTop && row.top + this.laneHeight <= scrollTop + this.viewHeight;
      if (!isInSight) this.scroller.scrollTop = row.top - this.viewHeight / 2;
    }
    this.drawSoon();
  }

  /** -1: not in this lane. */
  private placeOf(lane: Lane, task: number): number {
    const { tasks } = this.context.data;
    if (task === -1 || tasks.worker[task] !== lane.worker || this.items === undefined) return -1;
    const startedMs = tasks.startedMs[task];
    const place = findInLane(lane, this.items, startedMs + 1e-4, 1e-3);
    return place !== -1 && this.items.task[lane.items[place]] === task ? place : -1;
  }

  private drawSelection(): void {
    const { plot } = this;
    const { selectedTask, data } = this.context;
    if (plot === undefined || selectedTask === -1) return;
    const { ctx, bbox } = plot;
    const from = plot.valToPos(data.tasks.startedMs[selectedTask] / 1000, "x", true);
    const endMs = data.tasks.finishedMs[selectedTask];
    const to = plot.valToPos((Number.isNaN(endMs) ? data.durationMs : endMs) / 1000, "x", true);
    if (Number.isNaN(from)) return;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.strokeStyle = chartColours(this.host).text;
    ctx.lineWidth = 2 * devicePixelRatio;
    for (const { lane, top } of this.rows) {
      if (this.placeOf(lane, selectedTask) === -1) continue;
      const y = bbox.top + (top - this.scroller.scrollTop - 1) * devicePixelRatio;
      const width = Math.max(4 * devicePixelRatio, to - from);
      ctx.strokeRect(from - 1, y, width + 2, this.laneHeight * devicePixelRatio);
    }
    ctx.restore();
  }

  /** Of workers, left of their first row; of cores where there is room. */
  private drawNames(): void {
    const { plot } = this;
    if (plot === undefined) return;
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.fillStyle = chartColours(this.host).text;
    ctx.textBaseline = "top";
    ctx.textAlign = "right";
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    const { workers } = this.context.data;
    let lastY = Number.NEGATIVE_INFINITY;
    this.rows.forEach(({ lane, top }, i) => {
      const y = bbox.top + (top - this.scroller.scrollTop) * ratio;
      const isFirst = i === 0 || this.rows[i - 1].lane.worker !== lane.worker;
      if (y < bbox.top - 1 || y > bbox.top + bbox.height - 6 * ratio) return;
      const core = lane.core === -1 ? "·" : String(lane.core);
      if (isFirst && y - lastY >= 12 * ratio) {
        ctx.textAlign = "left";
        ctx.fillText(shortName(workers[lane.worker].hostname, lane.worker), 2 * ratio, y);
        ctx.textAlign = "right";
        lastY = y;
      }
      if (this.laneHeight >= 11) ctx.fillText(core, bbox.left - 6 * ratio, y + 1);
    });
    ctx.restore();
  }

  private find(event: Point): { lane: Lane; item: number } | undefined {
    const { plot, items } = this;
    if (plot === undefined || items === undefined) return undefined;
    const box = plot.over.getBoundingClientRect();
    const y = event.clientY - box.top + this.scroller.scrollTop;
    const row = this.rows.find(({ top }) => y >= top && y < top + this.laneHeight);
    if (row === undefined) return undefined;
    const x = event.clientX - box.left;
    const ms = plot.posToVal(x, "x") * 1000;
    const toleranceMs = plot.posToVal(x + 2, "x") * 1000 - ms;
    const place = findInLane(row.lane, items, ms, toleranceMs);
    return place === -1 ? undefined : { lane: row.lane, item: row.lane.items[place] };
  }

  private hover({ clientX, clientY }: MouseEvent): void {
    this.pointer = { clientX, clientY };
    const { clicked } = this;
    if (clicked?.clientX === clientX && clicked.clientY === clientY) return;
    this.clicked = undefined;
    this.showTooltip();
  }

  /** Of what is below the pointer now. */
  private showTooltip(): void {
    const { pointer } = this;
    const isWanted = pointer !== undefined && this.clicked === undefined;
    const found = isWanted ? this.find(pointer) : undefined;
    if (pointer === undefined || found === undefined || this.items === undefined) {
      this.tooltip.hide();
      return;
    }
    const { data } = this.context;
    const { tasks } = data;
    const { item, lane } = found;
    const task = this.items.task[item];
    const execution = this.items.execution[item];
    const ranMs = this.items.endMs[item] - this.items.startMs[item];
    const state =
      execution === -1
        ? STATE_NAMES[tasks.state[task]]
        : (Object.keys(ExecutionEnd)[data.executions.end[execution]] ?? "");
    this.tooltip.show(pointer.clientX, pointer.clientY, [
      `${taskName(data, task)}  #${tasks.id[task]}`,
      `${state}, ran ${formatMs(ranMs)}`,
      `from ${formatAt(this.items.startMs[item])}`,
      `${data.workers[lane.worker].address}${lane.core === -1 ? "" : `, core ${lane.core}`}`,
    ]);
  }

  private choose(event: MouseEvent): void {
    const found = this.find(event);
    if (found === undefined || this.items === undefined) return;
    this.clicked = { clientX: event.clientX, clientY: event.clientY };
    this.tooltip.hide();
    this.context.selectTask(this.items.task[found.item]);
  }

  /** The wheel alone scrolls the rows, as long as there are more. */
  private scroll(event: WheelEvent): void {
    if (event.ctrlKey || event.metaKey || event.shiftKey || this.scroller.hidden) return;
    const before = this.scroller.scrollTop;
    this.scroller.scrollTop += event.deltaY;
    if (this.scroller.scrollTop !== before) event.preventDefault();
  }
}

function shortName(hostname: string, worker: number): string {
  const name = hostname.split(".")[0];
  const text = name.length > 7 ? `${name.slice(0, 3)}…${name.slice(-3)}` : name;
  return `${worker} ${text}`;
}
