/** `loom worker`: arguments and flags → startWorker. */

import { fileURLToPath } from "node:url";
import type { Logger } from "pino";
import { messageOf } from "../base/index.js";
import { type LoadedExtension, loadExtensions } from "../extensions/index.js";
import { formatAddress } from "../transport/index.js";
import { startWorker } from "../worker/index.js";
import { CliError, EXIT_FAILURE } from "./cli-error.js";
import { createLogger } from "./log.js";
import type { WorkerFlags } from "./options.js";
import { runService } from "./service-process.js";
import { serverAddress, usableDirectory } from "./values.js";

export async function workerCommand(args: string[], flags: WorkerFlags): Promise<number> {
  const server = serverAddress(args[0], args[1]);
  const workDir = flags.wdir === undefined ? undefined : usableDirectory("--wdir", flags.wdir);
  const logger = await createLogger(flags.debug === true);
  const extensions = await extensionsOf(flags.extension ?? []);
  if (extensions.length > 0) outliveExtensions(logger);
  return runService(
    () =>
      startWorker({
        serverHost: server.host,
        serverPort: server.port,
        cpus: flags.cpus,
        resources: flags.resource,
        share: flags.share,
        workDir,
        pin: flags.nopin !== true,
        python: flags.python,
        extensions,
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

/** The folder of HyperLoom's own compiled code. */
const OWN_CODE = fileURLToPath(new URL("..", import.meta.url));

async function extensionsOf(specifiers: readonly string[]): Promise<LoadedExtension[]> {
  try {
    return await loadExtensions(specifiers);
  } catch (error) {
    // The command line is right, the extension is not.
    throw new CliError(messageOf(error), EXIT_FAILURE, { cause: error });
  }
}

/**
 * From now on errors that nobody waits for (thrown in a timer of an extension, a promise that it
 * forgot) are logged and end nothing, unless they come from the worker's own code.
 */
function outliveExtensions(logger: Logger): void {
  const onError = (error: unknown): void => {
    if (isOwn(error)) {
      logger.fatal({ err: error }, "internal error: the worker ends");
      process.exit(EXIT_FAILURE);
    }
    const text = "an error in an extension that no task waited for";
    logger.error({ err: error }, `${text}: ${messageOf(error)}`);
  };
  // Without a handler of their own, rejections come there, too.
  process.on("uncaughtException", onError);
}

/** Whether the innermost code that is not Node's is this package's. */
function isOwn(error: unknown): boolean {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const frames = stack.split("\n").filter((line) => /^ +at /.test(line));
  return frames.find((line) => !/\(?node:/.test(line))?.includes(OWN_CODE) ?? false;
}
