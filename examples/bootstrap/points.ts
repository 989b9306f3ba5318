/** Points as text, "x y" a line, and what demo.ts does with them. Plain functions: no task here. */

export interface Point {
  x: number;
  y: number;
}

export function readPoints(text: string): Point[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [x, y] = line.split(" ").map(Number);
      return { x, y };
    });
}

export function writePoints(points: readonly Point[]): string {
  return points.map(({ x, y }) => `${x} ${y}\n`).join("");
}

/** As many values as there are, each drawn from all of them: for each seed another choice. */
export function drawAgain<T>(values: readonly T[], seed: number): T[] {
  let state = seed;
  return values.map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return values[Math.floor((state / 2 ** 32) * values.length)];
  });
}

/** Slope of the line with the least sum of squared distances in y. */
export function leastSquaresSlope(points: readonly Point[]): number {
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / points.length;
  let xy = 0;
  let xx = 0;
  for (const { x, y } of points) {
    xy += (x - meanX) * (y - meanY);
    xx += (x - meanX) ** 2;
  }
  return xy / xx;
}
