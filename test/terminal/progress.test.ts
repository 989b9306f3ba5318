/** What people see of a plan in a terminal, with both clients. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { useCluster } from "../server/cluster.js";
import { PYTHON, TerminalProcess } from "./terminal-process.js";

const cluster = useCluster(2);
const PROGRAMS = fileURLToPath(new URL("./programs/", import.meta.url));
const PACKAGES = fileURLToPath(new URL("../../python", import.meta.url));

/** Time that a task takes: something would be shown. */
const LONG_ENOUGH_S = "1.6";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loom-terminal-test-"));
});

afterEach(() => {
  // Whatever a test has left running ends.
  for (const name of ["print", "end", "go"]) touch(name);
  rmSync(folder, { recursive: true });
});

function touch(name: string): void {
  writeFileSync(join(folder, name), "");
}

describe.each([
  ["TypeScript", [process.execPath, "--import", "tsx", `${PROGRAMS}pipeline.ts`]],
  ["Python", [PYTHON ?? "python3", `${PROGRAMS}pipeline.py`]],
])("the %s client", (_language, program) => {
  const test = it.skipIf(PYTHON === undefined);
  const command = () => [...program, `127.0.0.1:${cluster.port}`, folder];
  const env = { PYTHONPATH: PACKAGES };

  test("shows labels while tasks run, keeps what is printed, leaves one line", async () => {
    const terminal = new TerminalProcess(command(), { env });
    // The tasks may finish in any order; the lines of one moment go together.
    await terminal.shows(/^tasks {3}█{13}░{7} 2\/3, .*1 failed$/);
    expect(terminal.screen.text).toContainEqual(
      expect.stringMatching(/^ {2}train █+░+ 1\/2(, 1 running)?, 1 failed$/),
    );
    expect(terminal.screen.text).toContain(`  load  ${"█".repeat(20)} 1/1`);
    await terminal.shows(/^ {2}train █+░+ 1\/2, 1 running, 1 failed$/);
    touch("print");
    await terminal.shows(/^begin$/);
    // It is not shown while somebody is in the middle of a line.
    expect(terminal.screen.text).toEqual(["line 1", "line 2", "begin"]);
    touch("end");
    // It may be shown between two lines, too.
    await terminal.shows(/^line 3$/);
    await terminal.shows(/^ {2}train /);
    expect(terminal.screen.text.slice(0, 4)).toEqual([
      ...["line 1", "line 2", "begin and end", "line 3"],
    ]);
    touch("go");
    expect(await terminal.ended).toEqual({ code: 0, signal: null, restored: true });
    const { text } = terminal.screen;
    expect(text.slice(0, 5)).toEqual(["line 1", "line 2", "begin and end", "line 3", "all done"]);
    expect(text[5]).toMatch(/^2 tasks finished, 1 failed in \d+ s$/);
    expect(text.slice(6)).toEqual(["closed"]);
  });

  test("Ctrl-C: the display is gone, a line is left, the terminal is as before", async () => {
    const terminal = new TerminalProcess(command(), { env });
    // Its line tells how far the tasks are at that moment.
    await terminal.shows(/^tasks {3}█{13}░{7} 2\/3, .*1 failed$/);
    terminal.type("\x03");
    const { code, signal, restored } = await terminal.ended;
    expect({ code, signal, restored }).toEqual({ code: null, signal: 2, restored: true });
    const text = terminal.screen.text.join("\n");
    expect(text).toMatch(/1 task finished, 1 failed, 1 not done in \d+ s/);
    expect(text).not.toMatch(/█/);
  });

  test.each([
    ["LOOM_PROGRESS=0", { LOOM_PROGRESS: "0" }],
    ["CI", { CI: "true" }],
    ["a terminal that can do nothing", { TERM: "dumb" }],
  ])("shows nothing with %s", async (_name, more) => {
    for (const name of ["print", "end"]) touch(name);
    const slow = [...command(), LONG_ENOUGH_S];
    const terminal = new TerminalProcess(slow, { env: { ...env, ...more } });
    await terminal.ended;
    expect(terminal.output).not.toContain("\x1b");
    expect(terminal.screen.text).toEqual([
      ...["line 1", "line 2", "begin and end", "line 3", "all done", "closed"],
    ]);
  });

  test("shows nothing without a terminal", async () => {
    for (const name of ["print", "end"]) touch(name);
    const [file, ...args] = [...command(), LONG_ENOUGH_S];
    const child = spawn(file, args, { env: { ...process.env, ...env, CI: "", TERM: "xterm" } });
    const written = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        written[name] += text;
      });
    }
    await new Promise((resolve) => child.on("close", resolve));
    expect(written.stderr).toBe("line 3\n");
    expect(written.stdout).toBe("line 1\nline 2\nbegin and end\nall done\nclosed\n");
  });
});
