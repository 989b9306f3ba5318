/** The two lines with which a trace file begins. Called by read-trace.ts. */
import { MAGIC, type TraceHeader } from "./format.js";

const MAGIC_START = /^LOOMTRACE (\d+)\n/;
const VERSION_READ = Number(/\d+/.exec(MAGIC)![0]);
/** Longer ones are not headers. */
export const MAX_HEADER_BYTES = 64 * 1024;

/** Of text that says why a file can't be read: another version of HyperLoom could. */
export const OTHER_VERSION = "of the trace format";

export interface ReadHeader {
  readonly header: TraceHeader;
  /** Where records begin. */
  readonly bytes: number;
}

/**
 * Reads a header from the beginning of a file.
 * @returns what is wrong with it: a text, for people
 */
export function readHeader(bytes: Uint8Array): ReadHeader | string {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 32));
  const version = MAGIC_START.exec(text)?.[1];
  if (version === undefined) return "is not a trace of HyperLoom";
  if (Number(version) !== VERSION_READ) {
    return `has version ${version} ${OTHER_VERSION}, this HyperLoom reads version ${VERSION_READ}; use the version of HyperLoom that has written it`;
  }
  const start = MAGIC.length;
  const end = bytes.subarray(0, MAX_HEADER_BYTES).indexOf(0x0a, start);
  if (end === -1) return "ends in its header";
  try {
    const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(start, end)));
    if (isHeader(header)) return { header, bytes: end + 1 };
  } catch {
    // Said below.
  }
  return "has a damaged header";
}

function isHeader(value: unknown): value is TraceHeader {
  const its = value as Partial<TraceHeader> | null;
  return (
    typeof its === "object" &&
    its !== null &&
    (its.role === "server" || (its.role === "worker" && Number.isInteger(its.worker))) &&
    typeof its.run === "string" &&
    typeof its.software === "string" &&
    typeof its.hostname === "string" &&
    typeof its.startMs === "number"
  );
}
