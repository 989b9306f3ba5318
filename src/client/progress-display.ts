/**
 * Shows in a terminal, on standard error, what becomes of a client's tasks, once some have been unfinished for a
 * second. Owns when something is shown; what, is progress-lines.ts's, how, terminal-block.ts's. Part of
 * the session: it hears of progress from report-listeners.ts. docs/progress.md describes it for users.
 */
import type { WriteStream } from "node:tty";
import { showsUnicode } from "../base/index.js";
import { progressLines, progressSummary } from "./progress-lines.js";
import { ProgressTracker } from "./progress-tracker.js";
import type { Progress } from "./reports.js";
import { TerminalBlock } from "./terminal-block.js";

const SHOWN_AFTER_MS = 1000;
const REFRESH_MS = 250;
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
/** They end a process that does not listen to them. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Of several clients in this process one at a time is shown. */
let shown: ProgressDisplay | undefined;

export interface DisplayEnvironment {
  readonly [name: string]: string | undefined;
}

/**
 * Whether progress is to be shown.
 * @param wanted what the user says in the program; undefined: nothing
 */
export function isProgressShown(
  wanted: boolean | undefined,
  terminal: { readonly isTTY?: boolean },
  environment: DisplayEnvironment,
): boolean {
  if (terminal.isTTY !== true || environment.TERM === "dumb") return false;
  if (wanted !== undefined) return wanted;
  const said = environment.LOOM_PROGRESS?.trim().toLowerCase() ?? "";
  if (["0", "false", "no", "off"].includes(said)) return false;
  if (["1", "true", "yes", "on"].includes(said)) return true;
  return ["", "0", "false"].includes(environment.CI?.toLowerCase() ?? "");
}

export class ProgressDisplay {
  private readonly tracker = new ProgressTracker();
  private block: TerminalBlock | undefined;
  private timer: NodeJS.Timeout | undefined;
  private wasShown = false;
  private hasEnded = false;

  /** @param isQuiet somebody else shows the progress now */
  constructor(
    private readonly terminal: WriteStream,
    private readonly isQuiet: () => boolean,
  ) {}

  /** The server has told this. */
  add(progress: Progress): void {
    if (this.hasEnded) return;
    this.tracker.add(performance.now(), progress);
    if (this.tracker.busySinceMs === undefined) this.hide();
    else this.timer ??= setInterval(() => this.refresh(), REFRESH_MS).unref();
  }

  /** Something is about to be written to the terminal in a way that we can't see. */
  stepAside(): void {
    this.block?.erase();
  }

  /** The client has ended. */
  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    const { finished, failed, unfinished, busyMs } = this.tracker.sum(performance.now());
    const line = progressSummary(finished, failed, unfinished, busyMs);
    const isLeft = this.wasShown && !this.isQuiet();
    if (this.block === undefined && isLeft) this.terminal.write(`${line}\n`);
    this.hide(isLeft ? line : undefined);
  }

  private refresh(): void {
    const sinceMs = this.tracker.busySinceMs;
    const nowMs = performance.now();
    if (sinceMs === undefined || nowMs - sinceMs < SHOWN_AFTER_MS) return;
    if (this.isQuiet()) {
      this.block?.erase();
      return;
    }
    if (this.block === undefined) {
      if (shown !== undefined) return;
      this.show();
    }
    const { columns = DEFAULT_COLUMNS, rows = DEFAULT_ROWS } = this.terminal;
    const unicode = showsUnicode(process.env);
    this.block!.draw(progressLines(this.tracker.view(nowMs), { columns, rows, unicode }));
  }

  private show(): void {
    shown = this;
    this.wasShown = true;
    const streams = [process.stdout, process.stderr].filter(({ isTTY }) => isTTY);
    this.block = new TerminalBlock(this.terminal, streams);
    process.on("exit", this.onExit);
    process.on("uncaughtExceptionMonitor", this.onError);
    for (const signal of SIGNALS) process.on(signal, this.onSignal);
  }

  private hide(line?: string): void {
    clearInterval(this.timer);
    this.timer = undefined;
    if (this.block === undefined) return;
    this.block.end(line);
    this.block = undefined;
    shown = undefined;
    process.off("exit", this.onExit);
    process.off("uncaughtExceptionMonitor", this.onError);
    for (const signal of SIGNALS) process.off(signal, this.onSignal);
  }

  private readonly onExit = (): void => this.end();

  private readonly onError = (): void => this.stepAside();

  /** Without our listener the signal does what it would have done. */
  private readonly onSignal = (signal: NodeJS.Signals): void => {
    if (process.listenerCount(signal) > 1) {
      this.stepAside();
      return;
    }
    this.end();
    process.kill(process.pid, signal);
  };
}
