/** A scripted server and real workers in this process, all stopped after each test. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach } from "vitest";
import { encodeRunConfig } from "../../src/protocol/index.js";
import { type RunningWorker, startWorker, type WorkerOptions } from "../../src/worker/index.js";
import { ScriptedServer, type WorkerEnd } from "./scripted-server.js";

const cleanups: (() => unknown)[] = [];

/** Called after the test, the last one first. */
export function afterTest(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A directory that is removed after the test. */
export function scratchDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "loom-worker-test-"));
  afterTest(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A logger whose lines are collected. */
export function collectedLog(): { logger: WorkerOptions["logger"]; lines: string[] } {
  const lines: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => void lines.push(line) });
  return { logger, lines };
}

export async function startServer(
  answer?: Parameters<typeof ScriptedServer.start>[0],
): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(answer);
  afterTest(() => server.close());
  return server;
}

export interface WorkerUnderTest {
  readonly worker: RunningWorker;
  /** The server's side. */
  readonly end: WorkerEnd;
  readonly workDir: string;
  readonly lines: string[];
  readonly port: number;
}

/** Starts a worker that registers with the server. */
export async function startTestWorker(
  server: ScriptedServer,
  options: Partial<WorkerOptions> = {},
): Promise<WorkerUnderTest> {
  const { logger, lines } = collectedLog();
  const workDir = options.workDir ?? scratchDirectory();
  const connected = server.nextWorker();
  const worker = await startWorker({
    serverHost: "127.0.0.1",
    serverPort: server.port,
    cpus: 2,
    pin: false,
    logger,
    ...options,
    workDir,
  });
  afterTest(() => worker.close());
  const end = await connected;
  return { worker, end, workDir, lines, port: end.register.port };
}

/** A server with one worker. */
export async function startOne(options: Partial<WorkerOptions> = {}): Promise<WorkerUnderTest> {
  return startTestWorker(await startServer(), options);
}

/** Config of a program. */
export function program(...args: string[]): Uint8Array {
  return encodeRunConfig({ args });
}

/** Files and directories below, relative. */
export function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true }) as string[];
}

export function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/** Yields to I/O until the condition holds; the test's time limit ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
