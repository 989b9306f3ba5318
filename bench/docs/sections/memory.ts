/** Memory of the server per task. */
import { CPP_SERVER_BYTES_PER_TASK } from "../cpp-figures.js";
import { number, table } from "../markdown.js";
import { newestRecords, type ResultFile, sourceOf } from "../result-files.js";
import { paragraphs, type Section } from "../section.js";

export function memory(files: readonly ResultFile[]): Section | undefined {
  const found = newestRecords(files, /^memory-/);
  if (found === undefined) return undefined;
  const rows = found.records.map((record) => [
    record.case.replace("memory-", ""),
    number(record.tasks, 10),
    number(record.serverBytesPerTask),
    number(record.serverMBBefore),
  ]);
  const text = paragraphs(
    `Growth of the server's peak resident memory during one plan in a fresh server, per task: the received plan, the task table, messages on their way, and garbage that is not collected yet. C++ HyperLoom takes about ${CPP_SERVER_BYTES_PER_TASK} bytes.`,
    table(["plan", "tasks", "bytes per task", "MB before"], rows),
    sourceOf(found.file),
  );
  return { title: "Memory of the server", text, charts: [] };
}
