/**
 * What views share: the data and their analyses, the filter, the time range in sight, the selected task. Owns
 * who is told of changes. Made by mount-views.ts.
 */
import { Analyses } from "./analyses.js";
import { type LabelColour, LabelColours } from "./colours.js";
import { type Filter, maskOf, NO_FILTER } from "./filter.js";
import type { ViewData } from "./view-data.js";

export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export type Change = "range" | "selection" | "cursor";

export class ViewContext {
  private colours = new LabelColours();
  private readonly listeners = new Map<Change, Set<() => void>>();
  private current: ViewData;
  private chosenFilter = NO_FILTER;
  private chosenMask: Uint8Array | undefined;
  private chosenRange: TimeRange | undefined;
  /** With `firstTask` added; -1: none. */
  private selected = -1;
  private all: Analyses;
  private masked: Analyses;
  /** Where the pointer is; NaN: nowhere on a time axis. */
  private pointerMs = Number.NaN;

  /** @param onContent data or filter have changed */
  constructor(
    data: ViewData,
    private readonly onContent: () => void,
  ) {
    this.current = data;
    this.colours.update(data.labels);
    this.all = new Analyses(data, undefined);
    this.masked = this.all;
  }

  get data(): ViewData {
    return this.current;
  }

  setData(data: ViewData): void {
    // Another trace altogether: labels are only ever added to those of the same.
    const known = Math.min(data.labels.length, this.current.labels.length);
    if (data.labels.slice(0, known).some((label, i) => label !== this.current.labels[i])) {
      this.colours = new LabelColours();
    }
    this.current = data;
    this.colours.update(data.labels);
    this.all = new Analyses(data, undefined);
    this.applyFilter();
    this.tell("range");
  }

  /** 1: the task passes the filter. Undefined: all do. */
  get mask(): Uint8Array | undefined {
    return this.chosenMask;
  }

  /** Of the tasks that pass the filter, where it makes sense. */
  get analyses(): Analyses {
    return this.masked;
  }

  get filter(): Filter {
    return this.chosenFilter;
  }

  setFilter(change: Partial<Filter>): void {
    this.chosenFilter = { ...this.chosenFilter, ...change };
    this.applyFilter();
  }

  private applyFilter(): void {
    this.chosenMask = maskOf(this.current, this.chosenFilter);
    this.masked =
      this.chosenMask === undefined
        ? this.all
        : new Analyses(this.current, this.chosenMask, this.all);
    this.onContent();
  }

  colourOf(label: number): LabelColour {
    return this.colours.get(label);
  }

  /** The time in sight. */
  get range(): TimeRange {
    return this.chosenRange ?? { fromMs: 0, toMs: Math.max(this.current.durationMs, 0.001) };
  }

  get isZoomed(): boolean {
    return this.chosenRange !== undefined;
  }

  /** Undefined: everything. A range is at least 1 µs long and within the trace. */
  setRange(range: TimeRange | undefined): void {
    const { durationMs } = this.current;
    if (range === undefined || range.toMs - range.fromMs >= durationMs) {
      this.chosenRange = undefined;
    } else {
      const length = Math.max(0.001, range.toMs - range.fromMs);
      const fromMs = Math.max(0, Math.min(range.fromMs, durationMs - length));
      this.chosenRange = { fromMs, toMs: fromMs + length };
    }
    this.tell("range");
  }

  /** @param factor below 1: closer */
  zoom(factor: number, aroundMs?: number): void {
    const { fromMs, toMs } = this.range;
    const centre = aroundMs ?? (fromMs + toMs) / 2;
    this.setRange({
      fromMs: centre - (centre - fromMs) * factor,
      toMs: centre + (toMs - centre) * factor,
    });
  }

  /** @param share of the range in sight; above 0: later */
  pan(share: number): void {
    const { fromMs, toMs } = this.range;
    const ms = (toMs - fromMs) * share;
    if (this.isZoomed) this.setRange({ fromMs: fromMs + ms, toMs: toMs + ms });
  }

  get selectedTask(): number {
    const task = this.selected === -1 ? -1 : this.selected - this.current.firstTask;
    return task >= 0 && task < this.current.tasks.count ? task : -1;
  }

  /** -1: none. */
  selectTask(task: number): void {
    this.selected = task === -1 ? -1 : task + this.current.firstTask;
    this.tell("selection");
  }

  get cursorMs(): number {
    return this.pointerMs;
  }

  setCursor(ms: number): void {
    if (ms === this.pointerMs || (Number.isNaN(ms) && Number.isNaN(this.pointerMs))) return;
    this.pointerMs = ms;
    this.tell("cursor");
  }

  /** @returns ends it */
  on(change: Change, listener: () => void): () => void {
    const listeners = this.listeners.get(change) ?? new Set();
    this.listeners.set(change, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  private tell(change: Change): void {
    for (const listener of this.listeners.get(change) ?? []) listener();
  }
}
