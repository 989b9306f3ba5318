/**
 * Futures for tests of what becomes of them: a client of a scripted server, with tasks submitted
 * that the test finishes as it likes.
 */
import { tasks } from "../../src/client/index.js";
import { connectClient } from "./harness.js";

/** The server has taken the plan; ids are 0, 1, … `future` is the first of `futures`. */
export async function submitted(count = 1) {
  const { server, client } = await connectClient();
  const futures = client.submit(Array.from({ length: count }, (_, i) => tasks.const(`${i}`)));
  await server.take("PLAN");
  return { server, client, futures, future: futures[0] };
}
