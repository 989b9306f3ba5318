/** What a part of docs/performance.md is. Made by the files in sections/. */
import type { Chart } from "./chart.js";
import type { ResultFile } from "./result-files.js";

export interface Section {
  title: string;
  /** Markdown below the title, without the charts. */
  text: string;
  /** Placed below the text; `name` is that of the file in docs/images, without ".svg". */
  charts: readonly { name: string; chart: Chart }[];
}

/** Undefined: no file has what it needs. */
export type SectionMaker = (files: readonly ResultFile[]) => Section | undefined;

/** Joins paragraphs and tables. */
export function paragraphs(...parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== "").join("\n\n");
}
