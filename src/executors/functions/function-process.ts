/**
 * One function process: its start, its socket, its output and its end. Owns the operating system's
 * side; which call goes where is function-pool.ts's business.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import type { Logger } from "pino";
import { messageOf, ProtocolError } from "../../base/index.js";
import type { ProgramEnd } from "../contract.js";
import { CallWriter } from "./call-writer.js";
import type { Lane } from "./lane.js";
import { OutputLines } from "./output-lines.js";
import { type ReplyHandler, ReplyReader } from "./reply-reader.js";
import type { SharedFiles } from "./shared-files.js";

/** How processes of one language are started. */
export interface ProcessCommand {
  /** For messages: "Python", "JavaScript". */
  readonly language: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the worker's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Told what happens in a process, besides what it sends. */
export interface ProcessEvents extends Omit<ReplyHandler, "ready" | "keepFile"> {
  /** It takes calls now. */
  ready(): void;
  /** The process is gone; nothing else will be told. */
  died(reason: string, end: ProgramEnd): void;
}

/** After that long a process that was asked to end is killed. */
const CLOSE_LIMIT_MS = 2000;
/** So long after its end what it has written may still be on the way. */
const OUTPUT_GRACE_MS = 500;

export class FunctionProcess {
  readonly writer: CallWriter;
  /** Numbers of the functions that it knows. */
  readonly defined = new Set<number>();
  ready = false;
  /**
   * The GPUs that its calls hold, joined by commas; undefined: none of them has held any. They stay
   * the same: libraries look for GPUs once in a process, and keep memory of those that they have used.
   */
  gpus: string | undefined = undefined;
  /** What its calls were last told to hold, as JSON. */
  private held = "";
  /** Whose calls it executes; undefined: it is idle. */
  lane: Lane | undefined = undefined;
  private readonly child: ChildProcess;
  private readonly socket: Socket | undefined;
  private readonly lines: OutputLines;
  private readonly gone: Promise<void>;
  private killed = false;
  /** Why it is of no use, said before its end. */
  private problem: string | undefined;

  constructor(
    command: ProcessCommand,
    files: SharedFiles,
    keepFile: ReplyHandler["keepFile"],
    events: ProcessEvents,
    logger: Logger,
  ) {
    this.writer = new CallWriter(files);
    files.prepare();
    // In a session of its own: killing its group ends what functions have started, too, and
    // Ctrl-C in the worker's terminal is the worker's business.
    const child = spawn(command.command, command.args, {
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      env: { ...process.env, ...command.env },
    });
    this.child = child;
    this.lines = new OutputLines(child, `${command.language} ${child.pid}`, logger);
    this.socket = (child.stdio?.[3] ?? undefined) as Socket | undefined;
    const reader = new ReplyReader({
      ...events,
      keepFile,
      ready: (text) => {
        this.problem = problemIn(text);
        // Whatever it sends besides is of no use either.
        if (this.problem !== undefined) throw new ProtocolError(this.problem);
        this.ready = true;
        events.ready();
      },
    });
    this.socket?.on("data", (chunk: Buffer) => {
      if (this.problem !== undefined) return;
      try {
        reader.push(chunk);
      } catch (error) {
        this.problem ??= `it sent something that cannot be understood (${messageOf(error)})`;
        this.kill();
      }
    });
    // Writing to a dead process: "close" says all there is to say.
    this.socket?.on("error", () => {});
    this.gone = new Promise((resolve) => {
      child.on("error", (error) => {
        this.problem ??= messageOf(error);
        // Without pipes (too many open files) or a program nothing else comes.
        if (child.pid === undefined) child.emit("close", null, null);
      });
      let late: NodeJS.Timeout | undefined;
      child.once("exit", () => {
        // What functions have started may hold the pipes, and then "close" would never come.
        this.killGroup();
        late = setTimeout(() => {
          for (const stream of child.stdio) stream?.destroy();
        }, OUTPUT_GRACE_MS);
      });
      child.once("close", (status: number | null, signal: NodeJS.Signals | null) => {
        clearTimeout(late);
        this.lines.end();
        const how =
          this.problem ??
          (signal === null ? `it ended with exit status ${status}` : `it was killed by ${signal}`);
        resolve();
        events.died(how, {
          ...(status === null ? {} : { exitStatus: status }),
          ...(signal === null ? {} : { signal }),
          stderr: this.lines.lastOfStderr(),
          killedByWorker: this.killed,
        });
      });
    });
    this.writer.configure({ directories: files.directories, inlineLimit: files.inlineLimit });
    this.flush();
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Its next calls hold this. */
  hold(resources: string): void {
    if (resources === this.held) return;
    this.held = resources;
    this.writer.hold(resources);
  }

  /** Sends what was written. */
  flush(): void {
    const frame = this.writer.takeFrame();
    if (frame !== undefined && this.socket?.writable) this.socket.write(frame);
  }

  /** Kills it with all that its functions have started. */
  kill(): void {
    this.killed = true;
    this.killGroup();
    this.child.kill("SIGKILL");
  }

  /** Ends it; resolves when it is gone. */
  async close(): Promise<void> {
    this.socket?.end();
    const timer = setTimeout(() => this.kill(), CLOSE_LIMIT_MS);
    await this.gone;
    clearTimeout(timer);
  }

  private killGroup(): void {
    const { pid } = this.child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Nobody is left in it.
    }
  }
}

function problemIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return error === undefined ? undefined : String(error);
  } catch (error) {
    return `its first message is not JSON (${messageOf(error)})`;
  }
}
