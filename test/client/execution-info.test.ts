/** What TaskFailed tells of an execution; the Python client is tested with the same cases. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { taskFailedFrom } from "../../src/client/task-failed.js";
import {
  ClientResponseType,
  decodeClientResponse,
  encodeClientResponse,
} from "../../src/protocol/index.js";

interface Case {
  readonly name: string;
  readonly signal?: string;
  readonly exit_status?: number;
  readonly execution?: Readonly<Record<string, string | number | boolean>>;
  readonly text?: string;
}

const path = new URL("death-vectors.json", import.meta.url);
const cases = JSON.parse(readFileSync(path, "utf8")) as Case[];

/** The error as it comes from a server. */
function received(one: Case, errorMsg: string) {
  const fields = Object.entries(one.execution ?? {}).map(([name, value]) => [
    name.replace(/_./g, (letters) => letters[1].toUpperCase()),
    name === "started_ms" ? BigInt(value) : value,
  ]);
  const frame = encodeClientResponse({
    type: ClientResponseType.TASK_FAILED,
    error: {
      id: 1,
      worker: "10.0.0.7:4000",
      taskType: "loom/run/run",
      errorMsg,
      exitStatus: one.exit_status,
      signal: one.signal,
      execution: one.execution && Object.fromEntries(fields),
    },
  });
  return taskFailedFrom(decodeClientResponse(frame).error!);
}

it.each(cases)("its message ends with how it died: $name", (one) => {
  const { message, reason } = received(one, "Stderr:\nno\n");
  const end = one.text === undefined ? "\n" : `\n${one.text}`;
  expect(message).toBe(
    `task of type "loom/run/run" failed on worker 10.0.0.7:4000: Stderr:\nno${end}`,
  );
  expect(reason).toBe("Stderr:\nno\n");
});

it("its fields are in the units of this client, undefined where nothing is known", () => {
  const execution = {
    host: "node7",
    worker_pid: 12,
    started_ms: 1_700_000_000_000,
    duration_ms: 2500,
    time_limit_ms: 2000,
    peak_kib: 3,
  };
  expect(received({ name: "", execution }, "").execution).toEqual({
    host: "node7",
    workerPid: 12,
    startedAt: new Date(1_700_000_000_000),
    durationMs: 2500,
    timeLimitMs: 2000,
    peakBytes: 3072,
    memory: [],
    outOfMemory: false,
    memoryLimitBytes: undefined,
  });
  expect(received({ name: "", execution: { host: "n" } }, "").execution).toEqual({
    host: "n",
    workerPid: 0,
    startedAt: undefined,
    durationMs: undefined,
    timeLimitMs: undefined,
    peakBytes: undefined,
    memory: [],
    outOfMemory: false,
    memoryLimitBytes: undefined,
  });
  expect(received({ name: "" }, "").execution).toBeUndefined();
});

it("a curve has times and bytes, whatever a server sends", () => {
  const frame = encodeClientResponse({
    type: ClientResponseType.TASK_FAILED,
    error: { errorMsg: "", execution: { memoryMs: [1000, 1500, 2000], memoryKib: [1, 2] } },
  });
  expect(taskFailedFrom(decodeClientResponse(frame).error!).execution?.memory).toEqual([
    { ms: 1000, bytes: 1024 },
    { ms: 1500, bytes: 2048 },
    { ms: 2000, bytes: 0 },
  ]);
});
