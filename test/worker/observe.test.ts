/** What `observe` switches on and off in a worker's session. */
import { pino } from "pino";
import { expect, it } from "vitest";
import { ObserveFlag, ServerToWorkerWriter } from "../../src/protocol/index.js";
import { ServerSession } from "../../src/worker/server-session.js";
import type { TaskRunner } from "../../src/worker/task-runner.js";

it("observe says whether samples are wanted", () => {
  const wanted: boolean[] = [];
  const session = new ServerSession({
    runner: { schedule: () => {} } as TaskRunner,
    executors: [],
    logger: pino({ level: "silent" }),
    setPeer: () => {},
    setSampling: (on) => wanted.push(on),
    shutdown: () => {},
  });
  const writer = new ServerToWorkerWriter();
  for (const flags of [ObserveFlag.samples, 0]) writer.observe(flags, "");
  session.read(writer.take()!);
  expect(wanted).toEqual([true, false]);
});
