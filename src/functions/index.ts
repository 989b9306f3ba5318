/** Room `functions`: what functions get and give. */
export type { Context, TaskLog } from "./context.js";
export type { Data, ElementOf } from "./data.js";
