/** Whose processes are whose, with real ones. */
import { type ChildProcess, spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { ProcessTable } from "../../src/worker/process-table.js";
import { afterTest, scratchDirectory, until } from "./worker-fixture.js";

const linux = process.platform === "linux";

/** Prints the numbers of processes that it has started. */
async function start(
  script: string,
  options = {},
): Promise<{ child: ChildProcess; pids: number[] }> {
  const child = spawn("/bin/sh", ["-c", script], {
    stdio: ["pipe", "pipe", "inherit"],
    ...options,
  });
  const end = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let said = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  afterTest(async () => {
    for (const pid of numbersIn(said)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended.
      }
    }
    child.kill("SIGKILL");
    await end;
  });
  await until(() => said.endsWith("ready\n"));
  said = said.replace("ready\n", "");
  return { child, pids: numbersIn(said) };
}

/** Never 0, which would be this process's own group. */
function numbersIn(text: string): number[] {
  return (text.match(/\d+/g) ?? []).map(Number).filter((pid) => pid > 1);
}

describe.runIf(linux)("the process table", () => {
  it("has children and their children, also in sessions of their own, not others", async () => {
    const table = new ProcessTable();
    // The last one is nobody's child, but in the session.
    const script =
      "sleep 1000 & echo $!; setsid sleep 1000 & echo $!; (sleep 1000 & echo $!); echo ready; wait";
    const { child, pids } = await start(script, { detached: true });
    const ours = table.read();
    expect(pids.length).toBe(3);
    for (const pid of [process.pid, child.pid!, ...pids]) expect(ours.has(pid)).toBe(true);
    expect(ours.has(process.ppid)).toBe(false);
    expect(ours.get(child.pid!)).toMatchObject({ parent: process.pid, session: child.pid });
    expect(ours.get(process.pid)!.rssBytes).toBeGreaterThan(20e6);
    expect(table.read().size).toBe(ours.size);
  });

  it("keeps those whose parent has ended, and sees what they start", async () => {
    const table = new ProcessTable();
    const { child, pids } = await start(
      "(trap 'sleep 1000 & wait' USR1; while :; do sleep 0.01; done) & echo $!; echo ready; read x",
      { detached: true },
    );
    expect(table.read().has(pids[0])).toBe(true);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.stdin!.end("\n");
    await ended;
    await until(() => !table.read().has(child.pid!));
    const orphan = table.read().get(pids[0]);
    expect(orphan?.parent).not.toBe(child.pid);
    process.kill(-child.pid!, "SIGKILL");
    await until(() => !table.read().has(pids[0]));
  });

  it("counts CPU time of what has ended with who has waited for it", async () => {
    const { child } = await start(
      "i=0; (while [ $i -lt 60000 ]; do i=$((i+1)); done); echo ready; read x",
    );
    const { cpuMs, endedCpuMs } = new ProcessTable().read().get(child.pid!)!;
    expect(endedCpuMs).toBeGreaterThan(cpuMs);
  });
});

it("is empty where there is no /proc", () => {
  expect(new ProcessTable(process.pid, `${scratchDirectory()}/none`).read().size).toBe(0);
});
