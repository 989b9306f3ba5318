/** Indices in the order of their keys, for columns of a million entries: a radix sort. Called by all analyses. */

/** Which tasks to look at: 1 at their number; undefined: all. */
export type Mask = Uint8Array | undefined;

/** Below, the built-in sort is quicker than filling histograms. */
const SMALL = 4096;

/**
 * Numbers `i < count` with `mask[i]` by ascending `keys[i]`, those with equal keys in their own order. Keys that
 * are NaN are left out.
 */
export function sortedOrder(
  keys: Float64Array,
  count: number = keys.length,
  mask?: Mask,
): Uint32Array {
  const indices = new Uint32Array(count);
  let n = 0;
  let sorted = true;
  let last = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    if (mask !== undefined && mask[i] === 0) continue;
    const key = keys[i];
    if (Number.isNaN(key)) continue;
    if (key < last) sorted = false;
    last = key;
    indices[n++] = i;
  }
  const order = indices.subarray(0, n);
  if (sorted) return order;
  if (n < SMALL) return order.sort((a, b) => keys[a] - keys[b] || a - b);
  return radixSort(keys, order);
}

/** By the bits of the doubles, 16 at a time: positive ones are in the order of their bits. */
function radixSort(keys: Float64Array, order: Uint32Array): Uint32Array {
  const n = order.length;
  const low = new Uint32Array(n);
  const high = new Uint32Array(n);
  const one = new Float64Array(1);
  const bits = new Uint32Array(one.buffer);
  for (let k = 0; k < n; k++) {
    one[0] = keys[order[k]] + 0; // -0 becomes 0
    const negative = bits[1] >>> 31 === 1;
    low[k] = negative ? ~bits[0] : bits[0];
    high[k] = negative ? ~bits[1] : bits[1] | 0x80000000;
  }
  let from = new Uint32Array(n);
  for (let k = 0; k < n; k++) from[k] = k;
  let to: Uint32Array<ArrayBuffer> = new Uint32Array(n);
  const starts = new Uint32Array(65_536);
  for (const [part, shift] of [
    [low, 0],
    [low, 16],
    [high, 0],
    [high, 16],
  ] as const) {
    starts.fill(0);
    for (let k = 0; k < n; k++) starts[(part[k] >>> shift) & 0xffff]++;
    if (starts[(part[0] >>> shift) & 0xffff] === n) continue; // all the same
    let sum = 0;
    for (let b = 0; b < 65_536; b++) {
      const size = starts[b];
      starts[b] = sum;
      sum += size;
    }
    for (let k = 0; k < n; k++) {
      const position = from[k];
      to[starts[(part[position] >>> shift) & 0xffff]++] = position;
    }
    [from, to] = [to, from];
  }
  for (let k = 0; k < n; k++) to[k] = order[from[k]];
  return to;
}

/** First index in `[from, to)` of ascending `values` with a value above `limit`; `to`: none. */
export function firstAbove(values: Float64Array, limit: number, from: number, to: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}
