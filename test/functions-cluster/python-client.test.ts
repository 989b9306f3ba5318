/** Functions from the Python client, and on workers whose Python is another one than the client's. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Context, jsTask } from "hyperloom";
import { afterEach, describe, expect, it } from "vitest";
import { newPath } from "./bystanders.js";
import { python } from "./python.js";
import { failureOf, type SharedCluster, sharedCluster, within } from "./shared-cluster.js";

const PYTHON = process.env.LOOM_PYTHON!;
const program = (name: string) => fileURLToPath(new URL(`programs/${name}`, import.meta.url));
const PACKAGES = fileURLToPath(new URL("../../python", import.meta.url));

/** What the program prints. */
async function run(shared: SharedCluster, name: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, LOOM_SERVER: shared.address, PYTHONPATH: PACKAGES };
  const running = promisify(execFile)(PYTHON, [program(name), ...args], { env });
  return (await within(name, running)).stdout;
}

describe("the Python client", () => {
  const shared = sharedCluster({ workers: 1, cpus: 2 });
  afterEach(() => shared.untilIdle());

  it("does everything, while a TypeScript client works and gets none of its log lines", async () => {
    const lines: string[] = [];
    shared.client.onLog(({ message }) => lines.push(message));
    const logs = jsTask(
      (ctx: Context, i: number) => {
        ctx.log.info(`line ${i}`);
        return `${i}`;
      },
      { context: true },
    );
    const folder = newPath();
    mkdirSync(folder);
    let ended = false;
    const everything = run(shared, "everything.py", program("text.mjs"), folder);
    const stop = () => {
      ended = true;
    };
    everything.then(stop, stop);
    let count = 0;
    while (!ended) {
      const value = await within("one", shared.client.submitOne(logs(count)).gather());
      expect(String(value)).toBe(`${count++}`);
    }
    expect(await everything).toBe("");
    expect(lines).toEqual(Array.from({ length: count }, (_, i) => `line ${i}`));
  });
});

/** An interpreter that has cloudpickle, but not in a place of its own. */
function interpreter(path: string): string {
  const own = newPath();
  const libraries = join(PYTHON, "../../lib");
  const packages = readdirSync(libraries).map((name) => join(libraries, name, "site-packages"));
  const script = `#!/bin/sh\nPYTHONPATH="${packages.join(":")}" exec "${path}" "$@"\n`;
  writeFileSync(own, script, { mode: 0o755 });
  return own;
}
const versions = join(homedir(), ".pyenv/versions");
function findPython(minor: string): string | undefined {
  if (!existsSync(versions)) return undefined;
  const version = readdirSync(versions).find((name) => name.startsWith(`${minor}.`));
  return version && join(versions, version, "bin/python");
}

const other = findPython("3.12");
describe.skipIf(other === undefined)("a worker with another version of Python", () => {
  const shared = sharedCluster({ workers: 1, cpus: 2, python: interpreter(other ?? "") });
  afterEach(() => shared.untilIdle());

  it("executes functions that are given as text", async () => {
    const version = python("import sys\ndef f():\n  return str(sys.version_info.minor)");
    const future = shared.client.submitOne(version);
    expect(String(await within("it", future.gather()))).toBe("12");
  });

  it("says what is wrong with those pickled by value, and executes those of modules", async () => {
    const outcomes = JSON.parse(await run(shared, "foreign_version.py")) as string[];
    const [byValue, byName] = outcomes;
    expect(byValue).toMatch(/pickled by another version of Python than the worker's 3\.12/);
    expect(byValue).toContain('"by_value"');
    expect(byName).toContain("1");
  });
});

const old = ["3.8", "2.7"].map(findPython).filter((path) => path !== undefined);
describe.skipIf(old.length === 0)("a worker with an old version of Python", () => {
  const shared = sharedCluster({ workers: 0 });

  it.each(old)("offers no Python functions and says why (%s)", async (path) => {
    const worker = await shared.addWorker({ python: path, cpus: 1 });
    const refused = shared.client.submitOne(python("def f(): return ''"));
    const error = await within("the refusal", refused.gather().catch(String));
    expect(error).toMatch(/is too old to run functions: 3\.9 or newer is needed/);
    const alive = shared.client.submitOne(jsTask(() => "alive")());
    expect(String(await within("it", alive.gather()))).toBe("alive");
    shared.kill(worker);
    while ((await shared.client.stats()).workers > 0) await new Promise((r) => setTimeout(r, 10));
  });

  it("waits for a better one", async () => {
    await shared.addWorker({ python: process.env.LOOM_PYTHON, cpus: 1 });
    const broken = shared.client.submitOne(python("def f(): return [5]"));
    expect((await failureOf(broken)).reason).toMatch(/int/);
  });
});
