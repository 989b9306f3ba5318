/** The generated reference of the TypeScript and the Python API: no warning is left. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
// scripts/setup.mjs --dev installs it; a bare `vitest` in a fresh checkout goes without.
const hasTypedoc = existsSync(join(root, "scripts/typedoc/node_modules"));
const hasPythonPackage = existsSync(join(root, "python/loom")) && process.env.LOOM_PYTHON;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loom-docs-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe.skipIf(!hasTypedoc)("npm run docs", () => {
  // Two compilers and two generators: on a busy machine that takes more than a minute.
  it("writes the reference without a warning", async () => {
    const script = join(root, "scripts/write-reference.mjs");
    const child = spawn(process.execPath, [script, folder], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    const [status] = await once(child, "close");
    expect(output).toBe("");
    expect(status).toBe(0);
    expect(existsSync(join(folder, "typescript/classes/Client.html"))).toBe(true);
    expect(existsSync(join(folder, "python/loom.html"))).toBe(Boolean(hasPythonPackage));
  }, 300_000);
});
