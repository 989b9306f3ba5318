/**
 * What all plots over time have in common: the axis, zoom by dragging, wheel and keys, the pointer that is at
 * the same time in all. Used by time-chart.ts and the time line.
 */
import type uPlot from "uplot";
import type { ViewContext } from "./view-context.js";

/** Width of the space left of all plots, so that their times are below each other. */
export const LEFT_PX = 76;
const RIGHT_PX = 14;

export interface ChartColours {
  readonly text: string;
  readonly grid: string;
  readonly background: string;
}

export function chartColours(host: Element): ChartColours {
  const style = getComputedStyle(host);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  return { text: colour("--muted"), grid: colour("--grid"), background: colour("--panel") };
}

/** @param height of the whole plot */
export function frameOptions(
  host: HTMLElement,
  context: ViewContext,
  height: number,
): Omit<uPlot.Options, "series"> & { axes: uPlot.Axis[] } {
  const colours = chartColours(host);
  const axis: uPlot.Axis = {
    stroke: colours.text,
    font: "11px system-ui, sans-serif",
    grid: { stroke: colours.grid, width: 1 },
    ticks: { stroke: colours.grid, width: 1 },
  };
  return {
    width: Math.max(200, host.clientWidth),
    height,
    padding: [8, RIGHT_PX, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
      bind: {
        dblclick: () => () => {
          context.setRange(undefined);
          return null;
        },
      },
    },
    scales: { x: { time: false, range: (_, min, max) => [min, max] } },
    axes: [
      {
        ...axis,
        size: 28,
        values: (_, splits, __, ___, step) => splits.map((s) => axisTime(s, step)),
      },
      { ...axis, size: LEFT_PX },
    ],
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 3) return;
          const fromMs = plot.posToVal(left, "x") * 1000;
          const toMs = plot.posToVal(left + width, "x") * 1000;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          context.setRange({ fromMs, toMs });
        },
      ],
      setCursor: [
        (plot) => {
          const { left } = plot.cursor;
          // Only the plot below the pointer says where it is; others are told.
          if (!plot.over.matches(":hover")) return;
          const isInside = left !== undefined && left >= 0;
          context.setCursor(isInside ? plot.posToVal(left, "x") * 1000 : Number.NaN);
        },
      ],
    },
  };
}

/** Seconds on the axis, with as many digits as the steps need; from some minutes on m:ss and h:mm:ss. */
function axisTime(seconds: number, step: number): string {
  let digits = 0;
  while (digits < 6 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6)
    digits++;
  if (step < 1 || seconds < 120) return `${seconds.toFixed(digits)} s`;
  const rest = Math.round(seconds);
  const two = (value: number): string => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(rest / 3600), Math.floor(rest / 60) % 60, rest % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * Follows the context: range, pointer; and listens: wheel, keys, leaving.
 *
 * @param onRange draws for the new range
 * @returns ends it
 */
export function follow(plot: uPlot, context: ViewContext, onRange: () => void): () => void {
  const showPointer = (): void => {
    const { cursorMs } = context;
    if (plot.over.matches(":hover")) return;
    const left = Number.isNaN(cursorMs) ? -10 : plot.valToPos(cursorMs / 1000, "x");
    plot.setCursor({ left, top: 10 });
  };
  const leave = (): void => context.setCursor(Number.NaN);
  const wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
    event.preventDefault();
    const down = event.deltaY || event.deltaX;
    if (event.shiftKey) {
      context.pan(Math.sign(down) * 0.15);
    } else {
      const left = event.clientX - plot.over.getBoundingClientRect().left;
      context.zoom(down > 0 ? 1.25 : 0.8, plot.posToVal(left, "x") * 1000);
    }
  };
  plot.over.addEventListener("wheel", wheel, { passive: false });
  plot.over.addEventListener("mouseleave", leave);
  const ends = [context.on("range", onRange), context.on("cursor", showPointer)];
  return () => {
    for (const end of ends) end();
    plot.over.removeEventListener("wheel", wheel);
    plot.over.removeEventListener("mouseleave", leave);
  };
}

/** Arrows, +, - and 0 move the range while the element has the focus. */
export function addTimeKeys(host: HTMLElement, context: ViewContext): void {
  host.tabIndex = 0;
  host.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== host) return;
    const actions: Record<string, () => void> = {
      ArrowLeft: () => context.pan(-0.2),
      ArrowRight: () => context.pan(0.2),
      "+": () => context.zoom(0.5),
      "=": () => context.zoom(0.5),
      "-": () => context.zoom(2),
      "0": () => context.setRange(undefined),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
}
