/** scripts/python-environment.mjs: when the Python environment is made, and what is said if not. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CheckoutCopy, type ScriptResult } from "./checkout-copy.js";

/**
 * Stands for python3: notes its commands in a file, makes environments that contain itself, and
 * fails as FAKE_… say.
 */
const FAKE_PYTHON = `#!/bin/sh
echo "$*" >> "$FAKE_LOG"
case "$*" in
  -c*) echo "3 \${FAKE_MINOR:-11}" ;;
  "-m venv --without-pip "*) /bin/mkdir -p "$4/bin" && /bin/cp "$0" "$4/bin/python" ;;
  "-m venv "*)
    if [ -n "$FAKE_NO_ENSUREPIP" ]; then echo "ensurepip is not available"; exit 1; fi
    /bin/mkdir -p "$3/bin" && /bin/cp "$0" "$3/bin/python" ;;
  "-m pip --version")
    [ -z "$FAKE_NO_PIP" ] || exit 1
    case "$0" in */.venv/*) [ -z "$FAKE_NO_ENSUREPIP" ] || exit 1 ;; esac ;;
  "-m pip "*)
    if [ -n "$FAKE_KILL_PIP" ]; then kill -9 $PPID; exit 1; fi
    if [ -n "$FAKE_PIP_ERROR" ]; then echo "$FAKE_PIP_ERROR" >&2; exit 1; fi ;;
esac
`;
const INSTALLING = "setup: installing Python packages into .venv (pip)\n";
const NOTHING: ScriptResult = { status: 0, stdout: "", stderr: "" };

let copy: CheckoutCopy;

beforeEach(() => {
  copy = new CheckoutCopy();
  copy.write("python/requirements.txt", "cloudpickle\n");
  copy.write("python/requirements-dev.txt", "-r requirements.txt\npytest\n");
  copy.writeProgram("fake/python3", FAKE_PYTHON);
});
afterEach(() => copy.remove());

function setup(args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<ScriptResult> {
  return copy.run("setup.mjs", args, {
    PATH: copy.path("fake"),
    FAKE_LOG: copy.path("commands"),
    ...env,
  });
}

/** What was installed since the last call: pip's arguments after its options. */
function takeInstalled(): string[] {
  if (!existsSync(copy.path("commands"))) return [];
  const commands = readFileSync(copy.path("commands"), "utf8");
  rmSync(copy.path("commands"));
  return [...commands.matchAll(/ install .*?(-r .*)$/gm)].map(([, what]) =>
    what.replaceAll(`${copy.folder}/python`, "python"),
  );
}

describe("set-up of the Python environment", () => {
  it("installs what running needs, then does and says nothing", async () => {
    expect(await setup()).toEqual({ ...NOTHING, stdout: INSTALLING });
    expect(takeInstalled()).toEqual(["-r python/requirements.txt"]);
    expect(await setup()).toEqual(NOTHING);
    expect(takeInstalled()).toEqual([]);
  });

  it("installs with --dev what tests need and the package, and running needs nothing more", async () => {
    copy.write("python/pyproject.toml", '[project]\nrequires-python = ">=3.9"\n');
    await setup(["--dev"]);
    expect(takeInstalled()).toEqual(["-r python/requirements-dev.txt -e python"]);
    expect(await setup(["--dev"])).toEqual(NOTHING);
    expect(await setup()).toEqual(NOTHING);
  });

  it("installs again when requirements have changed, in the environment that is there", async () => {
    await setup(["--dev"]);
    copy.write(".venv/mark", "");
    takeInstalled();
    copy.write("python/requirements-dev.txt", "numpy\n");
    expect(await setup()).toEqual(NOTHING);
    await setup(["--dev"]);
    expect(takeInstalled()).toEqual(["-r python/requirements-dev.txt"]);
    copy.write("python/requirements.txt", "numpy\n");
    await setup();
    expect(takeInstalled()).toEqual(["-r python/requirements.txt"]);
    await setup(["--dev"]);
    expect(takeInstalled()).toEqual(["-r python/requirements-dev.txt"]);
    expect(existsSync(copy.path(".venv/mark"))).toBe(true);
  });

  it("does nothing in a checkout without Python parts", async () => {
    rmSync(copy.path("python"), { recursive: true });
    expect(await setup(["--dev"])).toEqual(NOTHING);
  });

  it("begins anew after an interrupted run", async () => {
    await setup();
    copy.write("python/requirements.txt", "numpy\n");
    expect(await setup([], { FAKE_KILL_PIP: "1" })).toMatchObject({ status: null });
    copy.write("python/requirements.txt", "cloudpickle\n");
    copy.write(".venv/half", "");
    takeInstalled();
    expect(await setup()).toEqual({ ...NOTHING, stdout: INSTALLING });
    expect(takeInstalled()).toEqual(["-r python/requirements.txt"]);
    expect(existsSync(copy.path(".venv/half"))).toBe(false);
    expect(await setup()).toEqual(NOTHING);
  });

  it("waits for another set-up, then has nothing to do", async () => {
    const both = await Promise.all([setup(), setup()]);
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(both.filter(({ stdout }) => stdout.includes(INSTALLING))).toHaveLength(1);
    expect(takeInstalled()).toHaveLength(1);
  });

  it("begins anew once where several come after an interrupted run", async () => {
    await setup([], { FAKE_KILL_PIP: "1" });
    takeInstalled();
    const all = await Promise.all([setup(), setup(), setup(), setup()]);
    expect(all.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    expect(takeInstalled()).toHaveLength(1);
    expect(readdirSync(copy.path(".cache"))).toEqual([]);
    expect(await setup()).toEqual(NOTHING);
  });

  it("begins anew when the checkout was moved or the interpreter is gone", async () => {
    await setup();
    copy.write(".venv/mark", "");
    renameSync(copy.path(".venv/bin/python"), copy.path(".venv/bin/python3.old"));
    expect((await setup()).stdout).toBe(INSTALLING);
    expect(existsSync(copy.path(".venv/mark"))).toBe(false);
    copy.write(".venv/mark", "");
    copy.write(".venv/.loom-setup.json", '{"root": "/elsewhere/", "run": "0"}');
    expect((await setup()).stdout).toBe(INSTALLING);
    expect(existsSync(copy.path(".venv/mark"))).toBe(false);
  });

  it("uses the system's pip where ensurepip is missing", async () => {
    const { stderr } = await setup([], { FAKE_NO_ENSUREPIP: "1" });
    expect(stderr).toBe("");
    const commands = readFileSync(copy.path("commands"), "utf8");
    expect(commands).toContain(`-m pip --python ${copy.path(".venv/bin/python")} install`);
    expect(await setup([], { FAKE_NO_ENSUREPIP: "1" })).toEqual(NOTHING);
  });
});

describe("set-up without a Python environment warns in one line and goes on", () => {
  const NEEDED = "\\(Python functions, and tests of them, need it; everything else works\\)\n$";

  it("without python3", async () => {
    mkdirSync(copy.path("empty"));
    const { status, stdout, stderr } = await setup([], { PATH: copy.path("empty") });
    expect(stderr).toMatch(
      new RegExp(
        `^setup: no Python environment made: there is no python3; install Python 3 .* ${NEEDED}`,
      ),
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  });

  it("with a python3 that is too old", async () => {
    copy.write("python/pyproject.toml", 'requires-python = ">=3.10"\n');
    const { status, stderr } = await setup([], { FAKE_MINOR: "9" });
    expect(stderr).toContain(": python3 is Python 3.9; install Python 3.10 or newer (");
    expect(status).toBe(0);
  });

  it("with neither ensurepip nor pip", async () => {
    const { status, stderr } = await setup([], { FAKE_NO_ENSUREPIP: "1", FAKE_NO_PIP: "1" });
    expect(stderr).toMatch(
      new RegExp(`^setup: .*neither ensurepip nor pip; install venv .*python3-venv\\) ${NEEDED}`),
    );
    expect(status).toBe(0);
    expect(existsSync(copy.path(".venv"))).toBe(false);
  });

  it("without network; a next run with network makes it", async () => {
    const error = "WARNING: Retrying after connection broken by NewConnectionError";
    const { status, stderr } = await setup([], { FAKE_PIP_ERROR: error });
    expect(stderr).toMatch(
      new RegExp(
        `^setup: no Python environment made: pip cannot reach the package index; .*${NEEDED}`,
      ),
    );
    expect(status).toBe(0);
    expect(existsSync(copy.path(".venv"))).toBe(false);
    expect(await setup()).toEqual({ ...NOTHING, stdout: INSTALLING });
  });

  it("keeps the older one when it cannot be updated", async () => {
    await setup();
    copy.write("python/requirements.txt", "numpy\n");
    const { status, stderr } = await setup([], { FAKE_PIP_ERROR: "no such version" });
    expect(stderr).toBe(
      "no such version\nsetup: no Python environment updated: pip failed (above) (the older one is used)\n",
    );
    expect(status).toBe(0);
    expect(existsSync(copy.path(".venv/bin/python"))).toBe(true);
    expect((await setup()).stdout).toBe(INSTALLING);
  });
});

describe("the interpreter for workers", () => {
  async function pythonOf(env: NodeJS.ProcessEnv): Promise<string> {
    copy.write(
      "scripts/print.mjs",
      'import "./use-python.mjs"; console.log(process.env.LOOM_PYTHON);',
    );
    return (await copy.run("print.mjs", [], env)).stdout.trim();
  }

  it("is the environment's when it is complete and no other is set", async () => {
    expect(await pythonOf({})).toBe("undefined");
    await setup();
    expect(await pythonOf({})).toBe(copy.path(".venv/bin/python"));
    expect(await pythonOf({ LOOM_PYTHON: "/opt/python" })).toBe("/opt/python");
    rmSync(copy.path(".venv/.loom-setup.json"));
    expect(await pythonOf({})).toBe("undefined");
  });
});
