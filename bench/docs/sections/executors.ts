/** Functions, programs, extensions and transfers: what workers do. */
import type { BenchRecord } from "../../record.js";
import { CPP_PYTHON_CALLS_PER_SECOND, CPP_TASKS_PER_SECOND } from "../cpp-figures.js";
import { number, table } from "../markdown.js";
import { newestRecords, type ResultFile, sourceOf } from "../result-files.js";
import { paragraphs, type Section } from "../section.js";

export function functions(files: readonly ResultFile[]): Section | undefined {
  const calls = newestRecords(files, /^(py|js)-\d+k$/);
  const bytes = newestRecords(files, /^(py|js)-bytes$/);
  if (calls === undefined && bytes === undefined) return undefined;
  const text = paragraphs(
    calls &&
      `Calls of a function that gives one byte, on one worker. The interpreter in a worker of C++ HyperLoom reaches ${number(CPP_PYTHON_CALLS_PER_SECOND, 10)} calls of Python a second.`,
    calls && throughputTable(calls.records),
    calls && sourceOf(calls.file),
    bytes &&
      "Functions in a row, each giving a changed copy of 100 MB, beside the same steps in one process that reads and writes files in memory:",
    bytes &&
      table(
        ["case", "ms per step", "without HyperLoom", "MB the worker grew"],
        bytes.records.map((record) => [
          record.case,
          number(record.msPerStep),
          number(record.rawMsPerStep),
          number(record.workerGrewMB),
        ]),
      ),
    bytes && sourceOf(bytes.file),
  );
  return { title: "Functions", text, charts: [] };
}

export function programs(files: readonly ResultFile[]): Section | undefined {
  const found = newestRecords(files, /^run-/);
  if (found === undefined) return undefined;
  const { spawnsPerSecond } = (found.file.content.raw ?? {}) as { spawnsPerSecond?: number };
  const text = paragraphs(
    `\`/bin/true\` in a fresh directory with its output collected, four at a time on one worker; also while the worker holds 2 GiB of objects. C++ HyperLoom starts ${number(CPP_TASKS_PER_SECOND["run-2k"][1])} a second. In the same run this machine started ${number(spawnsPerSecond)} a second from a small process, one after another, with no directory and no output.`,
    throughputTable(found.records),
    sourceOf(found.file),
  );
  return { title: "Programs", text, charts: [] };
}

export function transfers(files: readonly ResultFile[]): Section | undefined {
  const found = newestRecords(files, ["transfer"]);
  if (found === undefined) return undefined;
  const [record] = found.records;
  const text = paragraphs(
    "1 GiB from one worker to another on the same machine, beside a plain TCP copy between two processes that drops the bytes, and one that keeps them in fresh memory.",
    table(
      ["GB/s", "plain TCP", "ratio", "ratio to a copy that is kept"],
      [
        [
          number(record.gigabytesPerSecond),
          number(record.rawTcpGigabytesPerSecond),
          number(record.ratioToRawTcp),
          number(record.ratioToRawTcpKept),
        ],
      ],
    ),
    sourceOf(found.file),
  );
  return { title: "Transfers", text, charts: [] };
}

function throughputTable(records: readonly BenchRecord[]): string {
  return table(
    ["case", "what", "warm /s", "cold /s", "worker µs"],
    records.map((record) => [
      record.case,
      record.what,
      number(record.warmTasksPerSecond),
      number(record.coldTasksPerSecond),
      number(record.warmWorkerCpuUsPerTask),
    ]),
  );
}
