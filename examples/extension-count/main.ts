/**
 * Counts a character in a file in all ways of the extension, and compares:
 *
 *     loom run examples/extension-count/main.ts [FILE [CHARACTER]]
 *
 * With `--server` the workers there must have been started with the extension.
 */
import { fileURLToPath } from "node:url";
import { Client, cpus, Task, tasks } from "hyperloom";

const WAYS = ["plain", "wasm", "pool"];
const [file = fileURLToPath(import.meta.url), character = "e"] = process.argv.slice(2);
const extension = fileURLToPath(new URL("./extension.ts", import.meta.url));

await using client = await Client.connect(
  process.env.LOOM_SERVER ? {} : { extensions: [extension] },
);
const data = tasks.open(file);
const counts = WAYS.map(
  (way) =>
    new Task<Buffer>({
      type: `example/count-${way}`,
      inputs: [data],
      config: character,
      request: cpus(1),
    }),
);
const results = (await client.gather(client.submit(counts))).map(Number);
results.forEach((count, i) => {
  console.log(`${WAYS[i]}: ${count}`);
});
if (new Set(results).size > 1) throw new Error("the ways do not agree");
