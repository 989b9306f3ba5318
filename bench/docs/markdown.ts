/** Tables and numbers in Markdown. Called by the sections. */

/** Columns that have a word in a cell go to the left, numbers to the right. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, i) =>
    Math.max(3, column.length, ...rows.map((row) => row[i].length)),
  );
  const isText = columns.map((_, i) => rows.some((row) => /[a-z]/i.test(row[i])));
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, i) =>
      isText[i] ? cell.padEnd(widths[i]) : cell.padStart(widths[i]),
    );
    return `| ${padded.join(" | ")} |`;
  };
  const rule = widths.map((width, i) =>
    isText[i] ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [line(columns), line(rule), ...rows.map(line)].join("\n");
}

/** "1,234,567", "0.411"; "–" for what was not measured. */
export function number(value: unknown, digits = 3): string {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  const shown =
    Math.abs(value) >= 10 ** digits ? Math.round(value) : Number(value.toPrecision(digits));
  return shown.toLocaleString("en", { maximumFractionDigits: 20 });
}

/** "5.9×", "1,240×". */
export function ratio(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return "–";
  return `${number(value, value >= 100 ? 3 : 2)}×`;
}
