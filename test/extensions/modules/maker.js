// Makes matrices; for test/cluster/extensions.test.ts.
import { appendFileSync } from "node:fs";
import { defineExtension } from "hyperloom";
import { Matrix, matrixType } from "./matrix.js";

const fromConfig = ({ config, value }) => value("matrix", Matrix.of(JSON.parse(config)));

export default defineExtension({
  prefix: "my",
  taskTypes: {
    make: { run: fromConfig },
    where: { run: () => String(process.pid) },
    poolMake: { pool: true, run: fromConfig },
    poolSum: { pool: true, run: ({ inputs }) => inputs.map((m) => String(m.unwrap().sum())) },
    poolPid: { pool: true, run: () => String(process.pid) },
    // It says what it got, and logs.
    poolTask: {
      pool: true,
      run: async ({ type, taskId, attempt, cpus, label, config, inputs, log, wrap, signal }) => {
        log.info(`in ${type}`);
        const got = {
          type,
          attempt,
          cpus,
          label,
          config: config.toString(),
          inputs: inputs.length,
        };
        return wrap({ ...got, hasId: taskId >= 0, aborted: signal.aborted });
      },
    },
    poolWrong: { pool: true, run: ({ value }) => value("vector", 1) },
    poolNumber: { pool: true, run: () => 3 },
    poolAgain: {
      pool: true,
      run: ({ inputs }) => ({ type: "my/poolSum", config: new Uint8Array(0), inputs }),
    },
    crash: { pool: true, run: () => process.kill(process.pid, "SIGKILL") },
    // Never returns: nothing but killing it helps.
    block: {
      pool: true,
      run: () => {
        for (;;);
      },
    },
    stray: {
      run: () => {
        setTimeout(() => {
          throw new Error("stray timer");
        });
        Promise.reject(new Error("stray promise"));
        return "";
      },
    },
    // Takes the worker with it, in the moment in which it starts.
    killWorker: {
      run: ({ config }) => {
        appendFileSync(JSON.parse(config), "x");
        process.kill(process.pid, "SIGKILL");
      },
    },
    wait: { run: ({ signal }) => new Promise((_, no) => signal.addEventListener("abort", no)) },
  },
  dataTypes: { matrix: matrixType },
});
