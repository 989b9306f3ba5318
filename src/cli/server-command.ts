/** `loom server`: flags → startServer. */
import { startServer } from "../server/index.js";
import { formatAddress } from "../transport/index.js";
import { createLogger } from "./log.js";
import type { ServerFlags } from "./options.js";
import { runService } from "./service-process.js";
import { isLoopback } from "./values.js";

export async function serverCommand(_args: string[], flags: ServerFlags): Promise<number> {
  const logger = await createLogger(flags.debug === true);
  if (!isLoopback(flags.listen)) {
    logger.warn(
      `listening on ${flags.listen}: whoever can reach this port can run programs on the workers; keep it inside a trusted network`,
    );
  }
  const http =
    flags.httpPort === "none" ? undefined : { port: flags.httpPort, host: flags.httpHost };
  if (http !== undefined && !isLoopback(http.host)) {
    logger.warn(
      `the dashboard listens on ${http.host}: whoever can reach its port can see all tasks, and cancel them; keep it inside a trusted network`,
    );
  }
  return runService(
    () =>
      startServer({
        port: flags.port,
        listen: flags.listen,
        heartbeatTimeoutMs: flags.heartbeatTimeout * 1000,
        maxLosses: flags.maxLosses,
        trace: flags.trace,
        http,
        logger,
      }),
    ({ host, port, dashboard }) => ({
      line:
        `Server listens on ${formatAddress(host, port)}` +
        (dashboard === undefined ? "" : `\nDashboard at ${dashboard}`),
      message: { loom: "listening", host, port, dashboard },
    }),
  );
}
