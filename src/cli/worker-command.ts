/** `loom worker`: arguments and flags → startWorker. */

import { formatAddress } from "../transport/index.js";
import { startWorker } from "../worker/index.js";
import { createLogger } from "./log.js";
import type { WorkerFlags } from "./options.js";
import { runService } from "./service-process.js";
import { serverAddress, usableDirectory } from "./values.js";

export async function workerCommand(args: string[], flags: WorkerFlags): Promise<number> {
  const server = serverAddress(args[0], args[1]);
  const workDir = flags.wdir === undefined ? undefined : usableDirectory("--wdir", flags.wdir);
  const logger = await createLogger(flags.debug === true);
  return runService(
    () =>
      startWorker({
        serverHost: server.host,
        serverPort: server.port,
        cpus: flags.cpus,
        workDir,
        pin: flags.nopin !== true,
        python: flags.python,
        listen: flags.listen,
        zeroWork: flags.zeroWork === true,
        logger,
      }),
    ({ address }) => ({
      line: `Worker ${address} registered with ${formatAddress(server.host, server.port)}`,
      message: { loom: "registered", address },
    }),
  );
}
