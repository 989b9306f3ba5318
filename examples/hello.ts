/** Two constants merged. Run: `npx tsx examples/hello.ts [HOST:PORT]`; no address: a cluster of its own. */
import { Client, tasks } from "hyperloom";

await using client = await Client.connect(process.argv[2]);
const hello = tasks.const("Hello ");
const world = tasks.const("world!");
const future = client.submitOne(tasks.merge([hello, world]));
console.log((await future.gather()).toString());
