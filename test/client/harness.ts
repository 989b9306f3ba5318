/** A client connected to a scripted server, both ended after the test. */
import { afterEach } from "vitest";
import { Client } from "../../src/client/index.js";
import { FakeServer } from "./fake-server.js";

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Runs after the test, last registered first. */
export function atEnd(end: () => Promise<void>): void {
  ends.push(end);
}

export async function startServer(): Promise<FakeServer> {
  const server = await FakeServer.start();
  atEnd(() => server.close());
  return server;
}

export async function connectClient(): Promise<{ server: FakeServer; client: Client }> {
  const server = await startServer();
  const client = await Client.connect(server.address);
  atEnd(() => client.close());
  return { server, client };
}

/** Lets everything that is ready happen: a round trip to the server and back. */
export async function roundTrip(client: Client, server: FakeServer): Promise<void> {
  const stats = client.stats();
  await server.take("STATS");
  server.sendStats();
  await stats;
}
