/** Room `protocol`: schema, message types, codecs. No I/O. */
export { AssignRecord } from "./assign-record.js";
export * from "./client-messages.js";
export type * from "./explanation.js";
export * from "./frame-decoder.js";
export * from "./peer.js";
export * from "./plan-columns.js";
export * from "./plan-decoder.js";
export * from "./plan-encoder.js";
export { RecordWriter } from "./record-writer.js";
export {
  AssignFlag,
  INLINE_LIMIT,
  InputPlace,
  ObserveFlag,
  type ServerToWorkerHandler,
  WORKER_PROTOCOL_VERSION,
} from "./server-to-worker.js";
export { ServerToWorkerReader } from "./server-to-worker-reader.js";
export { ServerToWorkerWriter } from "./server-to-worker-writer.js";
export { readSmallValues, SmallValueWriter } from "./small-values.js";
export * from "./symbols.js";
export { LabelMatcher } from "./task-label.js";
export { findWrongField, type WorkerSample } from "./worker-sample.js";
export * from "./worker-to-server.js";
