/** Room `protocol`: schema, message types, codecs. No I/O. */
export * from "./plan-columns.js";
export * from "./server-to-worker.js";
export * from "./symbols.js";
export * from "./worker-to-server.js";
