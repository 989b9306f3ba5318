/**
 * A private checkout with the scripts of this one and nothing else to do: no packages, an
 * empty src/ that is built. Used by tests of the scripts.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface ScriptResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

export class CheckoutCopy {
  readonly folder = mkdtempSync(join(tmpdir(), "loom-checkout-"));

  constructor() {
    cpSync(join(root, "scripts"), this.path("scripts"), {
      recursive: true,
      filter: (source) => !source.includes("node_modules") && !source.includes("__pycache__"),
    });
    for (const packages of [".", "scripts/typedoc"]) {
      this.write(`${packages}/package-lock.json`, '{"packages": {}}');
      this.write(`${packages}/node_modules/.package-lock.json`, '{"packages": {}}');
    }
    this.write("tsconfig.json", "{}");
    this.write("tsconfig.build.json", "{}");
    mkdirSync(this.path("src"));
    this.write("dist/.built", "");
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  writeProgram(name: string, text: string): void {
    this.write(name, text);
    chmodSync(this.path(name), 0o755);
  }

  /** Runs one of its scripts to the end. */
  async run(script: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<ScriptResult> {
    const child = spawn(process.execPath, [this.path(`scripts/${script}`), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, LOOM_PYTHON: undefined, ...env },
    });
    const result: ScriptResult = { status: null, stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      result.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      result.stderr += text;
    });
    [result.status] = await once(child, "close");
    return result;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}
