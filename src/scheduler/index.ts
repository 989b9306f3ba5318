/** Room `scheduler`: a view of tasks and workers -> assignments. No I/O. */

export { onlyAdds } from "./placement.js";
export {
  type RequestKind,
  RequestKinds,
  type RequestVariant,
} from "./request-kind.js";
export * from "./scheduler.js";
export * from "./task-class.js";
export { MAX_CLASSES, TaskClasses } from "./task-classes.js";
export * from "./task-state.js";
export * from "./task-view.js";
export { DEFAULT_NETWORK, type NetworkModel } from "./transfers.js";
export { ableFor } from "./worker-index.js";
export * from "./worker-load.js";
