/** A directory for one test, removed after it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export interface Scratch {
  readonly path: string;
  /** Writes a file with a name of its own (or `name`) and returns its path. */
  write(content: Uint8Array | string, name?: string): string;
}

export function scratchDirectory(): Scratch {
  const path = mkdtempSync(join(tmpdir(), "loom-test-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  let files = 0;
  return {
    path,
    write(content, name = `file-${files++}`) {
      const file = join(path, name);
      writeFileSync(file, content);
      return file;
    },
  };
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
