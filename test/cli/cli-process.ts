/** Runs the built command line in real processes. Called by the tests of this folder. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export type Program = "loom" | "loom-server" | "loom-worker";

/** What a finished process left. */
export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface CliOptions {
  program?: Program;
  /** Added to this process's environment. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** With an IPC channel, as local-cluster starts them. */
  ipc?: boolean;
  /** Files can't become larger, as on a full disk; in blocks of 512 bytes. */
  fileSizeLimit?: number;
}

/** A running command. */
export class CliProcess {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";
  readonly messages: unknown[] = [];
  readonly finished: Promise<Finished>;
  private onChange = (): void => {};

  constructor(args: string[], options: CliOptions = {}) {
    const file = fileURLToPath(
      new URL(`../../dist/cli/${options.program ?? "loom"}.js`, import.meta.url),
    );
    const { fileSizeLimit } = options;
    const limit = ["-c", `ulimit -f ${fileSizeLimit}; exec "$0" "$@"`, process.execPath];
    const [command, before] = fileSizeLimit === undefined ? [process.execPath, []] : ["sh", limit];
    this.child = spawn(command, [...before, file, ...args], {
      cwd: options.cwd,
      env: { ...process.env, LOOM_SERVER: "", ...options.env },
      stdio: ["ignore", "pipe", "pipe", ...(options.ipc ? (["ipc"] as const) : [])],
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      this.onChange();
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
      this.onChange();
    });
    this.child.on("message", (message) => {
      this.messages.push(message);
      this.onChange();
    });
    // Not "close": Node does not send it once this side has disconnected the IPC channel.
    const { stdout, stderr } = this.child;
    const ended = [once(this.child, "exit"), once(stdout!, "close"), once(stderr!, "close")];
    this.finished = Promise.all(ended).then(([[code, signal]]) => ({
      code,
      signal,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  /** Resolves with what `find` gives as soon as it gives something; rejects if the process ends. */
  waitFor<T>(what: string, find: (process: this) => T | undefined | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find(this);
        if (found !== undefined && found !== null) resolve(found);
      };
      this.onChange = look;
      void this.finished.then(({ code, stderr }) => {
        look();
        reject(new Error(`ended (${code}) before ${what}; stdout: ${this.stdout}; ${stderr}`));
      });
      look();
    });
  }

  /** Waits for the line of a server or worker that is ready; its "host:port". */
  async ready(): Promise<string> {
    const line = /^(?:Server listens on|Worker) (\S+:\d+)/m;
    const match = await this.waitFor("it was ready", ({ stdout }) => line.exec(stdout));
    return match[1];
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** Runs a command to its end. */
export function runCli(args: string[], options?: CliOptions): Promise<Finished> {
  return new CliProcess(args, options).finished;
}
