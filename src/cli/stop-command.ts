/** `loom stop`: tells a server to stop, with its workers. */
import { Client } from "../client/index.js";
import { formatAddress } from "../transport/index.js";
import type { StopFlags } from "./options.js";
import { chosenServer } from "./values.js";

export async function stopCommand(args: string[], flags: StopFlags): Promise<number> {
  const { host, port } = chosenServer(args[0], flags.server);
  const address = formatAddress(host, port);
  const client = await Client.connect(address);
  await client.terminate();
  process.stdout.write(`Server ${address} stopped\n`);
  return 0;
}
