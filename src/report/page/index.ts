/**
 * The views, for pages: the report's own (main.ts) and the live page. A second entrance to the room, for code
 * that runs in a browser; what runs in Node enters through ../index.ts.
 */

export { StepFunction } from "../analysis/index.js";
export { element } from "./dom.js";
export { firstLine, withoutOutput } from "./failure-message.js";
export {
  formatBytes,
  formatCount,
  formatMeasured,
  formatMs,
  formatNumber,
  shortened,
} from "./format.js";
export { type MountedViews, mountViews, type ViewOptions } from "./mount-views.js";
export type { Section, SectionView } from "./section.js";
export { type ChartLine, type ChartOptions, COUNT_STEPS, TimeChart } from "./time-chart.js";
export type { ViewContext } from "./view-context.js";
export type { LabelTotal, ViewData, ViewFailure, ViewWorker } from "./view-data.js";
