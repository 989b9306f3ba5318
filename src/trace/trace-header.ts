/** The two lines with which a trace file begins. Called by read-trace.ts. */
import { MAGIC, type TraceHeader } from "./format.js";

const MAGIC_START = /^LOOMTRACE (\d+)\n/;
const VERSION_READ = Number(/\d+/.exec(MAGIC)![0]);
/** Longer ones are not headers. */
export const MAX_HEADER_BYTES = 64 * 1024;

/** Why a file can't be read. */
export interface HeaderProblem {
  /** For people, behind the file's name. */
  readonly text: string;
  /** Another version of HyperLoom could read it. */
  readonly isOtherVersion: boolean;
}

export interface ReadHeader {
  readonly header: TraceHeader;
  /** Where records begin. */
  readonly bytes: number;
}

/**
 * Reads a header from the beginning of a file, or says what is wrong with it.
 */
export function readHeader(bytes: Uint8Array): ReadHeader | HeaderProblem {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 32));
  const version = MAGIC_START.exec(text)?.[1];
  if (version === undefined) return damaged("is not a trace of HyperLoom");
  if (Number(version) !== VERSION_READ) {
    return {
      text: `has version ${version} of the trace format, this HyperLoom reads version ${VERSION_READ}; use the version of HyperLoom that has written it`,
      isOtherVersion: true,
    };
  }
  const start = MAGIC.length;
  const end = bytes.subarray(0, MAX_HEADER_BYTES).indexOf(0x0a, start);
  if (end === -1) return damaged("ends in its header");
  try {
    const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(start, end)));
    if (isHeader(header)) return { header, bytes: end + 1 };
  } catch {
    // Said below.
  }
  return damaged("has a damaged header");
}

function damaged(text: string): HeaderProblem {
  return { text, isOtherVersion: false };
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
