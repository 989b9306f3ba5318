/** `loom explain`: what becomes of a task, as text or as JSON. */
import { Client } from "../client/index.js";
import { formatAddress } from "../transport/index.js";
import { usageError } from "./cli-error.js";
import type { ExplainFlags } from "./options.js";
import { chosenServer } from "./values.js";

export async function explainCommand([task]: string[], flags: ExplainFlags): Promise<number> {
  if (task === "") throw usageError("no task is named; give an id, CLIENT:ID or a label");
  const { host, port } = chosenServer(flags.server);
  await using client = await Client.connect(formatAddress(host, port));
  const explanation = await client.explain(task);
  const text = flags.json === true ? JSON.stringify(explanation, null, 2) : explanation.text;
  process.stdout.write(`${text}\n`);
  return 0;
}
