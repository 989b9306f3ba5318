/** Workers that do no work, with a real server: every task is finished, and the bytes are counted. */
import { Client } from "hyperloom";
import { describe, expect, it } from "vitest";
import { layers } from "../../bench/plans.js";
import { timePlan } from "../../bench/timed-plan.js";
import { startZeroCluster } from "../../bench/zero-cluster.js";

describe("workers that do no work", () => {
  it("finish a plan on all connections and count what is sent", async () => {
    const cluster = await startZeroCluster(3);
    try {
      await using client = await Client.connect(cluster.address);
      expect((await client.status()).workers).toHaveLength(3);
      const plan = layers(3, 40);
      const before = await cluster.wireCounts();
      await timePlan(client, plan.build());
      const after = await cluster.wireCounts();
      const assigned = after.assigned - before.assigned;
      // Tasks may be taken back too late, and run twice.
      expect(assigned).toBeGreaterThanOrEqual(plan.taskCount);
      expect(assigned).toBeLessThan(2 * plan.taskCount);
      // An assignment has more than 20 bytes, a report that it is finished 23.
      expect(after.bytesFromServer - before.bytesFromServer).toBeGreaterThan(20 * assigned);
      const sent = after.bytesToServer - before.bytesToServer;
      const frames = after.framesToServer - before.framesToServer;
      expect(sent).toBeGreaterThanOrEqual(23 * assigned + 8 * frames);
      expect(after.framesFromServer).toBeGreaterThan(before.framesFromServer);
    } finally {
      await cluster.stop();
    }
  });
});
