/**
 * One launcher: a small process that starts programs, so that the worker, which may hold many
 * gigabytes, never forks. Owns that process and its two pipes; does not know tasks. Used by
 * launcher-pool.ts.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../base/index.js";
import { type Ended, ReplyReader, RequestWriter, type RunRequest } from "./launch-protocol.js";
import { killProgramsOf } from "./launcher-programs.js";

/** Which program is the launcher; both do the same. */
export type LauncherKind = "python" | "node";

/** Told what happens in a launcher. */
export interface LauncherEvents {
  started(id: number, processGroup: number): void;
  ended(id: number, ended: Ended): void;
  pinningLost(reason: string): void;
  /** The process is gone; nothing else will be told. */
  died(reason: string): void;
}

const LAUNCHER_FOLDER = new URL("../../../launcher/", import.meta.url);
/** After that long a launcher that was asked to end is killed. */
const CLOSE_LIMIT_MS = 5000;
const MAX_COMPLAINT_LENGTH = 2000;

export class LauncherProcess {
  /** Programs sent and not ended. */
  running = 0;
  /** Resolves with the reason why it can't pin ("" = it can); rejects when it dies before. */
  readonly ready: Promise<string>;
  readonly gone: Promise<void>;
  readonly #child: ChildProcess;
  readonly #requests = new RequestWriter();
  /** The end of what it wrote to standard error, to explain its death. */
  #complaint = "";
  #flushing = false;

  /**
   * @param folder where its programs have their working directories
   * @param removedAtEnd directories that go when the worker has gone
   */
  constructor(
    kind: LauncherKind,
    pythonCommand: string,
    readonly folder: string,
    removedAtEnd: readonly string[],
    events: LauncherEvents,
  ) {
    const script = (name: string) => fileURLToPath(new URL(name, LAUNCHER_FOLDER));
    const [command, args] =
      kind === "python"
        ? [pythonCommand, ["-I", "-S", "-B", script("launcher.py"), ...removedAtEnd]]
        : [process.execPath, [script("launcher.mjs"), ...removedAtEnd]];
    // A session of its own: Ctrl-C in the worker's terminal is the worker's business, and
    // its programs can be found by it.
    const child: ChildProcess = spawn(command, args, { detached: true, stdio: "pipe" });
    this.#child = child;
    let startError: string | undefined;
    let protocolError: string | undefined;
    let tellReady: (whyNoPinning: string) => void = () => {};
    let tellFailed: (error: Error) => void = () => {};
    this.ready = new Promise((resolve, reject) => {
      tellReady = resolve;
      tellFailed = reject;
    });
    this.ready.catch(() => {});
    const reader = new ReplyReader({
      ready: tellReady,
      started: events.started,
      ended: (id, ended) => {
        this.running--;
        events.ended(id, ended);
      },
      pinningLost: events.pinningLost,
    });
    child.stdout?.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        protocolError = messageOf(error);
        child.kill("SIGKILL");
      }
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-MAX_COMPLAINT_LENGTH);
    });
    // Writing to a dead launcher: "close" says all there is to say.
    child.stdin?.on("error", () => {});
    this.gone = new Promise((resolve) => {
      child.on("error", (error) => {
        startError = messageOf(error);
        // Without pipes (too many open files) nothing else comes.
        if (!child.stdin) child.emit("close", null, null);
      });
      child.on("close", (status, signal) => {
        const how = startError ?? protocolError ?? signal ?? `exit status ${status}`;
        const complaint = this.#complaint.trim();
        const reason = complaint === "" ? how : `${how}: ${complaint}`;
        tellFailed(new Error(reason));
        if (child.pid !== undefined) killProgramsOf(child.pid, folder);
        resolve();
        events.died(reason);
      });
    });
    // Not inherited: a wrapper around Python may change the environment.
    this.#requests.configure(process.env);
    this.#flush();
  }

  /** Number of the process; undefined if it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  run(id: number, request: RunRequest): void {
    this.running++;
    this.#requests.run(id, request);
    this.#flushSoon();
  }

  /** Kills the program's process group; its end is told as usual. */
  kill(id: number): void {
    this.#requests.kill(id);
    this.#flushSoon();
  }

  /** Its programs are killed and it ends. Resolves when it is gone. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), CLOSE_LIMIT_MS);
    await this.gone;
    clearTimeout(timer);
  }

  /** One write for all requests of this turn of the event loop. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (!this.#requests.isEmpty) this.#child.stdin?.write(this.#requests.take());
  }
}
