/**
 * What happens to a client's tasks over time: since when some are unfinished, what was done before that, how
 * fast they get done. Owns the numbers of which progress-lines.ts makes text; knows no clock.
 * python/loom/progress_lines.py does the same.
 */
import type { ProgressView } from "./progress-lines.js";
import type { LabelProgress, Progress } from "./reports.js";

/** The rate is that of the last ten seconds, or of half the time when that is more: tasks may be long. */
const RATE_WINDOW_MS = 10_000;
/** A rate of less time is chance. */
const MIN_RATE_MS = 500;
const MAX_SAMPLES = 256;
const NOTHING: Progress = { finished: 0, failed: 0, total: 0, labels: [] };

interface Sample {
  readonly timeMs: number;
  readonly done: number;
}

export class ProgressTracker {
  /** What was done when the last unfinished tasks came: it is not shown again. */
  private before = NOTHING;
  private latest = NOTHING;
  private startedMs: number | undefined;
  private samples: Sample[] = [];
  /** Milliseconds of the times before in which tasks were unfinished. */
  private pastMs = 0;

  /** Since when tasks are unfinished; undefined: none is. */
  get busySinceMs(): number | undefined {
    return this.startedMs;
  }

  add(nowMs: number, progress: Progress): void {
    this.latest = progress;
    const done = progress.finished + progress.failed;
    if (done >= progress.total) {
      if (this.startedMs !== undefined) this.pastMs += nowMs - this.startedMs;
      this.startedMs = undefined;
      this.samples = [];
      this.before = progress;
      return;
    }
    if (this.startedMs === undefined) {
      this.startedMs = nowMs;
      const { finished, failed } = this.before;
      this.samples = [{ timeMs: nowMs, done: finished + failed }];
    }
    this.samples.push({ timeMs: nowMs, done });
    if (this.samples.length > MAX_SAMPLES)
      this.samples = this.samples.filter((_, i) => i % 2 === 0);
  }

  view(nowMs: number): ProgressView {
    const { before, latest } = this;
    const past = new Map(before.labels.map((label) => [label.name, label]));
    return {
      elapsedMs: nowMs - (this.startedMs ?? nowMs),
      finished: latest.finished - before.finished,
      failed: latest.failed - before.failed,
      total: latest.total - before.finished - before.failed,
      ratePerS: this.rate(nowMs),
      labels: latest.labels.map((label) => without(label, past.get(label.name))),
    };
  }

  /** Numbers of all tasks, and how long some were unfinished. */
  sum(nowMs: number): { finished: number; failed: number; unfinished: number; busyMs: number } {
    const { finished, failed, total } = this.latest;
    const busyMs = this.pastMs + (this.startedMs === undefined ? 0 : nowMs - this.startedMs);
    return { finished, failed, unfinished: total - finished - failed, busyMs };
  }

  private rate(nowMs: number): number {
    if (this.startedMs === undefined) return 0;
    const windowMs = Math.max(RATE_WINDOW_MS, (nowMs - this.startedMs) / 2);
    let first = this.samples[0];
    for (const sample of this.samples) {
      if (sample.timeMs > nowMs - windowMs) break;
      first = sample;
    }
    const ms = nowMs - first.timeMs;
    const { finished, failed } = this.latest;
    return ms < MIN_RATE_MS ? 0 : ((finished + failed - first.done) / ms) * 1000;
  }
}

function without(label: LabelProgress, past: LabelProgress | undefined): LabelProgress {
  if (past === undefined) return label;
  const finished = label.finished - past.finished;
  const failed = label.failed - past.failed;
  return { ...label, finished, failed, total: label.total - past.finished - past.failed };
}
