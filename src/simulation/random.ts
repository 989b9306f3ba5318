/**
 * Random numbers that can be had again: everything random in a simulation comes from one of these,
 * made from a seed that the user sees. Called by the generators and by random faults.
 *
 * The generator is sfc32 ("small fast counting", Chris Doty-Humphrey, PractRand 0.95, public
 * domain); normal numbers by Marsaglia's polar method (Marsaglia and Bray 1964).
 */

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;
  private spare = Number.NaN;

  /** @param stream tells apart sequences that are made from one seed */
  constructor(seed: number, stream = 0) {
    this.a = seed | 0;
    this.b = Math.floor(seed / 2 ** 32) | 0;
    this.c = stream | 0;
    for (let i = 0; i < 15; i++) this.next32();
  }

  /** An integer from 0 to below 2^32. */
  next32(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    this.c |= 0;
    return sum >>> 0;
  }

  /** From 0 to below 1. */
  uniform(): number {
    return this.next32() / 2 ** 32;
  }

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  /** Mean 0, standard deviation 1. */
  normal(): number {
    if (!Number.isNaN(this.spare)) {
      const { spare } = this;
      this.spare = Number.NaN;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      this.spare = y * factor;
      return x * factor;
    }
  }

  /**
   * Log-normal: durations and sizes of real tasks look like this.
   *
   * @param sigma of the logarithm; 0: always the median, 1: 16 of 100 are above 2.7 medians
   */
  logNormal(median: number, sigma: number): number {
    return sigma === 0 ? median : median * Math.exp(sigma * this.normal());
  }

  /** Time until the next of events that happen `1 / mean` times per unit of time. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.uniform());
  }
}
