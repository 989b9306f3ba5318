/**
 * Numbers of tasks over the time that the page is open: exact, whatever detail is shed. With many entries every
 * second one is dropped, so hours take no more room than minutes. No DOM.
 */
import { StepFunction } from "../../report/page/index.js";
import type { StateEvent } from "../event-streams.js";

/** Half an hour of ticks. */
const MAX_ENTRIES = 3600;

interface Entry {
  readonly atMs: number;
  readonly unfinished: number;
  readonly running: number;
  /** Finished and failed ones since the server started. */
  readonly ended: number;
  /** Finished ones of connected clients, by label's number. */
  readonly finished: ReadonlyMap<number, number>;
}

export class History {
  private entries: Entry[] = [];

  add(state: StateEvent, atMs: number, labelNumber: (name: string) => number): void {
    const { unfinished, finished, failed } = state.tasks;
    this.entries.push({
      atMs,
      unfinished,
      running: state.running.tasks.length + state.running.more,
      ended: finished + failed,
      finished: new Map(state.labels.map((one) => [labelNumber(one.label), one.finished])),
    });
    if (this.entries.length > MAX_ENTRIES)
      this.entries = this.entries.filter((_, i) => i % 2 === 1);
  }

  get unfinished(): StepFunction {
    return this.curve((entry) => entry.unfinished);
  }

  get running(): StepFunction {
    return this.curve((entry) => entry.running);
  }

  /** Tasks that end, per second: from one entry to the next. */
  get endRate(): StepFunction {
    const { entries } = this;
    const rates = entries.map(({ atMs, ended }, i) => {
      const next = entries[i + 1];
      return next === undefined ? 0 : ((next.ended - ended) / (next.atMs - atMs)) * 1000;
    });
    return new StepFunction(
      Float64Array.from(entries, ({ atMs }) => atMs),
      Float64Array.from(rates),
    );
  }

  /** Labels that have any, with what had finished at each time. */
  finishedByLabel(): [label: number, curve: StepFunction][] {
    const labels = new Set(this.entries.flatMap(({ finished }) => [...finished.keys()]));
    return [...labels].sort((a, b) => a - b).map((label) => [label, this.ofLabel(label)]);
  }

  private ofLabel(label: number): StepFunction {
    return this.curve((entry) => entry.finished.get(label) ?? 0);
  }

  private curve(read: (entry: Entry) => number): StepFunction {
    return new StepFunction(
      Float64Array.from(this.entries, ({ atMs }) => atMs),
      Float64Array.from(this.entries, read),
    );
  }
}
