/**
 * Run with --expose-gc: forgets futures and says which ids a server was told to release.
 * Futures that something waits for, or that a task to be submitted uses, must stay.
 */
import { Client, type Future, tasks } from "../../../src/client/index.js";
import { FakeServer } from "../fake-server.js";

const collect = globalThis.gc as () => void;
const server = await FakeServer.start();
const client = await Client.connect(server.address);

async function iterate(futures: Future[]): Promise<void> {
  for await (const future of client.asCompleted(futures)) future.status;
}

function submit() {
  const futures = client.submit(Array.from({ length: 6 }, (_, i) => tasks.const(`${i}`)));
  const waiting = Promise.all([
    futures[1].fetch(),
    client.wait([futures[2]]),
    iterate(futures.slice(3, 4)),
  ]);
  return { kept: futures[0], user: tasks.merge([futures[4]]), waiting };
}

const { kept, user, waiting } = submit();
const released: number[] = [];
async function collectUntil(count: number): Promise<void> {
  while (released.length < count) {
    const request = server.take("RELEASE_MANY");
    let got = false;
    request.then(({ ids }) => {
      released.push(...ids);
      got = true;
    });
    while (!got) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

// Only the last of the six is of no use to anyone.
await collectUntil(1);
const first = [...released];
server.values.set(1, "one");
server.finish(0, 1, 2, 3, 4);
const [one] = await waiting;
// Those that were waited for are garbage now; 0 and 4 are not.
await collectUntil(4);
console.log(
  JSON.stringify({
    first,
    later: released.slice(1).sort(),
    one: String(one),
    kept: kept.status,
    input: user.inputs.length,
  }),
);
await client.close();
await server.close();
