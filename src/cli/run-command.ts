/**
 * `loom run`: runs a script in this process, TypeScript through tsx. The process then lives
 * as long as the script's own handles, as under `node`.
 */
import { pathToFileURL } from "node:url";
import { LoomError } from "../base/index.js";
import { registerModuleHooks } from "../extensions/index.js";
import { formatAddress } from "../transport/index.js";
import { CliError, EXIT_FAILURE } from "./cli-error.js";
import type { RunFlags } from "./options.js";
import { readableFile, serverAddress } from "./values.js";

export async function runCommand(args: string[], flags: RunFlags): Promise<undefined> {
  const [file, ...scriptArgs] = args;
  const path = readableFile("script", file, "the path of a script");
  if (flags.server !== undefined) {
    const { host, port } = serverAddress(flags.server);
    // Client.connect() without an address reads it.
    process.env.LOOM_SERVER = formatAddress(host, port);
  }
  process.argv = [process.argv[0], path, ...scriptArgs];
  await registerModuleHooks({ typescript: true });
  try {
    await import(pathToFileURL(path).href);
  } catch (error) {
    if (error instanceof LoomError) throw error;
    // The script's own error: its author needs the stack.
    console.error(error);
    throw new CliError(`${file} ended with an error (above)`, EXIT_FAILURE);
  }
}
