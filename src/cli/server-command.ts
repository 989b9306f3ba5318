/** `loom server`: flags → startServer. */
import { startServer } from "../server/index.js";
import { formatAddress } from "../transport/index.js";
import { createLogger } from "./log.js";
import type { ServerFlags } from "./options.js";
import { runService } from "./service-process.js";

const LOOPBACK = /^(localhost|127\.|::1$)/;

export async function serverCommand(_args: string[], flags: ServerFlags): Promise<number> {
  const logger = await createLogger(flags.debug === true);
  if (!LOOPBACK.test(flags.listen)) {
    logger.warn(
      `listening on ${flags.listen}: whoever can reach this port can run programs on the workers; keep it inside a trusted network`,
    );
  }
  return runService(
    () =>
      startServer({
        port: flags.port,
        listen: flags.listen,
        heartbeatTimeoutMs: flags.heartbeatTimeout * 1000,
        maxLosses: flags.maxLosses,
        logger,
      }),
    ({ host, port }) => ({
      line: `Server listens on ${formatAddress(host, port)}`,
      message: { loom: "listening", host, port },
    }),
  );
}
