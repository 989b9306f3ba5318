/** scripts/test.mjs: what is run and counted, with a real pytest and a stand-in for vitest. */
import { mkdirSync, readdirSync } from "node:fs";
import { basename } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CheckoutCopy, type ScriptResult } from "./checkout-copy.js";

const python = process.env.LOOM_PYTHON;

/** Counts two tests that passed, and says what it was asked for. */
const VITEST = `
import { writeFileSync } from "node:fs";
console.log("vitest " + process.argv.slice(2).filter((word) => !word.startsWith("--")).join(" "));
if (process.env.FAKE_VITEST_CRASH) process.exit(1);
writeFileSync(process.env.LOOM_TEST_COUNTS, '{"passed": 2, "failed": 0}');
`;
const TWO_PASS = "def test_a():\n    pass\n\ndef test_b():\n    pass\n";

let copy: CheckoutCopy;

beforeEach(() => {
  copy = new CheckoutCopy();
  copy.write("node_modules/vitest/vitest.mjs", VITEST);
});
afterEach(() => copy.remove());

/** Has it use this checkout's Python packages as its own. */
function addPython(): void {
  copy.write("python/requirements.txt", "");
  copy.writeProgram(".venv/bin/python", `#!/bin/sh\nexec "${python}" "$@"\n`);
  // Real set-up would install; what is there is up to date for these files.
  copy.write(
    "scripts/python-environment.mjs",
    `export const findPython = () => ${JSON.stringify(copy.path(".venv/bin/python"))};
     export const hasDevelopmentPackages = () => true;
     export const ensurePython = () => {};`,
  );
}

function runTests(args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<ScriptResult> {
  return copy.run("test.mjs", args, env);
}

function lastLine({ stdout }: ScriptResult): string | undefined {
  return stdout.trimEnd().split("\n").at(-1);
}

describe("npm test without Python", () => {
  it("reports the Python tests as skipped", async () => {
    copy.write("python/tests/test_a.py", TWO_PASS);
    const result = await runTests();
    expect(result.stdout).toContain("Python tests are skipped: no Python environment");
    expect(lastLine(result)).toBe("2 passed, 0 failed");
    expect(result.status).toBe(0);
  });

  it("counts a crash of vitest as a failure", async () => {
    const result = await runTests([], { FAKE_VITEST_CRASH: "1" });
    expect(lastLine(result)).toBe("0 passed, 1 failed");
    expect(result.status).toBe(1);
  });
});

describe.skipIf(python === undefined)("npm test with Python", () => {
  beforeEach(addPython);

  it("adds what pytest counts, and lists skipped tests with reasons", async () => {
    copy.write(
      "python/tests/test_a.py",
      `${TWO_PASS}\nimport pytest\n\n@pytest.mark.skip(reason="no such machine")\ndef test_c(): pass\n`,
    );
    copy.write("python/tests/test_b.py", "def test_fails():\n    assert 1 == 2\n");
    const result = await runTests();
    expect(result.stdout).toMatch(/^SKIPPED \[1\] .*test_a\.py:\d+: no such machine$/m);
    expect(result.stdout).toContain("assert 1 == 2");
    expect(lastLine(result)).toBe("4 passed, 1 failed");
    expect(result.status).toBe(1);
  });

  it("counts files that cannot be collected and failing fixtures once each", async () => {
    copy.write("python/tests/test_a.py", "import no_such_module\n");
    expect(lastLine(await runTests())).toBe("2 passed, 1 failed");
    copy.write(
      "python/tests/test_a.py",
      `import pytest\n@pytest.fixture\ndef broken():\n    yield\n    raise ValueError\n\ndef test_a(broken): pass\n${TWO_PASS.replace("_a", "_c")}`,
    );
    expect(lastLine(await runTests())).toBe("4 passed, 1 failed");
  });

  it("counts a crash of pytest as a failure", async () => {
    copy.write("python/tests/test_a.py", "import os\n\ndef test_a():\n    os._exit(0)\n");
    const crash = await runTests();
    expect(lastLine(crash)).toBe("2 passed, 1 failed");
    copy.write("python/tests/test_a.py", "import os\n\ndef test_a():\n    os.abort()\n");
    expect(lastLine(await runTests())).toBe("2 passed, 1 failed");
  });

  it("gives filters that begin with python/ to pytest, others to vitest", async () => {
    copy.write("python/tests/test_a.py", TWO_PASS);
    copy.write("python/tests/test_b.py", TWO_PASS);
    const onlyVitest = await runTests(["test/client"]);
    expect(onlyVitest.stdout).toBe("vitest run test/client\n2 passed, 0 failed\n");
    const onlyPytest = await runTests(["python/tests/test_b.py"]);
    expect(onlyPytest.stdout).not.toContain("vitest");
    expect(lastLine(onlyPytest)).toBe("2 passed, 0 failed");
    const both = await runTests(["python/tests/test_b.py::test_a", "test/client"]);
    expect(both.stdout).toContain("vitest run test/client\n");
    expect(lastLine(both)).toBe("3 passed, 0 failed");
    expect(lastLine(await runTests(["python/tests/test_none.py"]))).toBe("0 passed, 1 failed");
  });

  it("fails when something is left behind, and removes it", async () => {
    // No process has this number: they end at 4194304. In /dev/shm other runs would find it.
    const memory = copy.path("shm");
    mkdirSync(memory);
    const shared = `${memory}/hyperloom-4999999-mine`;
    const ofLivingProcess = `${memory}/hyperloom-${process.pid}-other`;
    copy.write(
      "python/tests/test_a.py",
      `import os, subprocess, tempfile
def test_a():
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    tempfile.mkdtemp(prefix="loom-mine-")
    os.mkdir("${shared}")
    os.mkdir("${ofLivingProcess}")
`,
    );
    const result = await runTests(["python/tests"], {
      TMPDIR: copy.path("."),
      LOOM_TEST_SHARED_MEMORY: memory,
    });
    expect(result.stderr).toMatch(/^The tests left behind:\n {2}process \d+: sleep 600$/m);
    expect(result.stderr).toMatch(/^ {2}temporary file: loom-mine-\w+$/m);
    expect(result.stderr).toContain(`  folder in shared memory: ${shared}\n`);
    expect(lastLine(result)).toBe("1 passed, 1 failed");
    expect(readdirSync(memory)).toEqual([basename(ofLivingProcess)]);
    expect(readdirSync(copy.folder).filter((name) => /^loom-/.test(name))).toEqual([]);
  });
});
