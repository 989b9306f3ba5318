import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { killSession } from "../../src/executors/program/session-processes.js";
import { isAlive, waitFor } from "./programs/harness.js";

test("what a dead launcher has started is found by its session, other processes stay", async () => {
  // As a launcher that is killed before it could report: programs in groups of their own. Each
  // writes its line at once: several of them share the pipe.
  const script = `
    const { spawn } = require("node:child_process");
    const python = "import os,sys; os.setpgid(0, 0); os.write(1, b'%d\\\\n' % os.getpid()); os.execvp('sleep', ['sleep', '1000'])";
    for (let i = 0; i < 3; i++) spawn("python3", ["-c", python], { stdio: ["ignore", "inherit", "ignore"] });
    setInterval(() => {}, 1000);`;
  const launcher = spawn(process.execPath, ["-e", script], { detached: true });
  const bystander = spawn("sleep", ["1000"], { detached: true });
  onTestFinished(() => {
    bystander.kill("SIGKILL");
    killSession(launcher.pid!);
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
  killSession(launcher.pid!);
  await waitFor("their end", () => !pids.some(isAlive));
  expect(isAlive(bystander.pid!)).toBe(true);
});
