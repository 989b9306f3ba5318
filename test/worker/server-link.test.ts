import { expect, test } from "vitest";
import { connect, listen } from "../../src/transport/index.js";
import { ServerLink } from "../../src/worker/server-link.js";

test("a server that is connected but silent is lost after the time limit", async () => {
  const listener = await listen("127.0.0.1", 0, () => ({ frame: () => {}, closed: () => {} }));
  const ended = new Promise<unknown>((resolve) => {
    const link = new ServerLink("127.0.0.1", listener.port, resolve, 50);
    void connect("127.0.0.1", listener.port, link).then((connection) => link.watch(connection));
  });
  await expect(ended).resolves.toMatchObject({
    code: "connection",
    message: expect.stringMatching(/has not been heard of for 0.05 s; it has given this worker up/),
  });
  await listener.close();
});
