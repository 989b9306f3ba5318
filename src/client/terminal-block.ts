/**
 * A few lines at the end of a terminal that are drawn again and again. Owns how they keep out of the way of
 * everything else that this process writes: they are erased before it and drawn again behind it.
 *
 * The cursor rests at the beginning of the block's first line. What others write there (child processes,
 * a shell after a kill) overwrites the block, never the other way round.
 */
import type { WriteStream } from "node:tty";
import { drawnAtOnce } from "../base/index.js";

/** Between two drawings because others write: less would flicker. */
const REDRAW_MS = 50;

const ERASE = "\r\x1b[J";
const NO_WRAP = "\x1b[?7l";
const WRAP = "\x1b[?7h";

export class TerminalBlock {
  private isDrawn = false;
  private lines: readonly string[] = [];
  /** Others have ended what they wrote with a line break. */
  private isAtLineStart = true;
  private drawnMs = Number.NEGATIVE_INFINITY;
  private redraw: NodeJS.Timeout | undefined;
  private restore: (() => void)[] = [];
  private readonly write: (text: string) => void;

  /** @param others terminals that this process writes to, `terminal` among them */
  constructor(terminal: WriteStream, others: readonly WriteStream[]) {
    const { write } = terminal;
    this.write = (text) => write.call(terminal, text);
    for (const stream of others) this.restore.push(this.hook(stream));
  }

  /** Shows these lines, unless somebody is in the middle of a line. */
  draw(lines: readonly string[]): void {
    this.lines = lines;
    if (!this.isAtLineStart) return;
    clearTimeout(this.redraw);
    this.redraw = undefined;
    const up = lines.length > 1 ? `\x1b[${lines.length - 1}A` : "";
    this.write(drawnAtOnce(`${ERASE}${NO_WRAP}${lines.join("\n")}${WRAP}${up}\r`));
    this.isDrawn = true;
    this.drawnMs = performance.now();
  }

  /** Until the next draw(). */
  erase(): void {
    clearTimeout(this.redraw);
    this.redraw = undefined;
    if (!this.isDrawn) return;
    this.isDrawn = false;
    this.write(ERASE);
  }

  /** Erases it for good; `line` takes its place. */
  end(line?: string): void {
    this.erase();
    for (const restore of this.restore.splice(0)) restore();
    if (line !== undefined) this.write(`${this.isAtLineStart ? "" : "\n"}${line}\n`);
  }

  private hook(stream: WriteStream): () => void {
    const original = stream.write;
    let isOn = true;
    const hooked = (...args: unknown[]): boolean => {
      if (isOn) this.erase();
      const accepted = Reflect.apply(original, stream, args) as boolean;
      if (isOn) this.written(args[0]);
      return accepted;
    };
    stream.write = hooked as typeof stream.write;
    return () => {
      isOn = false;
      // Somebody may have put his own upon ours.
      if (stream.write === (hooked as typeof stream.write)) stream.write = original;
    };
  }

  /** Others have written this. */
  private written(chunk: unknown): void {
    const isText = typeof chunk === "string";
    if (!isText && !(chunk instanceof Uint8Array)) return;
    if (chunk.length === 0) return;
    this.isAtLineStart = isText ? chunk.endsWith("\n") : chunk[chunk.length - 1] === 10;
    if (!this.isAtLineStart || this.lines.length === 0) return;
    const waitMs = this.drawnMs + REDRAW_MS - performance.now();
    if (waitMs <= 0) this.draw(this.lines);
    else this.redraw = setTimeout(() => this.draw(this.lines), waitMs).unref();
  }
}
