/**
 * What this machine can do without HyperLoom, measured in the same run: absolute times drift
 * with the machine's load, ratios to these say more. Called by run.ts and transfer.ts.
 */
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";

const GIB = 1024 ** 3;
const SPAWNS = 500;
const SPAWN_LOOP = `
import os, time
start = time.perf_counter()
for _ in range(${SPAWNS}):
    os.waitpid(os.posix_spawn("/bin/true", ["/bin/true"], {}), 0)
print(${SPAWNS} / (time.perf_counter() - start))
`;

export interface RawFigures {
  /** posix_spawn("/bin/true") and wait, one after another, from a small process. */
  spawnsPerSecond: number | null;
  /** 1 GiB over loopback TCP from one Node process to another that only counts. */
  tcpGigabytesPerSecond: number;
  /** A fixed loop of integer work in this process. */
  cpuLoopMs: number;
}

export async function measureRawFigures(): Promise<RawFigures> {
  return {
    spawnsPerSecond: spawnsPerSecond(),
    tcpGigabytesPerSecond: (GIB / 1e9 / (await rawCopyMs(GIB))) * 1000,
    cpuLoopMs: cpuLoopMs(),
  };
}

function spawnsPerSecond(): number | null {
  try {
    return Number(execFileSync("python3", ["-c", SPAWN_LOOP], { encoding: "utf8" }));
  } catch {
    return null; // no python3 here
  }
}

function cpuLoopMs(): number {
  const start = performance.now();
  let state = 1;
  for (let i = 0; i < 200_000_000; i++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
  // Using the result keeps the loop from being dropped.
  return performance.now() - start + (state === 0 ? 1e-9 : 0);
}

/**
 * Has a process touch `gigabytes` of memory and end. On a virtual machine the first use of a page that
 * the host has taken back costs ten times as much as any other: done before each measurement that
 * takes fresh memory, this makes them alike.
 */
export function touchMemory(gigabytes: number): void {
  const script = `const held = []; for (let i = 0; i < ${gigabytes}; i++) held.push(Buffer.alloc(2 ** 30, 1));`;
  execFileSync(process.execPath, ["-e", script]);
}

/**
 * Milliseconds for `bytes` bytes from this process to another over loopback TCP, where they are
 * dropped as they come, or kept in fresh memory (which costs as much again for its pages).
 */
export async function rawCopyMs(bytes: number, kind: "drop" | "keep" = "drop"): Promise<number> {
  const receiver = fork(fileURLToPath(new URL("raw-receiver.mjs", import.meta.url)), [
    String(bytes),
    kind,
  ]);
  const exited = once(receiver, "exit");
  const [port] = (await once(receiver, "message")) as [number];
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const block = Buffer.alloc(1024 * 1024, 1);
  const received = once(receiver, "message");
  const start = performance.now();
  for (let sent = 0; sent < bytes; sent += block.length) {
    if (!socket.write(block)) await once(socket, "drain");
  }
  await received;
  const ms = performance.now() - start;
  socket.destroy();
  await exited;
  return ms;
}
