/** The files that random plans open; removed after the tests of a file. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { OpenedFile } from "./random-plans.js";

const longLine = (letter: string): string => `${`${letter.repeat(500)},`.repeat(10)}\n`;
/** Pieces of more than 4 KiB are views of their file, smaller ones are copied. */
const TEXTS = {
  empty: "",
  lines: "a,b\nc\n\n",
  long: longLine("x") + longLine("y") + longLine("z"),
};

/** To be called outside of tests. */
export function makeOpenedFiles(): OpenedFile[] {
  const folder = mkdtempSync(join(tmpdir(), "plans-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  return Object.entries(TEXTS).map(([name, text]) => {
    const file = { path: join(folder, name), content: Buffer.from(text) };
    writeFileSync(file.path, file.content);
    return file;
  });
}
