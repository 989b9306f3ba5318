/** Room `protocol`: schema, message types, codecs. No I/O. */
export { AssignRecord } from "./assign-record.js";
export * from "./client-messages.js";
export * from "./frame-decoder.js";
export * from "./peer.js";
export * from "./plan-columns.js";
export * from "./plan-decoder.js";
export * from "./plan-encoder.js";
export { RecordWriter } from "./record-writer.js";
export * from "./server-to-worker.js";
export { readSmallValues, SmallValueWriter } from "./small-values.js";
export * from "./symbols.js";
export * from "./worker-to-server.js";
