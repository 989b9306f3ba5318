// A client in a process of its own: does what its parent says, over the IPC channel.
import { Client, tasks } from "../../../dist/index.js";

const [address, name] = process.argv.slice(2);
const client = await Client.connect(address);
let held = [];

const text = (value) => Buffer.from(value).toString();

process.on("message", async (message) => {
  switch (message.kind) {
    case "compute": {
      const made = Array.from({ length: 200 }, (_, n) =>
        tasks.merge([tasks.const(name), tasks.const(`${message.round}`), tasks.const(`${n}`)], " "),
      );
      const values = await client.gather(client.submit(made));
      process.send({ kind: "values", value: values.map(text) });
      break;
    }
    case "hold":
      held = client.submit(Array.from({ length: 10 }, (_, n) => tasks.const(`${name} held ${n}`)));
      await client.wait(held);
      process.send({ kind: "holding" });
      break;
    case "fetch":
      process.send({ kind: "held", value: text(await held[9].fetch()) });
      break;
    case "close":
      await client.close();
      process.disconnect();
      break;
  }
});
process.send({ kind: "connected" });
