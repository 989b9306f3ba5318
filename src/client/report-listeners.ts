/**
 * Who wants to hear what the server reports besides results: progress, lines that functions log,
 * notices. Owns the listeners, and what happens where nobody listens: notices are printed, progress is shown. Part of the session.
 */
import { ProtocolError } from "../base/index.js";
import { type ClientResponseMessage, ClientResponseType } from "../protocol/index.js";
import { isProgressShown, ProgressDisplay } from "./progress-display.js";
import type { LabelProgress, LogLine, Progress } from "./reports.js";

const LOG_LEVELS = ["debug", "info", "warn", "error", "critical"] as const;
/** Notices that are remembered, not to print them twice. */
const MAX_REMEMBERED = 1000;

export class ReportListeners {
  readonly progress = new Set<(progress: Progress) => void>();
  readonly logs = new Set<(line: LogLine) => void>();
  readonly notices = new Set<(text: string) => void>();
  private readonly printed = new Set<string>();
  /** What PROGRESS has told of each label. */
  private readonly labels = new Map<string, LabelProgress>();
  private display: ProgressDisplay | undefined;

  /** @param server its address, for what is printed */
  constructor(private readonly server: string) {}

  /** Shows progress in the terminal, if there is one; see `ConnectOptions.progress`. */
  showProgress(wanted: boolean | undefined): void {
    const { stderr, env } = process;
    if (!isProgressShown(wanted, stderr, env)) return;
    this.display = new ProgressDisplay(stderr, () => this.progress.size > 0);
  }

  /** Takes a PROGRESS, LOG or NOTICE; false: it is another response. */
  receive(response: ClientResponseMessage): boolean {
    switch (response.type) {
      case ClientResponseType.PROGRESS: {
        const { nFinished: finished, nFailed: failed, nUnfinished } = response;
        for (const { name, total, running, finished, failed } of response.labels) {
          if (total === 0) this.labels.delete(name);
          else this.labels.set(name, { name, total, running, finished, failed });
        }
        const total = finished + failed + nUnfinished;
        const progress = { finished, failed, total, labels: [...this.labels.values()] };
        this.display?.add(progress);
        tell(this.progress, progress);
        return true;
      }
      case ClientResponseType.LOG: {
        if (response.log === undefined) throw new ProtocolError("LOG response without its content");
        const { taskId, level, text, worker } = response.log;
        tell(this.logs, { taskId, level: LOG_LEVELS[level - 1] ?? "info", message: text, worker });
        return true;
      }
      case ClientResponseType.NOTICE:
        if (this.notices.size > 0) tell(this.notices, response.notice);
        else this.printOnce(response.notice);
        return true;
      default:
        return false;
    }
  }

  /** To standard error, as a warning of the process. */
  print(text: string): void {
    this.display?.stepAside();
    process.emitWarning(`HyperLoom server ${this.server}: ${text}`, "LoomWarning");
  }

  clear(): void {
    this.display?.end();
    this.display = undefined;
    for (const listeners of [this.progress, this.logs, this.notices]) listeners.clear();
  }

  private printOnce(text: string): void {
    if (this.printed.has(text)) return;
    if (this.printed.size >= MAX_REMEMBERED) this.printed.clear();
    this.printed.add(text);
    this.print(text);
  }
}

/** An error in a user's callback is the user's, as in a timer; the connection goes on. */
function tell<T>(listeners: ReadonlySet<(value: T) => void>, value: T): void {
  for (const listener of listeners) {
    try {
      listener(value);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
