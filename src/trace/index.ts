/** Traces: how they are written, read and exported. */
export { arrowOf } from "./arrow-export.js";
export { chromeOf } from "./chrome-export.js";
export { csvOf } from "./csv-export.js";
export * from "./format.js";
export { GrowingColumns } from "./growing-columns.js";
export { makeDirectories } from "./make-directories.js";
export * from "./model.js";
export { type ReadTraceOptions, readTrace } from "./read-trace.js";
export { type Sample, SampleColumns, sampleOf } from "./sample-columns.js";
export { ServerTraceWriter, type TracedRows } from "./server-trace-writer.js";
export { commonTaskColumns } from "./task-columns.js";
export { STATE_NAMES } from "./task-fields.js";
export { TraceDecoder, type TraceVisitor } from "./trace-decoder.js";
export { TraceFile } from "./trace-file.js";
export { WorkerTraceWriter } from "./worker-trace-writer.js";
