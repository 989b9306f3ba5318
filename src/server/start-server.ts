/** Starts a server: warm-up, listening, timers. Called by the command line. */
import { listen } from "../transport/index.js";
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
  const listener = await listen(
    options.listen ?? "127.0.0.1",
    options.port ?? DEFAULT_PORT,
    (connection) => server.accept(connection),
    { maxFrameBytes: MAX_REGISTER_BYTES },
  );
  server.startTimers();
  const close = (): Promise<void> => server.stop(listener);
  server.onTerminate = close;
  return { host: listener.host, port: listener.port, stopped: server.stopped, close };
}
