/**
 * Lines over time. Owns: reducing curves to as many points as there are pixels (so that zooming costs the same
 * whatever they are made of), the legend with values at the pointer. Used by all charts.
 */
import uPlot from "uplot";
import type { StepFunction } from "../analysis/index.js";
import { addTimeKeys, chartColours, follow, frameOptions } from "./chart-frame.js";
import type { LabelColour } from "./colours.js";
import { element, swatch } from "./dom.js";
import { formatCount } from "./format.js";
import { RowBox } from "./row-box.js";
import type { ViewContext } from "./view-context.js";

export interface ChartLine {
  readonly name: string;
  readonly colour: LabelColour;
  readonly curve: StepFunction;
}

export interface ChartOptions {
  readonly title: string;
  readonly format: (value: number) => string;
  /** Said in place of the plot while all is 0. */
  readonly nothing: string;
  /** Of the axis, where the values are rounded too much for it; default: `format`. */
  readonly formatTick?: (value: number) => string;
  /** What a point shows of its pixel: the value at its end, the mean, or the growth per second. */
  readonly show: "value" | "mean" | "rate";
  /** Steps of the axis; default: round decimal numbers. */
  readonly steps?: readonly number[];
  readonly height?: number;
}

/** Steps of an axis that counts: between whole numbers there is nothing. */
export const COUNT_STEPS = Array.from({ length: 16 }, (_, power) => 10 ** power).flatMap((unit) => [
  ...[unit, 2 * unit, 5 * unit],
]);

/** Of more the largest are shown: nobody tells them apart. */
const MAX_LINES = 24;
const HEIGHT_PX = 190;
const PX_PER_POINT = 1.5;

export class TimeChart {
  private readonly host: HTMLElement;
  private readonly legend = element("div", { class: "chart-legend" });
  private readonly legendBox = new RowBox(this.legend, "lines");
  private readonly plotHost = element("div", { class: "plot" });
  private readonly leftOut = element("span", { class: "more" });
  private readonly empty = element("p", { class: "note nothing", hidden: true });
  private readonly resized: ResizeObserver;
  private plot: uPlot | undefined;
  private unfollow = (): void => {};
  private lines: readonly ChartLine[] = [];
  private values: HTMLElement[] = [];
  private frame = 0;
  /** What the plot was made for. */
  private look = "";

  constructor(
    parent: HTMLElement,
    private readonly context: ViewContext,
    private readonly options: ChartOptions,
  ) {
    this.host = element(
      "figure",
      { class: "chart", "aria-label": options.title },
      element("figcaption", {}, options.title, this.leftOut),
      this.empty,
      this.plotHost,
      this.legendBox.root,
    );
    this.empty.textContent = options.nothing;
    addTimeKeys(this.host, context);
    parent.append(this.host);
    this.resized = new ResizeObserver(() => {
      const width = this.plotHost.clientWidth;
      if (this.plot === undefined || width === 0 || width === this.plot.width) return;
      this.plot.setSize({ width, height: this.plot.height });
      this.draw();
    });
    this.resized.observe(this.plotHost);
  }

  /** Other lines, or the same ones with other values. */
  show(lines: readonly ChartLine[]): void {
    const isEmpty = !lines.some(({ curve }) => curve.values.some((value) => value > 0));
    this.empty.hidden = !isEmpty;
    this.plotHost.hidden = isEmpty;
    this.legendBox.root.hidden = isEmpty;
    const isCut = !isEmpty && lines.length > MAX_LINES;
    this.leftOut.textContent = isCut
      ? ` the ${MAX_LINES} largest of ${formatCount(lines.length)}`
      : "";
    if (isEmpty) return;
    this.lines = lines.length <= MAX_LINES ? lines : largest(lines);
    const names = this.lines.map(({ name, colour }) => [name, colour]);
    const look = JSON.stringify([names, chartColours(this.host)]);
    if (look === this.look) {
      // Not made anew: somebody may just be dragging in it.
      this.draw();
      this.showValues();
      return;
    }
    this.look = look;
    this.build();
  }

  destroy(): void {
    cancelAnimationFrame(this.frame);
    this.resized.disconnect();
    this.unfollow();
    this.legendBox.destroy();
    this.plot?.destroy();
    this.host.remove();
  }

  private build(): void {
    this.unfollow();
    this.plot?.destroy();
    const { format, formatTick = format, height = HEIGHT_PX } = this.options;
    const options = frameOptions(this.plotHost, this.context, height);
    if (this.options.steps !== undefined) options.axes[1].incrs = [...this.options.steps];
    options.axes[1].values = (_, splits) => splits.map(formatTick);
    this.plot = new uPlot(
      {
        ...options,
        scales: {
          ...options.scales,
          y: { range: (_, _min, max) => [0, max > 0 ? max * 1.05 : 1] },
        },
        series: [{}, ...this.lines.map((line) => this.seriesOf(line))],
        hooks: {
          ...options.hooks,
          setCursor: [...(options.hooks?.setCursor ?? []), () => this.showValues()],
        },
      },
      this.sampled(),
      this.plotHost,
    );
    this.unfollow = follow(this.plot, this.context, () => this.drawSoon());
    this.draw();
    this.values = this.lines.map(() => element("output", {}));
    this.legendBox.replace(
      this.lines.map(({ name, colour }, i) =>
        element(
          "span",
          { class: "legend-entry" },
          swatch(colour.hex, colour.striped),
          element("span", { class: "legend-name", title: name }, name),
          this.values[i],
        ),
      ),
    );
    this.showValues();
  }

  private seriesOf({ colour }: ChartLine): uPlot.Series {
    return {
      stroke: colour.hex,
      width: 1.5,
      dash: colour.striped ? [6, 3] : undefined,
      points: { show: false },
    };
  }

  private drawSoon(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    const { plot } = this;
    if (plot === undefined) return;
    const { fromMs, toMs } = this.context.range;
    plot.batch(() => {
      plot.setData(this.sampled(), false);
      plot.setScale("x", { min: fromMs / 1000, max: toMs / 1000 });
    });
  }

  private sampled(): uPlot.AlignedData {
    const { fromMs, toMs } = this.context.range;
    const points = Math.max(2, Math.round(this.plotHost.clientWidth / PX_PER_POINT));
    const stepMs = (toMs - fromMs) / (points - 1);
    const seconds = new Float64Array(points);
    for (let i = 0; i < points; i++) seconds[i] = (fromMs + stepMs * i) / 1000;
    return [seconds, ...this.lines.map(({ curve }) => this.points(curve, fromMs, stepMs, points))];
  }

  private points(curve: StepFunction, fromMs: number, stepMs: number, count: number): Float64Array {
    const { show } = this.options;
    const endMs = this.context.data.durationMs;
    const result = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const ms = fromMs + stepMs * i;
      if (show === "value") result[i] = curve.valueAt(ms);
      else if (show === "mean")
        result[i] = curve.mean(Math.max(0, ms - stepMs / 2), Math.min(ms + stepMs / 2, endMs));
      else result[i] = ((curve.valueAt(ms) - curve.valueAt(ms - stepMs)) / stepMs) * 1000;
    }
    return result;
  }

  /** At the pointer; without one at the end of the range. */
  private showValues(): void {
    const { plot } = this;
    if (plot === undefined) return;
    const at = plot.cursor.idx ?? plot.data[0].length - 1;
    this.values.forEach((output, i) => {
      output.textContent = this.options.format(plot.data[i + 1]?.[at] ?? 0);
    });
  }
}

/** Those with the largest last values. */
function largest(lines: readonly ChartLine[]): ChartLine[] {
  const size = ({ curve }: ChartLine): number => Math.max(curve.last, curve.max);
  const chosen = new Set([...lines].sort((a, b) => size(b) - size(a)).slice(0, MAX_LINES));
  return lines.filter((line) => chosen.has(line));
}
