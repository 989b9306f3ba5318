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
const KEPT_BYTES = 64 * 1024;

export class OutputLines {
  private kept: string[] = [];
  private keptLength = 0;
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

  /** The last lines of standard error, at most 64 KiB. */
  lastOfStderr(): Buffer {
    const bytes = Buffer.from(this.kept.join("\n"));
    if (bytes.length <= KEPT_BYTES) return bytes;
    const rest = bytes.subarray(-KEPT_BYTES);
    // From the beginning of a line, if there is one.
    return rest.subarray(rest.indexOf(10) + 1);
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

  private forgetFirst(): void {
    let first = 0;
    while (this.keptLength - this.kept[first].length - 1 >= KEPT_BYTES) {
      this.keptLength -= this.kept[first].length + 1;
      first++;
    }
    this.kept = this.kept.slice(first);
  }

  private line(text: string, stream: "stdout" | "stderr"): void {
    if (this.budget.allows(text.length)) this.logger.info(`${this.name}: ${text}`);
    if (stream === "stdout") return;
    this.kept.push(text);
    this.keptLength += text.length + 1;
    // Now and then, so that a line costs no move of all others.
    if (this.keptLength > 2 * KEPT_BYTES) this.forgetFirst();
  }
}
