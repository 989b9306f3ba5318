/** Where the server's CPU time goes. */
import { table } from "../markdown.js";
import { type ResultFile, sourceOf } from "../result-files.js";
import { paragraphs, type Section } from "../section.js";

const ITEMS = 8;

export function profiles(files: readonly ResultFile[]): Section | undefined {
  const file = files.find(({ profiles: found }) => found.length > 0);
  if (file === undefined) return undefined;
  const tables = file.profiles.flatMap(({ case: name, workers, items }) => [
    `\`${name}\`, ${workers} connections:`,
    table(
      ["function", "%"],
      items.slice(0, ITEMS).map((item) => [`\`${item.function}\``, item.percent.toFixed(1)]),
    ),
  ]);
  const text = paragraphs(
    "Functions of the server with most CPU time of their own, callees not included, in per cent of the time in which it was not idle, from its start to its end (`--profile`):",
    ...tables,
    sourceOf(file),
  );
  return { title: "Profile of the server", text, charts: [] };
}
