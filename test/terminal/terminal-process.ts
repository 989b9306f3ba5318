/** A command in a terminal, and what that shows. Needs Python, for its pty module. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Screen } from "./screen.js";

const HELPER = fileURLToPath(new URL("./in_pty.py", import.meta.url));

/** Undefined: tests in terminals are skipped, like others that need Python. */
export const PYTHON = process.env.LOOM_PYTHON;

/** How it ended. */
export interface TerminalEnd {
  readonly code: number | null;
  readonly signal: number | null;
  /** The terminal's modes are as before. */
  readonly restored: boolean;
}

export interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  /** Added to this process's environment. */
  readonly env?: NodeJS.ProcessEnv;
}

export class TerminalProcess {
  readonly screen: Screen;
  /** Everything that was written to the terminal. */
  output = "";
  readonly ended: Promise<TerminalEnd>;
  private readonly child: ChildProcess;
  private rest = "";
  private onOutput = (): void => {};

  constructor(command: readonly string[], options: TerminalOptions = {}) {
    const { columns = 80, rows = 24, env } = options;
    this.screen = new Screen(columns, rows);
    this.child = spawn(PYTHON ?? "python3", [HELPER, String(columns), String(rows), ...command], {
      // What the tests themselves run in says nothing about this terminal.
      env: { ...process.env, CI: "", LOOM_PROGRESS: "", TERM: "xterm", LANG: "C.UTF-8", ...env },
    });
    let stderr = "";
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
      this.rest = this.screen.write(this.rest + text);
      if (!this.screen.isHeld) this.onOutput();
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.on("close", () => {
        try {
          resolve(JSON.parse(stderr.trim().split("\n").at(-1) ?? "") as TerminalEnd);
        } catch {
          reject(new Error(`no end was reported: ${stderr}`));
        }
      });
    });
  }

  type(keys: string): void {
    this.child.stdin!.write(keys);
  }

  /** Resolves as soon as the condition holds; rejects if the command ends before. */
  until(what: string, isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!this.screen.isHeld && isSo()) resolve();
      };
      this.onOutput = look;
      const late = (): void => {
        look();
        reject(new Error(`it ended before ${what}:\n${this.screen.text.join("\n")}`));
      };
      void this.ended.then(late, late);
      look();
    });
  }

  /** Resolves as soon as a line of the screen matches. */
  shows(pattern: RegExp): Promise<void> {
    return this.until(`it showed ${pattern}`, () =>
      this.screen.text.some((line) => pattern.test(line)),
    );
  }
}
