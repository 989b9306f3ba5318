/** One plan, from submit to finished at the client. Called by the cases. */
import type { Client, Task } from "hyperloom";

export interface PlanTiming {
  /** From just before submit() to "finished" of the result at the client; nothing is fetched. */
  ms: number;
  /** The part of it in submit(): numbering, encoding, handing to the socket. */
  submitMs: number;
}

/** Submits, waits, releases; returns when the server holds nothing of it any more. */
export async function timePlan(client: Client, task: Task): Promise<PlanTiming> {
  const start = performance.now();
  const future = client.submitOne(task);
  const submitted = performance.now();
  await future.wait();
  const ms = performance.now() - start;
  future.release();
  await untilEmpty(client);
  return { ms, submitMs: submitted - start };
}

/** So that cleaning up after one plan does not count for the next. */
export async function untilEmpty(client: Client): Promise<void> {
  for (;;) {
    const { objects } = await client.stats();
    if (objects === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
