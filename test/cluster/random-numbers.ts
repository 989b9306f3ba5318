/** Random numbers that can be had again: a seed in an error message is enough. */

/** Gives integers from 0 to below `limit`; LOOM_TEST_SEED fixes the seed. */
export interface RandomNumbers {
  readonly seed: number;
  below(limit: number): number;
}

export function randomNumbers(): RandomNumbers {
  const seed = Number(process.env.LOOM_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  let state = seed;
  // Mulberry32, public domain.
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { seed, below: (limit) => Math.floor(next() * limit) };
}
