/**
 * A quantity that changes in steps over time: tasks that run, bytes sent so far. Owns looking it up at a time
 * and its mean over a span, both by binary search: what a chart costs depends on its pixels. Made by the
 * analyses, drawn by the page.
 */
import { firstAbove, sortedOrder } from "./sorted-order.js";

export class StepFunction {
  /** Integral up to `times[i]`. */
  private readonly area: Float64Array;

  /**
   * @param times ascending, ms
   * @param values from `times[i]` on; before the first it is 0
   */
  constructor(
    readonly times: Float64Array,
    readonly values: Float64Array,
  ) {
    const area = new Float64Array(times.length);
    for (let i = 1; i < times.length; i++) {
      area[i] = area[i - 1] + values[i - 1] * (times[i] - times[i - 1]);
    }
    this.area = area;
  }

  /** Value at a time, after what happens at that very time. */
  valueAt(ms: number): number {
    const next = firstAbove(this.times, ms, 0, this.times.length);
    return next === 0 ? 0 : this.values[next - 1];
  }

  integral(fromMs: number, toMs: number): number {
    return this.integralTo(toMs) - this.integralTo(fromMs);
  }

  /** Mean over a span; of an empty one the value. */
  mean(fromMs: number, toMs: number): number {
    return toMs > fromMs ? this.integral(fromMs, toMs) / (toMs - fromMs) : this.valueAt(fromMs);
  }

  get max(): number {
    return this.values.reduce((max, value) => Math.max(max, value), 0);
  }

  get last(): number {
    return this.values.length === 0 ? 0 : this.values[this.values.length - 1];
  }

  /** The same steps with other values. */
  map(change: (value: number) => number): StepFunction {
    return new StepFunction(this.times, this.values.map(change));
  }

  private integralTo(ms: number): number {
    const i = firstAbove(this.times, ms, 0, this.times.length) - 1;
    return i < 0 ? 0 : this.area[i] + this.values[i] * (ms - this.times[i]);
  }
}

/** A quantity that is made of two at each time. */
export function combined(
  one: StepFunction,
  other: StepFunction,
  combine: (one: number, other: number) => number,
): StepFunction {
  const times = new Float64Array(one.times.length + other.times.length);
  const values = new Float64Array(times.length);
  let count = 0;
  for (let i = 0, j = 0; i < one.times.length || j < other.times.length; count++) {
    const ms = Math.min(
      one.times[i] ?? Number.POSITIVE_INFINITY,
      other.times[j] ?? Number.POSITIVE_INFINITY,
    );
    if (one.times[i] === ms) i++;
    if (other.times[j] === ms) j++;
    times[count] = ms;
    values[count] = combine(one.values[i - 1] ?? 0, other.values[j - 1] ?? 0);
  }
  return new StepFunction(times.subarray(0, count), values.subarray(0, count));
}

/** Collects changes in any order. */
export class StepBuilder {
  private times: Float64Array;
  private deltas: Float64Array;
  private count = 0;

  constructor(capacity = 16) {
    this.times = new Float64Array(Math.max(16, capacity));
    this.deltas = new Float64Array(Math.max(16, capacity));
  }

  /** The value changes by `delta`; NaN as a time: it does not. */
  add(ms: number, delta: number): void {
    if (Number.isNaN(ms) || delta === 0) return;
    if (this.count === this.times.length) {
      this.times = grown(this.times);
      this.deltas = grown(this.deltas);
    }
    this.times[this.count] = ms;
    this.deltas[this.count++] = delta;
  }

  /** It is more by `amount` from one time to another; NaN as the end: for ever. */
  span(fromMs: number, toMs: number, amount = 1): void {
    if (Number.isNaN(fromMs) || toMs <= fromMs) return;
    this.add(fromMs, amount);
    this.add(toMs, -amount);
  }

  build(): StepFunction {
    const order = sortedOrder(this.times, this.count);
    const times = new Float64Array(order.length);
    const values = new Float64Array(order.length);
    let steps = 0;
    let value = 0;
    for (const i of order) {
      value += this.deltas[i];
      // What happens at one time is one step.
      if (steps > 0 && times[steps - 1] === this.times[i]) steps--;
      times[steps] = this.times[i];
      values[steps++] = value;
    }
    return new StepFunction(times.subarray(0, steps), values.subarray(0, steps));
  }
}

function grown(column: Float64Array): Float64Array {
  const longer = new Float64Array(column.length * 2);
  longer.set(column);
  return longer;
}
