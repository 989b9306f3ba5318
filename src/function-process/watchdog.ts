/**
 * Ends this process soon after the worker has died, even while a function never returns: a thread
 * that looks for the parent every second. The end of the socket is noticed by main.ts.
 */
import { Worker } from "node:worker_threads";

const CODE = `
const { ppid } = require("node:worker_threads").workerData;
setInterval(() => {
  if (process.ppid !== ppid) process.kill(process.pid, "SIGKILL");
}, 1000);
`;

/** @param parent number of the worker's process */
export function watchParent(parent: number): void {
  const thread = new Worker(CODE, {
    eval: true,
    workerData: { ppid: parent },
    argv: [],
    execArgv: [],
    env: {},
    resourceLimits: {
      maxOldGenerationSizeMb: 8,
      maxYoungGenerationSizeMb: 1,
      codeRangeSizeMb: 0,
      stackSizeMb: 1,
    },
  });
  thread.unref();
  thread.on("error", (error) => {
    console.error(`the thread that watches the worker has ended: ${error.message}`);
  });
}
