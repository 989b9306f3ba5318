/** Makes traces for tests, with the writers that servers and workers use. Called by the tests of this folder. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  MAGIC,
  readTrace,
  ServerTraceWriter,
  type Trace,
  type TracedRows,
  type TraceHeader,
  WorkerTraceWriter,
} from "../../src/trace/index.js";

/** When all traces here begin, ms since 1970. */
export const START_MS = 1_700_000_000_000;
export const RUN = "5eed0000-0000-4000-8000-000000000001";

/** Removed at the end of the block (`using`). */
export function temporaryDirectory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "loom-trace-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

export function headerOf(role: "server" | "worker", more: Partial<TraceHeader> = {}): TraceHeader {
  const hostname = role === "server" ? "head" : "node";
  return { role, run: RUN, software: "0.1.0", hostname, pid: 7, startMs: START_MS, ...more };
}

/** A whole file. */
export function fileOf(header: TraceHeader, records: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${MAGIC}${JSON.stringify(header)}\n`), records]);
}

export function serverRecords(write: (writer: ServerTest) => void): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writer = new ServerTest((piece) => pieces.push(piece));
  writer.at(0);
  write(writer);
  writer.flush();
  return Buffer.concat(pieces);
}

export function workerRecords(write: (writer: WorkerTraceWriter) => void): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writer = new WorkerTraceWriter((piece) => pieces.push(piece));
  write(writer);
  writer.flush();
  return Buffer.concat(pieces);
}

/** Reads like what happens. */
export class ServerTest extends ServerTraceWriter {
  /** Ms since the start of the trace. */
  at(ms: number): this {
    this.setTime(START_MS + ms);
    return this;
  }

  joined(worker: number, cpus = 2, hostname = "node"): this {
    const address = `node${worker}:1`;
    const resources = [{ name: "mem", amount: 1e9 }];
    this.worker({
      event: "joined",
      worker,
      address,
      hostname,
      pid: 1,
      version: "1",
      cpus,
      resources,
    });
    return this;
  }

  /** Classes 0 (a core, label "heavy") and 1 (light), task type 0 and a client 0. */
  names(): this {
    this.symbols({ first: 0, names: ["loom/run/run", "loom/base/get"] });
    const variants = [{ cpus: 1, amounts: [] }];
    this.class({ class: 0, label: "heavy", priority: 0, variants });
    this.class({ class: 1, label: "", priority: 0, variants: [] });
    this.client({ event: "joined", client: 0, address: "me:1" });
    return this;
  }

  /** Tasks in rows `firstRow` on, one for each list of input rows. */
  plan(
    firstRow: number,
    inputs: readonly (readonly number[])[],
    more: Partial<TracedRows> = {},
  ): this {
    const count = inputs.length;
    this.rows({
      plan: 0,
      client: 0,
      idBase: 0,
      firstRow,
      taskType: new Uint16Array(count),
      taskClass: new Uint16Array(count),
      state: new Uint8Array(count),
      inputCount: Uint32Array.from(inputs, (list) => list.length),
      inputs: Uint32Array.from(inputs.flat()),
      ...more,
    });
    return this;
  }
}

/** Reads a trace of these records; undefined: the worker has no file. */
export async function traceOf(
  server: (writer: ServerTest) => void,
  workers: readonly (((writer: WorkerTraceWriter) => void) | undefined)[] = [],
): Promise<Trace> {
  using temporary = temporaryDirectory();
  const directory = temporary.path;
  writeFileSync(
    join(directory, "server.loomtrace"),
    fileOf(
      headerOf("server"),
      serverRecords((writer) => {
        server(writer);
        writer.end();
      }),
    ),
  );
  workers.forEach((write, worker) => {
    if (write === undefined) return;
    const bytes = fileOf(headerOf("worker", { worker }), workerRecords(write));
    writeFileSync(join(directory, `worker-${worker}.loomtrace`), bytes);
  });
  return await readTrace(directory);
}
