/**
 * Line charts as SVG text, drawn by Vega without a browser. The same chart gives the same text. Owns how
 * charts look. Called by write-performance.ts.
 */
import { type Axis, type GroupMark, type Mark, parse, type Scale, type Spec, View } from "vega";

/** Some panels beside each other with one legend: the same series have the same colour in all. */
export interface Chart {
  title: string;
  panels: readonly Panel[];
  /** Default: up to 2. */
  columns?: number;
}

export interface Panel {
  title: string;
  x: AxisSpec;
  y: AxisSpec;
  series: readonly Series[];
  /** A value of y that is a limit or a goal: a dashed line. */
  rule?: number;
}

export interface AxisSpec {
  title: string;
  scale: "linear" | "log";
  /** Where the ticks are; default: chosen by the scale. */
  ticks?: readonly number[];
}

export interface Series {
  name: string;
  points: readonly Point[];
}

interface Point {
  x: number;
  y: number;
}

const PANEL_WIDTH = 300;
const PANEL_HEIGHT = 190;
/** Okabe and Ito's colours, which the colour-blind can tell apart. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
const FONT = "system-ui, sans-serif";
const GREY = "#555";

/** @throws Error when a logarithmic axis gets a value that is not above 0 */
export async function renderChart(chart: Chart): Promise<string> {
  const view = new View(parse(chartSpec(chart)), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg.replace(/></g, ">\n<")}\n`;
}

function chartSpec(chart: Chart): Spec {
  const names = [...new Set(chart.panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  return {
    background: "white",
    padding: 12,
    title: { text: chart.title, anchor: "start", font: FONT, fontSize: 14, offset: 12 },
    layout: {
      columns: chart.columns ?? Math.min(chart.panels.length, 2),
      padding: 28,
      bounds: "full",
      align: "all",
    },
    scales: [{ name: "colour", type: "ordinal", domain: names, range: COLOURS }],
    legends: [
      {
        stroke: "colour",
        aria: false,
        orient: "bottom",
        direction: "horizontal",
        symbolType: "stroke",
        symbolStrokeWidth: 3,
        labelFont: FONT,
        labelFontSize: 12,
        labelLimit: 400,
        columnPadding: 16,
      },
    ],
    marks: chart.panels.map(panelMark),
  };
}

function panelMark(panel: Panel): GroupMark {
  const points = panel.series.flatMap(({ name, points: own }) =>
    own.map(({ x, y }) => ({ name, x, y })),
  );
  checkLogarithmic(panel, points);
  const values = panel.rule === undefined ? points : [...points, { x: points[0].x, y: panel.rule }];
  return {
    type: "group",
    aria: false,
    title: { text: panel.title, anchor: "start", font: FONT, fontSize: 12, fontWeight: "normal" },
    encode: { update: { width: { value: PANEL_WIDTH }, height: { value: PANEL_HEIGHT } } },
    data: [
      { name: "points", values: points },
      { name: "values", values },
    ],
    scales: [
      scale("x", panel.x, "points", [0, PANEL_WIDTH]),
      scale("y", panel.y, "values", [PANEL_HEIGHT, 0]),
    ],
    axes: [axis("x", panel.x, "bottom", values), axis("y", panel.y, "left", values)],
    marks: [...ruleMarks(panel.rule), linesMark(), dotsMark()],
  };
}

function scale(name: "x" | "y", spec: AxisSpec, data: string, range: number[]): Scale {
  const domain = { data, field: name };
  if (spec.scale === "log") {
    // Numbers of workers stay at the edges; values get whole decades.
    return { name, type: "log", base: name === "x" ? 2 : 10, nice: name === "y", domain, range };
  }
  return { name, type: "linear", zero: name === "y", nice: name === "y", domain, range };
}

function axis(
  name: "x" | "y",
  spec: AxisSpec,
  orient: "bottom" | "left",
  points: readonly Point[],
): Axis {
  const isDecades = spec.scale === "log" && name === "y";
  const ticks = spec.ticks ?? (isDecades ? decadeTicks(points.map((point) => point[name])) : []);
  return {
    scale: name,
    orient,
    title: spec.title,
    format: isDecades ? "~s" : "~g",
    grid: name === "y",
    gridScale: "x",
    gridColor: "#e5e5e5",
    domainColor: GREY,
    tickColor: GREY,
    labelColor: GREY,
    titleColor: GREY,
    labelFont: FONT,
    titleFont: FONT,
    titleFontWeight: "normal",
    labelOverlap: true,
    aria: false,
    ...(ticks.length === 0 ? { tickCount: 5 } : { values: [...ticks] }),
  };
}

/** 10, 20, 50, 100, …; only the powers of ten when that would be many. */
function decadeTicks(values: readonly number[]): number[] {
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.ceil(Math.log10(Math.max(...values)));
  const steps = last - first > 2 ? [1] : [1, 2, 5];
  const ticks = Array.from({ length: last - first }, (_, i) =>
    steps.map((step) => step * 10 ** (first + i)),
  );
  return [...ticks.flat(), 10 ** last];
}

function ruleMarks(rule: number | undefined): Mark[] {
  if (rule === undefined) return [];
  return [
    {
      type: "rule",
      aria: false,
      encode: {
        update: {
          x: { value: 0 },
          x2: { value: PANEL_WIDTH },
          y: { scale: "y", value: rule },
          stroke: { value: "#888" },
          strokeDash: { value: [4, 4] },
        },
      },
    },
  ];
}

function linesMark(): GroupMark {
  return {
    type: "group",
    aria: false,
    from: { facet: { name: "line", data: "points", groupby: "name" } },
    marks: [
      {
        type: "line",
        aria: false,
        from: { data: "line" },
        encode: {
          update: {
            x: { scale: "x", field: "x" },
            y: { scale: "y", field: "y" },
            stroke: { scale: "colour", field: "name" },
            strokeWidth: { value: 2 },
          },
        },
      },
    ],
  };
}

function dotsMark(): Mark {
  return {
    type: "symbol",
    aria: false,
    from: { data: "points" },
    encode: {
      update: {
        x: { scale: "x", field: "x" },
        y: { scale: "y", field: "y" },
        fill: { scale: "colour", field: "name" },
        size: { value: 28 },
      },
    },
  };
}

function checkLogarithmic(panel: Panel, points: readonly Point[]): void {
  for (const name of ["x", "y"] as const) {
    if (panel[name].scale !== "log") continue;
    const bad = points.find((point) => !(point[name] > 0));
    if (bad === undefined) continue;
    throw new Error(
      `chart "${panel.title}": ${name} is ${bad[name]}, which has no place on a logarithmic axis`,
    );
  }
}
