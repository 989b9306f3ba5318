/** The generated reference of the TypeScript and the Python API: no warning is left. */
import { spawnSync } from "node:child_process";
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
  it("writes the reference without a warning", () => {
    const script = join(root, "scripts/write-reference.mjs");
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, folder], {
      encoding: "utf8",
    });
    expect(`${stdout}${stderr}`).toBe("");
    expect(status).toBe(0);
    expect(existsSync(join(folder, "typescript/classes/Client.html"))).toBe(true);
    expect(existsSync(join(folder, "python/loom.html"))).toBe(Boolean(hasPythonPackage));
  });
});
