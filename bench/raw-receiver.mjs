/** Receiving end of rawCopyMs() in raw-figures.ts: says its port, counts bytes, says "done". */
import { createServer } from "node:net";

const expected = Number(process.argv[2]);
let received = 0;

const server = createServer((socket) => {
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    received += chunk.length;
    if (received >= expected) process.send("done");
  });
  socket.on("close", () => {
    server.close();
    process.disconnect();
  });
});
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
