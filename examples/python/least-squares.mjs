/** A JavaScript function that bootstrap.py calls by its name. */

/** Slope of the line with the least sum of squared distances, through points "x y" a line. */
export function slope(digits, points) {
  const rows = points
    .text()
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" ").map(Number));
  const mean = (i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const xy = rows.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  const xx = rows.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return `${(xy / xx).toFixed(digits)}\n`;
}
