/**
 * One child process of a local cluster: a server or worker that says over its IPC channel
 * when it is up, and ends when the channel closes. Owns starting, the last lines of its
 * standard error, and ending it for sure. The other side: cli/service-process.
 */
import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { LoomError } from "../base/index.js";

/** What a process says when it is up, or that it can't come up. */
export type StartMessage =
  | { loom: "listening"; host: string; port: number; dashboard?: string }
  | { loom: "registered"; address: string }
  | { loom: "failed"; message: string };

/** How to start a process. */
export interface ProcessSpec {
  /** For messages: "server", "worker". */
  readonly name: string;
  /** The program, a JavaScript file. */
  readonly program: URL;
  readonly args: readonly string[];
  /** Gets standard error, piece by piece; default: only its end is kept, for messages. */
  readonly onStderr?: ((text: string) => void) | undefined;
  /** Stops the start. */
  readonly signal?: AbortSignal | undefined;
}

const START_TIMEOUT_MS = 30_000;
/** How long a process may take to end in order before it is killed. */
const STOP_TIMEOUT_MS = 5_000;
const KEPT_STDERR_CHARACTERS = 4_000;
const SHOWN_STDERR_LINES = 5;

export class ClusterProcess {
  /** Resolves when the process has ended. */
  readonly exited: Promise<void>;
  /** How it has ended; undefined while it runs. */
  end: { readonly exitStatus: number | null; readonly signal: NodeJS.Signals | null } | undefined;
  private stderrEnd = "";

  private constructor(
    private readonly spec: ProcessSpec,
    private readonly child: ChildProcess,
  ) {
    // Not "close": that does not come once this side has disconnected the channel.
    this.exited = new Promise((resolve) => {
      child.once("exit", (exitStatus, signal) => {
        this.end = { exitStatus, signal };
        resolve();
      });
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderrEnd = (this.stderrEnd + text).slice(-KEPT_STDERR_CHARACTERS);
      spec.onStderr?.(text);
    });
    // Signals that can't be delivered, a channel that is closed already: `exited` tells.
    child.on("error", () => {});
  }

  /** Starts the process; resolves when it is up, with what it said. */
  static async start(
    spec: ProcessSpec,
  ): Promise<{ process: ClusterProcess; message: Exclude<StartMessage, { loom: "failed" }> }> {
    const path = fileURLToPath(spec.program);
    if (!existsSync(path)) {
      throw new LoomError(
        "usage",
        `cannot start a ${spec.name}: ${path} is missing; build HyperLoom first (npm run build)`,
      );
    }
    const child = fork(path, spec.args, {
      // Not those of this process: --inspect or a loader are not meant for the cluster.
      execArgv: [],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const process = new ClusterProcess(spec, child);
    try {
      return { process, message: await process.untilUp() };
    } catch (error) {
      await process.kill();
      throw error;
    }
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  /** Sends a signal. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Asks the process to end, kills it if it takes too long; resolves when it has ended. */
  async stop(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    const timeout = setTimeout(() => this.child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.exited;
    clearTimeout(timeout);
  }

  private async kill(): Promise<void> {
    // Without a pid it was never there, and no event will come.
    if (this.child.pid === undefined) return;
    this.child.kill("SIGKILL");
    await this.exited;
  }

  private untilUp(): Promise<Exclude<StartMessage, { loom: "failed" }>> {
    const { child, spec } = this;
    return new Promise((resolve, reject) => {
      const fail = (code: "connection" | "cancelled", problem: string, cause?: unknown) => {
        const text = `the ${spec.name} of the local cluster ${problem}${this.lastWords()}`;
        settle(() => reject(new LoomError(code, text, { cause })));
      };
      const onMessage = (message: StartMessage) => {
        if (message.loom === "failed") fail("connection", `did not start: ${message.message}`);
        else settle(() => resolve(message));
      };
      const onClose = (code: number | null, signal: string | null) =>
        fail("connection", `ended at once (${signal ?? `exit status ${code}`})`);
      const onError = (error: Error) =>
        fail("connection", `could not be started: ${error.message}`, error);
      const onAbort = () =>
        fail("cancelled", "was not started: its AbortSignal fired", spec.signal?.reason);
      const timeout = setTimeout(
        () => fail("connection", `did not come up in ${START_TIMEOUT_MS / 1000} s`),
        START_TIMEOUT_MS,
      );
      const settle = (end: () => void) => {
        clearTimeout(timeout);
        child.off("message", onMessage).off("close", onClose).off("error", onError);
        spec.signal?.removeEventListener("abort", onAbort);
        end();
      };
      child.on("message", onMessage).on("close", onClose).on("error", onError);
      spec.signal?.addEventListener("abort", onAbort);
      if (spec.signal?.aborted) onAbort();
    });
  }

  /** The end of what it has written to standard error, at most 4000 characters. */
  get stderr(): string {
    return this.stderrEnd;
  }

  private lastWords(): string {
    const lines = this.stderrEnd.trim().split("\n").slice(-SHOWN_STDERR_LINES);
    return lines[0] === "" ? "" : `; it said: ${lines.join(" | ")}`;
  }
}
