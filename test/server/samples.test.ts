/** What workers measure of themselves is told when they are lost. */
import { Writable } from "node:stream";
import { pino } from "pino";
import { it } from "vitest";
import { startServer } from "../../src/server/index.js";
import { waitFor } from "./deadline.js";
import { ScriptedWorker } from "./scripted-worker.js";

const GIB = 2 ** 30;
const sample = {
  timeMs: Date.now(),
  workerCpu: 0.5,
  taskCpu: 0.25,
  workerRssBytes: GIB / 2,
  taskRssBytes: 3 * GIB,
  freeMemoryBytes: GIB / 4,
  totalMemoryBytes: 4 * GIB,
  storeBytes: 10,
  sentBytes: 0,
  receivedBytes: 0,
  runningTasks: 1,
};

it("a worker whose sample has no numbers is closed", async () => {
  const server = await startServer({ port: 0, logger: pino({ level: "silent" }) });
  try {
    const worker = await ScriptedWorker.join(server.port, {});
    worker.writer.sample({ ...sample, totalMemoryBytes: Number.NaN });
    worker.flush();
    await worker.untilEnded();
  } finally {
    await server.close();
  }
});

it("a lost worker's last sample is in the log", async () => {
  const lines: string[] = [];
  const log = new Writable({
    write(line, _encoding, done) {
      lines.push((JSON.parse(String(line)) as { msg: string }).msg);
      done();
    },
  });
  const server = await startServer({ port: 0, logger: pino({}, log) });
  try {
    const identity = { hostname: "node7", pid: 812 };
    const gone = (text: string) =>
      waitFor(
        () => lines.some((line) => new RegExp(`is gone: it disconnected ${text}`).test(line)),
        text,
        () => lines.join("\n"),
      );
    const silent = await ScriptedWorker.join(server.port, identity);
    silent.socket.end();
    await gone("\\(process 812 on node7\\)$");
    for (const taskRssBytes of [3 * GIB, Number.NaN]) {
      const worker = await ScriptedWorker.join(server.port, identity);
      worker.writer.sample({ ...sample, workerRssBytes: 1 });
      worker.writer.sample({ ...sample, taskRssBytes });
      worker.flush();
      worker.socket.end();
      const tasks = Number.isNaN(taskRssBytes) ? "" : ", its tasks 3 GiB";
      const age = "\\d+(\\.\\d+)? m?s before";
      await gone(
        `\\(process 812 on node7, which had 512 MiB of memory${tasks} ${age}, when 256 MiB of 4 GiB were free\\)$`,
      );
    }
  } finally {
    await server.close();
  }
});
