import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type ArrayObject, plainObject } from "../../src/object-store/index.js";
import {
  Bench,
  content,
  failureOf,
  isAlive,
  pidsIn,
  variants,
  waitFor,
} from "./programs/harness.js";

/** Writes the ids of a shell and its two grandchildren to `$1`, and never ends. */
const FAMILY = 'echo $$ >>"$1"; sleep 1000 & echo $! >>"$1"; sleep 1000 & echo $! >>"$1"; wait';

const family = (file: string) => ({ args: ["sh", "-c", FAMILY, "sh", file] });

const dead = (pids: number[]) =>
  waitFor(`the end of ${pids}`, () => pids.every((pid) => !isAlive(pid)));

describe.each(variants)("the end of programs, $variant helper", ({ pythonCommand }) => {
  async function withBench(body: (bench: Bench) => Promise<void>): Promise<void> {
    const bench = new Bench({ pythonCommand });
    await bench.executor.ready();
    try {
      await body(bench);
    } finally {
      await bench.close();
    }
  }

  test("cancelled while running: the whole group is killed, the directory is gone", () =>
    withBench(async (bench) => {
      const file = join(bench.outside, "pids");
      const task = bench.start(family(file));
      const pids = await pidsIn(file, 3);
      expect(pids.map(isAlive)).toEqual([true, true, true]);
      task.cancel();
      expect((await failureOf(task.result)).message).toBe("The task was cancelled");
      await dead(pids);
      expect(bench.directories()).toEqual([]);
    }));

  test("cancelled although it ignores signals", () =>
    withBench(async (bench) => {
      const file = join(bench.outside, "pids");
      const script = `trap "" TERM INT HUP; echo $$ >"${file}"; while :; do sleep 0.05; done`;
      const task = bench.start({ args: ["sh", "-c", script] });
      const pids = await pidsIn(file, 1);
      task.cancel();
      await failureOf(task.result);
      await dead(pids);
    }));

  test("cancelled before it was sent, at once after, and with big inputs", () =>
    withBench(async (bench) => {
      const file = join(bench.outside, "started");
      const config = { args: ["sh", "-c", `echo $$ >>"${file}"; sleep 1000`], mapInputs: ["f"] };
      for (const size of [1, 1_000_000]) {
        const input = plainObject(new Uint8Array(size));
        const before = bench.start(config, [input], { cancelled: true });
        expect((await failureOf(before.result)).message).toBe("The task was cancelled");
        const after = bench.start(config, [input]);
        after.cancel();
        expect((await failureOf(after.result)).message).toBe("The task was cancelled");
      }
      expect(bench.directories()).toEqual([]);
    }));

  test("cancelled after its end: nothing happens", () =>
    withBench(async (bench) => {
      const task = bench.start({ args: ["echo", "x"] });
      expect(content(await task.result)).toBe("x\n");
      task.cancel();
      expect(content(await bench.run({ args: ["echo", "y"] }))).toBe("y\n");
    }));

  test("many are cancelled while others start and end", () =>
    withBench(async (bench) => {
      const tasks = Array.from({ length: 60 }, (_, i) =>
        bench.start({ args: ["sh", "-c", i % 2 === 0 ? "sleep 1000" : `echo ${i}`] }),
      );
      await tasks[1].result;
      for (let i = 0; i < tasks.length; i += 2) tasks[i].cancel();
      const results = await Promise.allSettled(tasks.map((task) => task.result));
      expect(results.map(({ status }) => status)).toEqual(
        tasks.map((_, i) => (i % 2 === 0 ? "rejected" : "fulfilled")),
      );
      expect(bench.directories()).toEqual([]);
    }));

  test("what a program leaves running in its group is killed when it ends", () =>
    withBench(async (bench) => {
      const pid = Number(await bench.shell("sleep 1000 >&- 2>&- & echo $!"));
      await dead([pid]);
    }));

  test("the time limit is for the whole group", () =>
    withBench(async (bench) => {
      const file = join(bench.outside, "pids");
      // More than it takes until all of them run, on a busy machine too.
      const task = bench.start({ ...family(file), timeLimitMs: 1500 });
      const pids = await pidsIn(file, 3);
      expect((await failureOf(task.result)).message).toContain("time limit of 1500 ms");
      await dead(pids);
    }));

  test("close kills what runs and settles everything", async () => {
    const bench = new Bench({ pythonCommand });
    await bench.executor.ready();
    const file = join(bench.outside, "pids");
    const running = bench.start(family(file));
    const pids = await pidsIn(file, 3);
    const helpers = [...bench.executor.launcherPids];
    const [, , first] = [bench.close(), 0, await failureOf(running.result)];
    expect(first.message).toContain("The worker stops");
    await dead([...pids, ...helpers]);
    expect((await failureOf(bench.run({ args: ["true"] }))).message).toBe("The worker stops");
  });

  test("close before the helpers are ready", async () => {
    const bench = new Bench({ pythonCommand });
    const task = bench.start({ args: ["true"] });
    await bench.close();
    expect((await failureOf(task.result)).message).toBe("The worker stops");
  });

  test("tasks given before the helpers are ready wait for them", async () => {
    const bench = new Bench({ pythonCommand });
    expect(content(await bench.run({ args: ["echo", "x"] }))).toBe("x\n");
    await bench.close();
  });

  test("a helper that is killed takes its programs with it, others go on", () =>
    withBench(async (bench) => {
      const files = [0, 1].map((i) => join(bench.outside, `pids${i}`));
      // The helpers take turns while both have equally many programs.
      const tasks = files.map((file) => bench.start(family(file)));
      const pids = await Promise.all(files.map((file) => pidsIn(file, 3)));
      const helpers = [...bench.executor.launcherPids];
      process.kill(helpers[0], "SIGKILL");
      const lost = await Promise.race(
        tasks.map((task, i) => failureOf(task.result).then((error) => ({ error, i }))),
      );
      expect(lost.error.message).toBe(
        "The helper process that ran the program ended unexpectedly (SIGKILL); the program was killed",
      );
      await dead(pids[lost.i]);
      expect(pids[1 - lost.i].map(isAlive)).toEqual([true, true, true]);
      await waitFor("a new helper", () => bench.executor.launcherPids.length === 2);
      expect(bench.executor.launcherPids).not.toContain(helpers[0]);
      const after = Array.from({ length: 10 }, () => bench.shell("echo x"));
      expect(await Promise.all(after)).toEqual(after.map(() => "x\n"));
      tasks[1 - lost.i].cancel();
      await failureOf(tasks[1 - lost.i].result);
      expect(bench.log.map(({ msg }) => msg)).toContain(
        "A helper process that starts programs ended; replaced",
      );
    }));

  test("all helpers are killed: tasks wait for the new ones", () =>
    withBench(async (bench) => {
      for (const pid of bench.executor.launcherPids) process.kill(pid, "SIGKILL");
      await waitFor("their end", () => bench.executor.launcherPids.length === 0);
      expect(await bench.shell("echo x")).toBe("x\n");
    }));

  test("the worker is killed: its helpers and programs end", async () => {
    const folder = mkdtempSync(join(tmpdir(), "loom-host-"));
    const file = join(folder, "pids");
    const script = FAMILY.replaceAll('"$1"', `"${file}"`);
    const host = spawn(
      process.execPath,
      [
        "--import",
        "tsx",
        fileURLToPath(new URL("programs/host.ts", import.meta.url)),
        folder,
        pythonCommand,
        script,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const ended = new Promise((resolve) => host.on("exit", (_, signal) => resolve(signal)));
    for await (const line of createInterface(host.stdout)) {
      const helpers = line.split(" ").map(Number);
      const pids = await pidsIn(file, 3);
      expect([...helpers, ...pids].every(isAlive)).toBe(true);
      host.kill("SIGKILL");
      expect(await ended).toBe("SIGKILL");
      await dead([...helpers, ...pids]);
      break;
    }
    rmSync(folder, { recursive: true, force: true });
  });
});

describe("directories that are used again", () => {
  test("nothing that an earlier program changed or still writes to", async () => {
    // One helper, so that each program gets the directory of the one before.
    const bench = new Bench({ launchers: 1 });
    await bench.executor.ready();
    const stray = join(bench.outside, "stray");
    const leave = `setsid sh -c 'echo $$ >"$1"; while :; do echo stray; sleep 0.001; done' x "$1" &
      while [ ! -s "$1" ]; do sleep 0.001; done`;
    const changes = [
      "chmod 700 .",
      "chmod 640 +out",
      "ln +out ../linked",
      "rm +out +err; mkdir +err; mkfifo +out",
      "rm +err; ln -s +out +err",
      "head -c 100000 /dev/zero; head -c 100000 /dev/zero >&2",
      "chmod 777 .",
    ];
    for (const change of changes) {
      await bench.run({ args: ["sh", "-c", change], mapOutputs: ["+err"] }).catch(() => {});
      const look = `stat -c '%n %a %s %F %h' . * | tr '\\n' ';'; echo end >&2`;
      const { elements } = (await bench.run({
        args: ["sh", "-c", `umask; ${look}`],
        mapOutputs: ["+out", "+err"],
      })) as ArrayObject;
      const [umask, files] = content(elements[0]).split("\n");
      const mode = (full: number) => (full & ~Number.parseInt(umask, 8)).toString(8);
      expect(files).toMatch(
        new RegExp(
          `^\\. ${mode(0o777)} \\d+ directory \\d+;\\+err ${mode(0o666)} 0 regular empty file 1;\\+out ${mode(0o666)} \\d+ regular [a-z ]*file 1;$`,
        ),
      );
      expect(content(elements[1])).toBe("end\n");
    }
    await bench.run({ args: ["sh", "-c", leave, "sh", stray] });
    const [pid] = await pidsIn(stray, 1);
    try {
      for (let i = 0; i < 20; i++) {
        expect(await bench.shell("sleep 0.01; echo mine")).toBe("mine\n");
      }
    } finally {
      process.kill(pid, "SIGKILL");
    }
    rmSync(join(bench.runDirectory, "1", "linked"));
    await bench.close();
  });
});

describe("helpers that can't be started", () => {
  test("a Python that is too old", async () => {
    const folder = mkdtempSync(join(tmpdir(), "loom-old-"));
    const old = join(folder, "python3");
    writeFileSync(
      old,
      '#!/bin/sh\necho "Python 3.8 or newer is needed, this is 3.6" >&2\nexit 1\n',
      {
        mode: 0o755,
      },
    );
    const bench = new Bench({ pythonCommand: old });
    expect(await bench.shell("echo x")).toBe("x\n");
    expect(bench.log).toHaveLength(1);
    expect(bench.log[0].reason).toBe("exit status 1: Python 3.8 or newer is needed, this is 3.6");
    await bench.close();
    rmSync(folder, { recursive: true });
  });

  test("one that answers nonsense", async () => {
    const folder = mkdtempSync(join(tmpdir(), "loom-nonsense-"));
    const command = join(folder, "python3");
    writeFileSync(command, "#!/bin/sh\nprintf '\\001\\000\\000\\000\\143'\nexec sleep 1000\n", {
      mode: 0o755,
    });
    const bench = new Bench({ pythonCommand: command });
    expect(await bench.shell("echo x")).toBe("x\n");
    expect(bench.log[0].reason).toBe("unknown reply 99 from a launcher");
    await bench.close();
    expect(readdirSync(folder)).toEqual(["python3"]);
    rmSync(folder, { recursive: true });
  });
});
