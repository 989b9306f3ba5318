/** What plans cost the clients. */
import { number, table } from "../markdown.js";
import { newestRecords, type ResultFile, sourceOf } from "../result-files.js";
import { paragraphs, type Section } from "../section.js";

export function client(files: readonly ResultFile[]): Section | undefined {
  const found = newestRecords(files, /^encode-/);
  if (found === undefined) return undefined;
  const rows = found.records.map((record) => [
    record.case.replace(/encode-(py-)?/, ""),
    record.case.startsWith("encode-py-") ? "Python" : "TypeScript",
    number(record.warmBuildNsPerTask),
    number(record.coldBuildNsPerTask),
    number(record.warmSubmitNsPerTask),
    number(record.coldSubmitNsPerTask),
    number(record.planBytesPerTask),
  ]);
  const text = paragraphs(
    "Nanoseconds per task at the client for making the task objects, and for `submit()`: numbering, encoding, handing to the socket. The plan's bytes are those that went to the server.",
    table(["plan", "client", "make warm", "cold", "submit warm", "cold", "B per task"], rows),
    sourceOf(found.file),
  );
  return { title: "Clients", text, charts: [] };
}
