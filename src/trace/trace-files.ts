/**
 * The files of a trace's directory: which belong to which trace, and reading one piece by piece. Called by
 * read-trace.ts.
 */
import { type FileHandle, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { LoomError, messageOf } from "../base/index.js";
import { DamagedTrace } from "./damaged-trace.js";
import { TRACE_FILE_SUFFIX, type TraceHeader } from "./format.js";
import { TraceDecoder, type TraceVisitor } from "./trace-decoder.js";
import { MAX_HEADER_BYTES, readHeader } from "./trace-header.js";

const PIECE_BYTES = 1024 * 1024;
const MAX_NAMED = 5;

export interface FoundFile {
  readonly name: string;
  readonly path: string;
  readonly header: TraceHeader;
  readonly headerBytes: number;
}

/**
 * Finds the files of one trace.
 * @param run beginning of its id, needed if there are several
 * @param warnings gets a line for what is left out
 * @throws LoomError `usage`
 */
export async function findTrace(
  directory: string,
  run: string | undefined,
  warnings: string[],
): Promise<{ server: FoundFile; workers: FoundFile[] }> {
  const { files, later } = await findFiles(directory, warnings);
  const servers = files.filter(({ header }) => header.role === "server");
  const chosen = run === undefined ? servers : servers.filter((file) => isOf(file, run));
  if (chosen.length === 0) {
    if (later !== undefined) throw new LoomError("usage", later);
    const why =
      servers.length > 0
        ? `none of its traces begins with ${run}; there are ${listRuns(servers)}`
        : files.length > 0
          ? "the server's file is missing, there are only those of workers"
          : `it has no file that ends with ${TRACE_FILE_SUFFIX} and can be read`;
    throw new LoomError("usage", `no trace of HyperLoom in ${directory}: ${why}`);
  }
  if (chosen.length > 1) {
    throw new LoomError(
      "usage",
      `${directory} has ${chosen.length} traces: ${listRuns(chosen)}; choose one (--run ${chosen[0].header.run.slice(0, 8)})`,
    );
  }
  const [server] = chosen;
  const others = files.filter(({ header }) => header.role === "worker");
  const workers = others.filter(({ header }) => header.run === server.header.run);
  const runs = new Set(servers.map(({ header }) => header.run));
  const foreign = others.filter(({ header }) => !runs.has(header.run));
  if (foreign.length > 0) {
    warnings.push(`left out, of other traces: ${listNames(foreign.map(({ name }) => name))}`);
  }
  return { server, workers };
}

function isOf({ header }: FoundFile, run: string): boolean {
  return header.run.startsWith(run);
}

function listRuns(files: readonly FoundFile[]): string {
  const byTime = files.toSorted((a, b) => b.header.startMs - a.header.startMs);
  const texts = byTime.map(({ header }) => `${header.run.slice(0, 8)} of ${timeOf(header)}`);
  return listNames(texts);
}

function timeOf({ startMs }: TraceHeader): string {
  const time = new Date(startMs);
  return Number.isNaN(time.getTime()) ? "an unknown time" : time.toISOString();
}

function listNames(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return names.slice(0, MAX_NAMED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** `later`: what to say of a file that another version of HyperLoom has written. */
async function findFiles(
  directory: string,
  warnings: string[],
): Promise<{ files: FoundFile[]; later: string | undefined }> {
  const files: FoundFile[] = [];
  let later: string | undefined;
  const foreign: string[] = [];
  for (const entry of await entriesOf(directory)) {
    const { name } = entry;
    if (!entry.isFile() || !name.endsWith(TRACE_FILE_SUFFIX)) {
      foreign.push(name);
      continue;
    }
    const path = join(directory, name);
    const found = await usingFile(path, async (file) => {
      const bytes = new Uint8Array(MAX_HEADER_BYTES);
      return readHeader(bytes.subarray(0, await fill(file, bytes)));
    });
    if ("text" in found) {
      warnings.push(`left out: ${name} ${found.text}`);
      if (found.isOtherVersion) later ??= `${path} ${found.text}`;
    } else files.push({ name, path, header: found.header, headerBytes: found.bytes });
  }
  if (foreign.length > 0) warnings.push(`left out, no trace files: ${listNames(foreign)}`);
  return { files, later };
}

async function entriesOf(directory: string) {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT"
        ? "no such directory"
        : code === "ENOTDIR"
          ? "it is a file; give the directory that it is in"
          : messageOf(error);
    throw new LoomError("usage", `no trace of HyperLoom in ${directory}: ${why}`);
  }
}

/**
 * Reads the records of a file up to its end, or to what can't be read: then `warnings` gets a line.
 */
export async function readRecords(
  { name, path, headerBytes }: FoundFile,
  visitor: TraceVisitor,
  warnings: string[],
): Promise<void> {
  await usingFile(path, async (file) => {
    const { size } = await file.stat();
    const decoder = new TraceDecoder(visitor, size - headerBytes);
    const piece = new Uint8Array(PIECE_BYTES);
    const where = (): string => `byte ${headerBytes + decoder.wholeBytes}`;
    try {
      for (let at = headerBytes; at < size; ) {
        const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, size - at), at);
        if (bytesRead === 0) break;
        at += bytesRead;
        decoder.push(piece.subarray(0, bytesRead));
      }
    } catch (error) {
      if (!(error instanceof DamagedTrace)) throw error;
      warnings.push(`${name} is damaged at ${where()}: ${error.message}; what follows is left out`);
      return;
    }
    if (decoder.restBytes > 0) {
      warnings.push(`${name} ends in the middle of a record, at ${where()}`);
    }
  });
}

async function usingFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    return await use(file);
  } catch (error) {
    if (error instanceof LoomError || (error as NodeJS.ErrnoException).syscall === undefined) {
      throw error;
    }
    throw new LoomError("usage", `the trace file ${path} can't be read: ${messageOf(error)}`);
  } finally {
    await file?.close();
  }
}

/** Reads until the array is full or the file ends; gives how many bytes. */
async function fill(file: FileHandle, bytes: Uint8Array): Promise<number> {
  let count = 0;
  while (count < bytes.length) {
    const { bytesRead } = await file.read(bytes, count, bytes.length - count, count);
    if (bytesRead === 0) break;
    count += bytesRead;
  }
  return count;
}
