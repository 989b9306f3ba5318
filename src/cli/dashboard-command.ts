/** `loom dashboard`: the address of a server's live page, and a browser that shows it. */
import { spawn } from "node:child_process";
import { Client } from "../client/index.js";
import { formatAddress } from "../transport/index.js";
import { CliError } from "./cli-error.js";
import type { DashboardFlags } from "./options.js";
import { chosenServer, isLoopback } from "./values.js";

export async function dashboardCommand(args: string[], flags: DashboardFlags): Promise<number> {
  const { host, port } = chosenServer(args[0], flags.server);
  const address = formatAddress(host, port);
  await using client = await Client.connect(address);
  const { dashboard } = await client.status();
  if (dashboard === undefined) {
    throw new CliError(
      `the server at ${address} has no HTTP port; start it without --http-port none`,
    );
  }
  process.stdout.write(`${dashboard}\n`);
  const { hostname, port: httpPort } = new URL(dashboard);
  if (isLoopback(hostname) && !isLoopback(host)) {
    process.stderr.write(
      `It can be reached on ${host} only; from here with: ssh -N -L ${httpPort}:${hostname}:${httpPort} ${host}\n`,
    );
  }
  if (flags.open) await openInBrowser(dashboard);
  return 0;
}

/** Rejects with a CliError when there is nothing to open it with. */
async function openInBrowser(url: string): Promise<void> {
  const [program, ...first] =
    process.platform === "darwin"
      ? ["open"]
      : process.platform === "win32"
        ? ["cmd", "/c", "start", ""]
        : ["xdg-open"];
  const child = spawn(program, [...first, url], { stdio: "ignore", detached: true });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) =>
      reject(
        new CliError(`${program} can't be started (${error.message}); open ${url} in a browser`),
      ),
    );
  });
  // The browser may stay for long.
  child.unref();
}
