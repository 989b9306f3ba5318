/** Room `base`: error types and small data structures. Imports nothing. */
export * from "./describe-amounts.js";
export * from "./errors.js";
export * from "./int-deque.js";
export * from "./range-allocator.js";
export * from "./row-table.js";
export * from "./system-reason.js";
export * from "./terminal-text.js";
export * from "./version.js";
