/**
 * Receiving end of rawCopyMs() in raw-figures.ts: says its port, counts bytes, says "done". With
 * "keep" it puts the bytes into one buffer, as whoever wants to use them must.
 */
import { createServer } from "node:net";

const expected = Number(process.argv[2]);
const kept = process.argv[3] === "keep" ? Buffer.allocUnsafeSlow(expected) : undefined;
let received = 0;

const server = createServer((socket) => {
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    if (kept !== undefined) chunk.copy(kept, received);
    received += chunk.length;
    if (received >= expected) process.send("done");
  });
  socket.on("close", () => {
    server.close();
    process.disconnect();
  });
});
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
