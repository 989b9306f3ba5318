/** Where a worker writes what it traces: into the server's directory, or to the server. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ObserveFlag } from "../../src/protocol/index.js";
import { MAGIC, RunOutcome } from "../../src/trace/index.js";
import { TraceDecoder } from "../../src/trace/trace-decoder.js";
import {
  program,
  scratchDirectory,
  startOne,
  until,
  type WorkerUnderTest,
} from "./worker-fixture.js";

const RUN = "0123abcd-0000-4000-8000-000000000000";

type Ran = { row: number; attempt: number; outcome: number; core: number; cores: number };

function ranIn(...pieces: Uint8Array[]): Ran[] {
  const ran: Ran[] = [];
  const decoder = new TraceDecoder({
    ran: (row, attempt, _start, _duration, outcome, core, cores) =>
      ran.push({ row, attempt, outcome, core, cores }),
  });
  for (const piece of pieces) decoder.push(piece);
  return ran;
}

async function traceSome({ end }: WorkerUnderTest, directory: string): Promise<void> {
  end.writer.observe(ObserveFlag.trace, `3\n${RUN}\n${directory}`);
  end.assign({ row: 5, attempt: 2, type: "loom/run/run", cpus: 1, config: program("true") });
  end.assign({ row: 6, type: "loom/run/run", cpus: 2, config: program("false") });
  await end.next("finished", 5);
  await end.next("failed", 6);
}

const EXPECTED: Ran[] = [
  { row: 5, attempt: 2, outcome: RunOutcome.finished, core: 0, cores: 1 },
  { row: 6, attempt: 1, outcome: RunOutcome.failed, core: 0, cores: 2 },
];

it("into the directory where the server's file of this run is", async () => {
  const directory = scratchDirectory();
  writeFileSync(join(directory, "server-0123abcd.loomtrace"), "");
  const one = await startOne();
  await traceSome(one, directory);
  one.end.writer.observe(0, "");
  await one.end.settled();
  const path = join(directory, "worker-3-0123abcd.loomtrace");
  await until(() => existsSync(path) && readFileSync(path).length > 200);
  await one.worker.close();
  const content = readFileSync(path);
  expect(content.toString("latin1").startsWith(MAGIC)).toBe(true);
  const start = content.indexOf("\n", MAGIC.length) + 1;
  const header = JSON.parse(content.toString("utf8", MAGIC.length, start));
  expect(header).toMatchObject({ role: "worker", run: RUN, worker: 3, pid: process.pid });
  expect(ranIn(content.subarray(start))).toEqual(EXPECTED);
  expect(one.end.events.some(({ kind }) => kind === "trace")).toBe(false);
});

it.each([
  ["is not there", false],
  ["is another one of this name", true],
])("to the server, where its directory %s", async (_, exists) => {
  const directory = exists ? scratchDirectory() : "/no/such/directory";
  const one = await startOne();
  await traceSome(one, directory);
  const pieces = () =>
    one.end.events.flatMap((event) => (event.kind === "trace" ? [event.records] : []));
  await until(() => ranIn(...pieces()).length === 2);
  expect(ranIn(...pieces())).toEqual(EXPECTED);
});

it("not any more after the server has said so", async () => {
  const one = await startOne();
  await traceSome(one, "/no/such/directory");
  one.end.writer.observe(0, "");
  one.end.assign({ row: 7, type: "loom/run/run", cpus: 1, config: program("true") });
  await one.end.next("finished", 7);
  await one.worker.close();
  const pieces = one.end.events.flatMap((event) => (event.kind === "trace" ? [event.records] : []));
  expect(ranIn(...pieces).map(({ row }) => row)).not.toContain(7);
});
