import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { killProgramsOf } from "../../src/executors/program/launcher-programs.js";
import { isAlive, waitFor } from "./programs/harness.js";

// As launchers that are killed before they could report. Each program writes its line at once:
// several of them share the pipe.
const STARTS = {
  "in process groups of its session": `spawn("python3", ["-c", "import os,sys; os.setpgid(0, 0); os.write(1, b'%d\\\\n' % os.getpid()); os.execvp('sleep', ['sleep', '1000'])"], { stdio: ["ignore", "inherit", "ignore"] });`,
  "in sessions of their own, in its folder":
    'spawn("sh", ["-c", "echo $$; sleep 1000"], { detached: true, cwd: process.argv[1], stdio: ["ignore", "inherit", "ignore"] });',
};

test.each(Object.entries(STARTS))(
  "what a dead launcher has started %s is found, other processes stay",
  async (_, start) => {
    const script = `
    const { spawn } = require("node:child_process");
    for (let i = 0; i < 3; i++) ${start}
    setInterval(() => {}, 1000);`;
    const outside = mkdtempSync(join(tmpdir(), "loom-launcher-"));
    const folder = join(outside, "link");
    symlinkSync(join(outside, "0"), folder);
    for (const path of ["0/task-0", "01"]) mkdirSync(join(outside, path), { recursive: true });
    const task = join(folder, "task-0");
    const launcher = spawn(process.execPath, ["-e", script, task], { detached: true });
    const bystander = spawn("sleep", ["1000"], { detached: true, cwd: join(outside, "01") });
    onTestFinished(() => {
      bystander.kill("SIGKILL");
      killProgramsOf(launcher.pid!, folder);
      rmSync(outside, { recursive: true });
    });
    let output = "";
    launcher.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    await waitFor("three programs", () => output.split("\n").length === 4);
    const pids = output.trim().split("\n").map(Number);
    launcher.kill("SIGKILL");
    await once(launcher, "exit");
    expect(pids.map(isAlive)).toEqual([true, true, true]);
    killProgramsOf(launcher.pid!, folder);
    await waitFor("their end", () => !pids.some(isAlive));
    expect(isAlive(bystander.pid!)).toBe(true);
  },
);
