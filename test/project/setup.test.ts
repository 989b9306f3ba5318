/** scripts/setup.mjs: what it says when packages can't be installed. */
import { copyFileSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CheckoutCopy, type ScriptResult } from "./checkout-copy.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
let copy: CheckoutCopy;

beforeEach(() => {
  copy = new CheckoutCopy();
  for (const folder of ["node_modules", "dist"]) rmSync(copy.path(folder), { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) {
    copyFileSync(join(root, file), copy.path(file));
  }
});
afterEach(() => copy.remove());

function setup(env: NodeJS.ProcessEnv, ...args: string[]): Promise<ScriptResult> {
  return copy.run("setup.mjs", args, env);
}

describe("setup of a fresh checkout", () => {
  const unreachable = (): NodeJS.ProcessEnv => ({
    npm_config_registry: "http://127.0.0.1:1/",
    npm_config_cache: copy.path("cache"),
    npm_config_fetch_retries: "0",
  });

  it("says what to do when the registry can't be reached", async () => {
    const { status, stdout, stderr } = await setup(unreachable());
    expect(stdout).toBe("setup: installing packages (npm ci)\n");
    expect(stderr).toMatch(/^setup: npm ci cannot reach the package registry; connect .*\n$/);
    expect(status).toBe(1);
    expect(existsSync(copy.path("dist"))).toBe(false);
  });

  it("installs typedoc's packages for development only", async () => {
    copy.write("package-lock.json", '{"packages": {}}');
    copy.write("node_modules/.package-lock.json", '{"packages": {}}');
    copy.write("dist/.built", "");
    rmSync(copy.path("scripts/typedoc/node_modules"), { recursive: true });
    for (const file of ["package.json", "package-lock.json"]) {
      copyFileSync(join(root, "scripts/typedoc", file), copy.path(`scripts/typedoc/${file}`));
    }
    expect(await setup(unreachable())).toEqual({ status: 0, stdout: "", stderr: "" });
    const { status, stdout } = await setup(unreachable(), "--dev");
    expect(stdout).toBe("setup: installing packages of scripts/typedoc (npm ci)\n");
    expect(status).toBe(1);
  });

  it("says so when there is no npm", async () => {
    const { status, stderr } = await setup({ PATH: copy.folder });
    expect(stderr).toMatch(/^setup: npm cannot be started \(.*\); install Node with npm\n$/);
    expect(status).toBe(1);
  });
});
