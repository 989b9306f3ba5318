/** Room `worker`: the worker process. */
export * from "./options.js";
export { startWorker } from "./start-worker.js";
