/**
 * Guesses whether a process that was killed by SIGKILL was killed because memory ran out: the
 * kernel counts such kills, but does not say whom they hit. Owns which of them have explained a
 * death already. Used by the task runner.
 */
import type { MemoryGroups } from "./memory-groups.js";

/** A kill that nobody's death was explained by for so long was somebody else's. */
const FORGOTTEN_AFTER_MS = 3000;

export class OomWatch {
  private seen: number;
  /** When kills that explain nothing yet were seen. */
  private unexplained: number[] = [];

  constructor(private readonly groups: Pick<MemoryGroups, "findOomKills">) {
    this.seen = groups.findOomKills() ?? 0;
  }

  /** Notes what has happened. Each one of the task runner's looks makes guesses better. */
  look(nowMs: number): void {
    const kills = this.groups.findOomKills() ?? this.seen;
    for (; this.seen < kills; this.seen++) this.unexplained.push(nowMs);
    this.seen = kills;
    this.unexplained = this.unexplained.filter((atMs) => nowMs - atMs <= FORGOTTEN_AFTER_MS);
  }

  /** A process was killed by SIGKILL, by nobody known. Each kill of the kernel explains one. */
  explainsDeath(nowMs: number): boolean {
    this.look(nowMs);
    return this.unexplained.shift() !== undefined;
  }
}
