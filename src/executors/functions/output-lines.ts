/**
 * What a function process prints: lines go to the worker's log, as many as it bears, and the last lines
 * of standard error are kept to explain its death. Used by function-process.ts.
 */
import type { ChildProcess } from "node:child_process";
import type { Readable } from "node:stream";
import type { Logger } from "pino";
import { LineBudget } from "./line-budget.js";

/** Lines are cut there: a process that prints no newline must not fill the memory. */
const MAX_LINE = 16 * 1024;
const KEPT_LINES = 20;
const KEPT_LENGTH = 4096;

export class OutputLines {
  private readonly kept: string[] = [];
  private readonly unfinished = { stdout: "", stderr: "" };
  private readonly budget: LineBudget;

  /** @param name of the process, for the log */
  constructor(
    child: ChildProcess,
    private readonly name: string,
    private readonly logger: Logger,
  ) {
    this.budget = new LineBudget((lines) => {
      logger.warn(`${name}: ${lines} lines left out here: it prints more than the log takes`);
    });
    this.follow(child.stdout, "stdout");
    this.follow(child.stderr, "stderr");
  }

  /** The last lines of standard error. */
  lastOfStderr(): string {
    return this.kept.join("\n").slice(-KEPT_LENGTH);
  }

  /** The process has ended: what is left is a line, too. */
  end(): void {
    for (const stream of ["stdout", "stderr"] as const) {
      const rest = this.unfinished[stream];
      this.unfinished[stream] = "";
      if (rest !== "") this.line(rest, stream);
    }
    this.budget.end();
  }

  private follow(stream: Readable | null, name: "stdout" | "stderr"): void {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.unfinished[name] + text).split("\n");
      const rest = lines.pop()!;
      for (const line of lines) this.line(line, name);
      this.unfinished[name] = rest.length > MAX_LINE ? "" : rest;
      if (rest.length > MAX_LINE) this.line(rest, name);
    });
    stream?.on("error", () => {});
  }

  private line(text: string, stream: "stdout" | "stderr"): void {
    if (this.budget.allows(text.length)) this.logger.info(`${this.name}: ${text}`);
    if (stream === "stdout") return;
    this.kept.push(text);
    if (this.kept.length > KEPT_LINES) this.kept.shift();
  }
}
