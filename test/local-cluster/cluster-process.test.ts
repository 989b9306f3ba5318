/** Starting and stopping one process, which says over IPC whether it is up. */
import { describe, expect, it } from "vitest";
import { ClusterProcess } from "../../src/local-cluster/cluster-process.js";

const program = new URL("programs/member.mjs", import.meta.url);
const start = (what: string, more: object = {}) =>
  ClusterProcess.start({ name: "server", program, args: [what], ...more });

describe("a cluster process", () => {
  it("is up when it says so, and ends when asked to", async () => {
    const { process: member, message } = await start("up");
    expect(message).toEqual({ loom: "listening", host: "::1", port: 7 });
    expect(() => process.kill(member.pid, 0)).not.toThrow();
    await member.stop();
    await member.stop();
    expect(() => process.kill(member.pid, 0)).toThrow(/ESRCH/);
  });

  it("that does not come up tells why", async () => {
    await expect(start("refuse")).rejects.toMatchObject({
      code: "connection",
      message: "the server of the local cluster did not start: port 7 is in use",
    });
    const seen: string[] = [];
    await expect(start("crash", { onStderr: (text: string) => seen.push(text) })).rejects.toThrow(
      "the server of the local cluster ended at once (exit status 3); it said: first line | the disk is full",
    );
    expect(seen.join("")).toBe("first line\nthe disk is full\n");
    const missing = new URL("programs/none.mjs", import.meta.url);
    await expect(start("up", { program: missing })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/none\.mjs is missing; build HyperLoom first/),
    });
  });

  it("can be given up while it starts", async () => {
    const abort = new AbortController();
    const silent = start("silent", { signal: abort.signal });
    setImmediate(() => abort.abort());
    await expect(silent).rejects.toMatchObject({ code: "cancelled" });
    await expect(start("silent", { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "cancelled",
    });
  });
});
