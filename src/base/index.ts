/** Room `base`: error types and small data structures. Imports nothing. */
export * from "./errors.js";
export * from "./row-table.js";
