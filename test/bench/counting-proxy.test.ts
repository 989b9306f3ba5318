/** The proxy hands on what it gets, and counts it. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { expect, it } from "vitest";
import { startCountingProxy } from "../../bench/counting-proxy.js";

it("counts the bytes each way and ends its connections", async () => {
  // Answers each byte with three.
  const server = createServer((socket) => {
    socket.on("data", (chunk) => socket.write(Buffer.concat([chunk, chunk, chunk])));
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = await startCountingProxy(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [host, port] = proxy.address.split(":");
  const idle = connect(Number(port), host);
  const socket = connect(Number(port), host);
  socket.write(Buffer.alloc(100_000, 1));
  let received = 0;
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    received += chunk.length;
    if (received === 300_000) break;
  }
  expect([proxy.bytesFromClient, proxy.bytesFromServer]).toEqual([100_000, 300_000]);
  const ended = once(idle.resume(), "close");
  await proxy.close();
  await ended;
  server.close();
  await once(server, "close");
});
