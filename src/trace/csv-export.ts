/** The tasks of a trace as CSV (RFC 4180), piece by piece. Called by the command line. */
import type { Trace } from "./model.js";
import { taskFields } from "./task-fields.js";

const PIECE_LENGTH = 64 * 1024;

/** A line of names, then one a task; what is not known is empty. Times in ms since the start of the trace. */
export function* csvOf(trace: Trace): Generator<string> {
  const fields = taskFields(trace);
  let piece = `${fields.map(({ name }) => name).join(",")}\r\n`;
  for (let task = 0; task < trace.tasks.count; task++) {
    for (let i = 0; i < fields.length; i++) {
      const value = fields[i].get(task);
      if (i > 0) piece += ",";
      if (typeof value === "string") piece += quoted(value);
      else if (value !== undefined) piece += rounded(value);
    }
    piece += "\r\n";
    if (piece.length >= PIECE_LENGTH) {
      yield piece;
      piece = "";
    }
  }
  yield piece;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) || text === "" ? `"${text.replaceAll('"', '""')}"` : text;
}

/** No clock is better than a microsecond; bytes are whole. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
