/** A worker-like process that runs one shell script and is to be killed. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { ProgramExecutor } from "../../../src/executors/index.js";
import { ObjectStore } from "../../../src/object-store/index.js";
import { encodeRunConfig } from "../../../src/protocol/index.js";
import { aTask } from "../task-execution.js";

const [folder, pythonCommand, script] = process.argv.slice(2);
const runDirectory = join(folder, "run");
mkdirSync(runDirectory);
const executor = new ProgramExecutor({
  runDirectory,
  store: new ObjectStore(join(folder, "data")),
  pin: false,
  pythonCommand,
  logger: pino({ level: "silent" }),
});
await executor.ready();
console.log(executor.launcherPids.join(" "));
await executor.execute(
  aTask({
    taskType: "loom/run/run",
    config: encodeRunConfig({ args: ["sh", "-c", script] }),
    cpus: 1,
  }),
);
