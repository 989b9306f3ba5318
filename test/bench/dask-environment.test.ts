/** The Python that has Dask: what is said when there is none. Nothing is installed here. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { daskPython } from "../../bench/peers/dask-environment.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loom-dask-test-"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe("the Python for Dask", () => {
  it("is the one that LOOM_DASK_PYTHON names, if it has Dask", () => {
    const python = program("python", '[ "$2" = "import distributed" ]');
    expect(daskPython(python)).toBe(python);
  });

  it("is not one without Dask, nor one that does not exist", () => {
    for (const python of [program("python", "exit 1"), join(folder, "missing")]) {
      expect(() => daskPython(python)).toThrow(
        `--peer dask: LOOM_DASK_PYTHON=${python} cannot import distributed; name an interpreter that has Dask, or unset it`,
      );
    }
  });

  it("cannot be made where venv or the package index is missing", () => {
    vi.spyOn(console, "log").mockReturnValue();
    vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
    const advice =
      "or install Debian's python3-distributed and set LOOM_DASK_PYTHON=/usr/bin/python3";
    program("python3", "echo trace >&2; echo 'No module named venv' >&2; exit 1");
    expect(() => daskPython(undefined, join(folder, "dask"))).toThrow(
      `--peer dask: no Python environment made; install python3-venv, ${advice} (No module named venv)`,
    );
    // This venv has a pip that reaches nothing.
    program(
      "python3",
      'mkdir -p "$3/bin"; printf "#!/bin/sh\\necho unreachable >&2; exit 1\\n" > "$3/bin/python"; chmod +x "$3/bin/python"',
    );
    expect(() => daskPython(undefined, join(folder, "dask"))).toThrow(
      `--peer dask: pip could not install Dask; connect to the network, ${advice} (unreachable)`,
    );
  });

  it("is made once, and again when another version is wanted", () => {
    vi.spyOn(console, "log").mockReturnValue();
    vi.stubEnv("PATH", `${folder}:${process.env.PATH}`);
    const made = join(folder, "made");
    program(
      "python3",
      `echo once >> ${made}; mkdir -p "$3/bin"; printf "#!/bin/sh\\nexit 0\\n" > "$3/bin/python"; chmod +x "$3/bin/python"`,
    );
    const environment = join(folder, "dask");
    const python = daskPython(undefined, environment);
    expect(python).toBe(join(environment, "bin", "python"));
    program("python3", "echo 'made again' >&2; exit 1");
    expect(daskPython(undefined, environment)).toBe(python);
    writeFileSync(join(environment, "installed.txt"), "distributed==1\n");
    expect(() => daskPython(undefined, environment)).toThrow("made again");
  });
});
