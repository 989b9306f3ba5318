/** What a report works out from the columns; pure functions, the same in Node and in a browser. */
export { Arrivals } from "./arrivals.js";
export * from "./attempts.js";
export * from "./core-use.js";
export * from "./counts-by-label.js";
export * from "./critical-path.js";
export * from "./durations.js";
export * from "./label-graph.js";
export * from "./lanes.js";
export * from "./lost-time.js";
export * from "./memory-marks.js";
export * from "./scheduler-time.js";
export * from "./slowest-tasks.js";
export * from "./sorted-order.js";
export * from "./step-function.js";
export * from "./tasks-over-time.js";
export * from "./traffic.js";
export * from "./waiting.js";
