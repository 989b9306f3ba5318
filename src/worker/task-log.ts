/**
 * Lines that functions log, on their way into the worker's own log. Owns the levels and how much of
 * it the log takes; clients get all lines from the runner, which calls this.
 */
import type { Logger } from "pino";
import { LineBudget } from "../executors/index.js";

/** By level of the function's log. */
const METHODS = [undefined, "debug", "info", "warn", "error", "fatal"] as const;

export class TaskLog {
  private readonly budget: LineBudget;

  constructor(private readonly logger: Logger) {
    this.budget = new LineBudget((lines) => {
      logger.warn(`${lines} lines of functions left out here, clients get them`);
    });
  }

  write(taskId: number, label: string | undefined, level: number, text: string): void {
    if (!this.budget.allows(text.length)) return;
    const method = METHODS[level] ?? "info";
    this.logger[method]({ taskId, label }, text);
  }
}
