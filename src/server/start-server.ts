/** Starts a server: warm-up, listening, timers. Called by the command line. */
import { resolve } from "node:path";
import { listen } from "../transport/index.js";
import { openHttpPort } from "./http-port.js";
import { LoomServer } from "./loom-server.js";
import type { RunningServer, ServerOptions } from "./options.js";
import { warmUp } from "./warm-up.js";

const DEFAULT_PORT = 9010;
/** The first frame of a connection is not longer, whoever it is. */
const MAX_REGISTER_BYTES = 1024 * 1024;

/**
 * Starts a server that listens for clients and workers.
 *
 * Rejects with LoomError("connection") when it can't listen there.
 *
 * @example
 * const server = await startServer({ port: 0, logger: pino() });
 * console.log(server.port);
 * await server.close();
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  await warmUp();
  const server = new LoomServer(options);
  if (options.trace !== undefined) await server.tracing.set(resolve(options.trace));
  const listener = await listen(
    options.listen ?? "127.0.0.1",
    options.port ?? DEFAULT_PORT,
    (connection) => server.connections.accept(connection),
    { maxFrameBytes: MAX_REGISTER_BYTES },
  );
  const http =
    options.http &&
    (await openHttpPort(server, options.http).catch(async (error: unknown) => {
      await server.stop(listener);
      throw error;
    }));
  server.dashboard = http?.url;
  server.startTimers();
  const close = async (): Promise<void> => {
    await server.stop(listener);
    await http?.close();
  };
  server.onTerminate = close;
  const { host, port } = listener;
  return { host, port, dashboard: http?.url, stopped: server.stopped, close };
}
