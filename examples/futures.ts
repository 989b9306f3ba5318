/**
 * Futures: submit without waiting, use results as inputs of later tasks, take them as they
 * finish, see a failure. Run: `npx tsx examples/futures.ts [HOST:PORT]`
 */
import { Client, TaskFailed, tasks } from "hyperloom";

await using client = await Client.connect(process.argv[2]);

// Programs that count the lines of their input; all are submitted at once.
const texts = ["one\n", "one\ntwo\n", "one\ntwo\nthree\n"];
const counts = client.submit(
  texts.map((text, i) => tasks.run("wc -l", { stdin: tasks.const(text) }).withLabel(`count ${i}`)),
);

// Finished or not, a future can be the input of the next task. The data stays on the workers.
await using total = client.submitOne(tasks.merge(counts, "+").withLabel("all counts"));

for await (const future of client.asCompleted(counts)) {
  console.log(
    `future ${future.id} is ${future.status}: ${(await future.fetch()).toString().trim()}`,
  );
}
console.log("together:", (await total.fetch()).toString().replaceAll("\n", ""));
client.release(counts);

// A failure says which task failed, where, and what the program wrote.
try {
  await client.submitOne(tasks.run("ls /no/such/directory").withLabel("list")).gather();
} catch (error) {
  if (!(error instanceof TaskFailed)) throw error;
  console.log(
    `"${error.label}" ended with exit status ${error.exitStatus}: ${error.stderr.trim()}`,
  );
}

// A tuple of tasks gives a tuple of values.
const [size, lines] = await client.gather(
  client.submit([tasks.size(tasks.const("12345")), tasks.split(tasks.const("a\nb\nc\n"))]),
);
console.log(`${size.readBigUInt64LE()} bytes; ${lines.length} lines`);
