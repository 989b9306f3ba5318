/**
 * Hosts with addresses and links of their own: network namespaces on a bridge, which this
 * machine is on too. Needs root and `ip` (package iproute2). Traffic stays on this machine.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../dist/cli/loom.js", import.meta.url));
/** Names and addresses differ between runs, so that a killed one does not disturb the next. */
const ID = process.pid % 250;
const BRIDGE = `ltbr${ID}`;

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

/** Whether this machine lets us make hosts. */
export function canMakeHosts(): boolean {
  try {
    ip("netns", "add", `ltprobe${ID}`);
    ip("netns", "del", `ltprobe${ID}`);
    return true;
  } catch {
    return false;
  }
}

export class Hosts {
  /** The address of this machine that the hosts see. */
  readonly address = `10.231.${ID}.254`;
  private readonly names: string[] = [];
  private readonly processes: ChildProcess[] = [];

  constructor(count: number) {
    ip("link", "add", BRIDGE, "type", "bridge");
    ip("addr", "add", `${this.address}/24`, "dev", BRIDGE);
    ip("link", "set", BRIDGE, "up");
    for (let i = 0; i < count; i++) {
      const name = `lt${ID}h${i}`;
      this.names.push(name);
      ip("netns", "add", name);
      ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name);
      ip("link", "set", name, "master", BRIDGE);
      ip("link", "set", name, "up");
      ip("-n", name, "addr", "add", `10.231.${ID}.${i + 1}/24`, "dev", "eth0");
      ip("-n", name, "link", "set", "eth0", "up");
      ip("-n", name, "link", "set", "lo", "up");
    }
  }

  /** Starts a worker on a host. Its exit code comes from `exited`. */
  startWorker(host: number, args: string[]): { exited: Promise<number | null> } {
    const command = ["netns", "exec", this.names[host], process.execPath, PROGRAM, "worker"];
    const worker = spawn("ip", [...command, ...args], { stdio: "ignore" });
    this.processes.push(worker);
    return { exited: new Promise((resolve) => worker.once("exit", resolve)) };
  }

  /** Cuts or mends the link: nothing is closed, packets just don't arrive. */
  setLink(host: number, state: "up" | "down"): void {
    ip("link", "set", this.names[host], state);
  }

  remove(): void {
    for (const process of this.processes) process.kill("SIGKILL");
    for (const name of this.names) {
      // By itself a namespace may live on for minutes: sockets in it still try to reach a peer.
      ip("link", "del", name);
      ip("netns", "del", name);
    }
    ip("link", "del", BRIDGE);
  }
}
