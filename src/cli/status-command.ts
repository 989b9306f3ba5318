/** `loom status`: what a cluster does, as tables or as JSON. */
import { Client } from "../client/index.js";
import { formatAddress } from "../transport/index.js";
import type { StatusFlags } from "./options.js";
import { describeStatus } from "./status-text.js";
import { chosenServer } from "./values.js";

export async function statusCommand(args: string[], flags: StatusFlags): Promise<number> {
  const { host, port } = chosenServer(args[0], flags.server);
  const address = formatAddress(host, port);
  await using client = await Client.connect(address);
  const status = await client.status();
  const text =
    flags.json === true ? JSON.stringify(status, null, 2) : describeStatus(address, status);
  process.stdout.write(`${text}\n`);
  return 0;
}
