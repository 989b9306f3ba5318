/** scripts/setup.mjs: what it says when packages can't be installed. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
let copy: string;

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), "loom-setup-"));
  mkdirSync(join(copy, "scripts"));
  for (const file of ["package.json", "package-lock.json", "scripts/setup.mjs"]) {
    copyFileSync(join(root, file), join(copy, file));
  }
});
afterEach(() => rmSync(copy, { recursive: true }));

function setup(env: NodeJS.ProcessEnv): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(copy, "scripts/setup.mjs")], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
}

describe("setup of a fresh checkout", () => {
  it("says what to do when the registry can't be reached", () => {
    const { status, stdout, stderr } = setup({
      npm_config_registry: "http://127.0.0.1:1/",
      npm_config_cache: join(copy, "cache"),
      npm_config_fetch_retries: "0",
    });
    expect(stdout).toBe("setup: installing packages (npm ci)\n");
    expect(stderr).toMatch(/^setup: npm ci cannot reach the package registry; connect .*\n$/);
    expect(status).toBe(1);
    expect(existsSync(join(copy, "dist"))).toBe(false);
  });

  it("says so when there is no npm", () => {
    const { status, stderr } = setup({ PATH: copy });
    expect(stderr).toMatch(/^setup: npm cannot be started \(.*\); install Node with npm\n$/);
    expect(status).toBe(1);
  });
});
