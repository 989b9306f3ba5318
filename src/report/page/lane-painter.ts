/**
 * Paints lanes of the time line into pixels. What is at least a pixel long is a bar; shorter things that share a
 * pixel are one, faint if the lane was idle for a part of it: so a lane costs as much as it has pixels. No DOM
 * but the pixels.
 */
import { firstAbove, type Lane, type LaneItems } from "../analysis/index.js";

/** "Pixels" are those of the device; colours are 0xAABBGGRR, as the bytes of ImageData are on all machines. */
export interface Painting {
  readonly pixels: Uint32Array;
  readonly width: number;
  readonly height: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly background: number;
}

export interface BarStyle {
  readonly colour: number;
  readonly striped: boolean;
}

/** Looks at so many of the things in a pixel for one that is not filtered out. */
const PROBES = 12;

/**
 * @param styleOf of an item; undefined: it is filtered out
 * @param dimmed style of what is filtered out
 */
export function paintLane(
  painting: Painting,
  lane: Lane,
  { endMs }: LaneItems,
  top: number,
  height: number,
  styleOf: (item: number) => BarStyle | undefined,
  dimmed: BarStyle,
): void {
  const { fromMs, toMs, width } = painting;
  const { items, startMs, reachMs, usedMs } = lane;
  const pxPerMs = width / (toMs - fromMs);
  let i = firstAbove(reachMs, fromMs, 0, items.length);
  while (i < items.length && startMs[i] < toMs) {
    const item = items[i];
    const left = (startMs[i] - fromMs) * pxPerMs;
    const right = (endMs[item] - fromMs) * pxPerMs;
    const next =
      i + 1 < items.length ? (startMs[i + 1] - fromMs) * pxPerMs : Number.POSITIVE_INFINITY;
    const pixel = Math.floor(left);
    if (right - left >= 1 || next >= pixel + 1) {
      fillBar(painting, left, Math.max(right, left + 1), top, height, styleOf(item) ?? dimmed, 1);
      i++;
      continue;
    }
    const untilMs = fromMs + (pixel + 1) / pxPerMs;
    let end = Math.max(i + 1, firstAfter(startMs, untilMs, i, items.length));
    // The last one may be long: a bar of its own.
    const lastMs = endMs[items[end - 1]] - startMs[end - 1];
    if (end - 1 > i && lastMs * pxPerMs >= 1) end--;
    const share = Math.min(1, (usedMs[end] - usedMs[i]) * pxPerMs);
    let style: BarStyle | undefined;
    const step = Math.max(1, Math.floor((end - i) / PROBES));
    for (let probe = i + (step >> 1); probe < end && style === undefined; probe += step) {
      style = styleOf(items[probe]);
    }
    fillBar(painting, pixel, pixel + 1, top, height, style ?? dimmed, 0.25 + 0.75 * share);
    i = end;
  }
}

/** First index whose start is at or after a time, looked for near `from` first. */
function firstAfter(startMs: Float64Array, ms: number, from: number, to: number): number {
  let step = 1;
  let high = from + 1;
  while (high < to && startMs[high] < ms) {
    step *= 2;
    high = Math.min(to, high + step);
  }
  let low = Math.max(from, high - step);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (startMs[middle] < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

function fillBar(
  { pixels, width, height: limit, background }: Painting,
  left: number,
  right: number,
  top: number,
  height: number,
  { colour, striped }: BarStyle,
  share: number,
): void {
  const from = Math.max(0, Math.floor(left));
  let to = Math.min(width, Math.max(from + 1, Math.round(right)));
  // A gap between neighbours, where there is room for one.
  if (to - from > 4 && right <= width) to--;
  const plain = share < 1 ? blend(colour, background, share) : colour;
  const stripe = striped ? blend(colour, background, 0.45) : plain;
  const last = Math.min(limit, top + height);
  for (let y = Math.max(0, top); y < last; y++) {
    const row = y * width;
    if (striped) {
      for (let x = from; x < to; x++) pixels[row + x] = (x + y) % 6 < 2 ? stripe : plain;
    } else {
      pixels.fill(plain, row + from, row + to);
    }
  }
}

/** `share` of one colour on another one. */
export function blend(colour: number, background: number, share: number): number {
  let result = 0xff000000;
  for (let shift = 0; shift < 24; shift += 8) {
    const one = (colour >>> shift) & 0xff;
    const other = (background >>> shift) & 0xff;
    result |= Math.round(other + (one - other) * share) << shift;
  }
  return result >>> 0;
}

/** "#rrggbb" as a pixel. */
export function pixelOf(hex: string): number {
  const value = Number.parseInt(hex.slice(1), 16);
  return (0xff000000 | ((value & 0xff) << 16) | (value & 0xff00) | (value >>> 16)) >>> 0;
}
