/**
 * How programs run: what surrounds them, their streams meanwhile, many at once, pinned to cores. Their
 * inputs and outputs are in program-files.test.ts, their failures in program-failures.test.ts, their end
 * in program-life.test.ts.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openFile } from "../../src/object-store/index.js";
import { Bench, content, text, variants, waitFor } from "./programs/harness.js";

describe.each(variants)("programs, $variant helper", ({ variant, pythonCommand }) => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.ready({ pythonCommand });
  });
  afterAll(() => bench.close());

  describe("surroundings", () => {
    test("variables are added to the worker's environment", async () => {
      process.env.LOOM_TEST_A = "a = ä";
      const own = new Bench({ pythonCommand });
      try {
        const env = { LOOM_TEST_B: "b\nc=d", LOOM_TEST_E: "" };
        const script = `printf "%s|" "$LOOM_TEST_A" "$LOOM_TEST_B" "\${LOOM_TEST_E-unset}"`;
        expect(await own.shell(script, { env })).toBe("a = ä|b\nc=d||");
        expect(await own.shell(script)).toBe("a = ä||unset|");
      } finally {
        delete process.env.LOOM_TEST_A;
        await own.close();
      }
    });

    test("the environment is exactly the worker's", async () => {
      const result = content(await bench.run({ args: ["env", "-0"] }));
      const expected = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
      expect(result.split("\0").filter(Boolean).sort()).toEqual(expected.sort());
    });

    test("the program is looked for in the task's PATH", async () => {
      const folder = join(bench.outside, "a bin");
      mkdirSync(folder);
      const program = join(folder, "own-program");
      writeFileSync(program, "#!/bin/sh\necho own $0", { mode: 0o755 });
      const env = { PATH: `/nowhere::${folder}` };
      const result = await bench.run({ args: ["own-program"], env });
      expect(content(result)).toBe(`own ${program}\n`);
      // A script without its interpreter in the first line.
      writeFileSync(program, "echo plain $1", { mode: 0o755 });
      expect(content(await bench.run({ args: ["own-program", "x"], env }))).toBe("plain x\n");
    });

    test("a relative program is one of the working directory", async () => {
      const path = join(bench.outside, "tool");
      writeFileSync(path, "#!/bin/sh\necho tool", { mode: 0o755 });
      const config = { args: ["./bin/tool"], mapInputs: ["bin/tool"] };
      expect(content(await bench.run(config, [openFile(path)]))).toBe("tool\n");
    });

    test("arguments with everything in them", async () => {
      const args = ["", " ", "a b", "q\"'`$x\\", "ä\u{1f600}", "-n", "new\nline", "*"];
      const result = await bench.run({ args: ["printf", "%s\\0", ...args] });
      expect(content(result)).toBe(args.map((arg) => `${arg}\0`).join(""));
    });

    test("many long arguments", async () => {
      const args = Array.from({ length: 100 }, () => "x".repeat(10_000));
      expect(await bench.shell('echo $# "$1"', { args: ["sh", "-c", "echo $#", ...args] })).toBe(
        "99\n",
      );
    });

    test("each program begins in an empty directory of its own", async () => {
      const look = "ls -A; pwd; mkdir -p d/e; touch .hidden d/e/f; ln -s /etc link; echo x >&2";
      const seen = new Set<string>();
      for (let i = 0; i < 5; i++) {
        const lines = (await bench.shell(look)).trim().split("\n");
        expect(lines.slice(0, -1).sort()).toEqual(["+err", "+out"]);
        expect(lines.at(-1)).toContain(bench.runDirectory);
        seen.add(lines.at(-1)!);
      }
      expect(seen.size).toBe(5);
      expect(bench.directories()).toEqual([]);
    });

    test("nothing of an earlier program is left in its streams", async () => {
      await bench.shell("echo long output; echo long error >&2");
      const after = { args: ["sh", "-c", "cat +out +err; exit 1"] };
      expect((await bench.failure(after)).programEnd).toMatchObject({ stderr: new Uint8Array(0) });
    });

    test("a full directory is removed too", async () => {
      await bench.shell("mkdir -p a/b; cd a/b; for i in $(seq 300); do echo >$i; done");
      expect(bench.directories()).toEqual([]);
    });

    test.skipIf(variant === "node")("open files are not inherited", async () => {
      expect(await bench.shell("ls /proc/self/fd | tr '\\n' ' '")).toBe("0 1 2 3 ");
    });

    test("signals have their usual effects", async () => {
      const status = await bench.shell("grep -E '^Sig(Blk|Ign)' /proc/self/status");
      const masks = [...status.matchAll(/\t([0-9a-f]+)/g)].map((match) => parseInt(match[1], 16));
      // The C library keeps signals 32 and 33 for itself.
      expect(masks.map((mask) => mask % 2 ** 31)).toEqual([0, 0]);
    });
  });

  test("a directory is kept on request", async () => {
    const own = new Bench({ pythonCommand });
    const script = "head -c 9000 /dev/zero >big; echo $PWD";
    const config = { keepDirectory: true, mapOutputs: ["+out", "big"] };
    const result = await own.run({ args: ["sh", "-c", script], ...config });
    if (result.kind !== "array") throw new Error("no array");
    const directory = content(result.elements[0]).trim();
    expect(statSync(join(directory, "big")).size).toBe(9000);
    expect(result.elements[1].size).toBe(9000);
    expect(own.log).toContainEqual(
      expect.objectContaining({ msg: "Working directory kept", directory }),
    );
    const error = await own.failure({ args: ["sh", "-c", "pwd; exit 1"], keepDirectory: true });
    const kept = error.message.split("The working directory is kept: ")[1];
    expect(readFileSync(join(kept, "+out"), "utf8")).toBe(`${kept}\n`);
    await expect(own.close()).rejects.toThrow("left in the run directory");
  });

  test("streams can be read while the program runs", async () => {
    const gate = join(bench.outside, `gate-${variant}`);
    const script = `printf 0123456789; echo E >&2; while [ ! -e "${gate}" ]; do sleep 0.01; done`;
    const task = bench.start({ args: ["sh", "-c", script] });
    const read = (stream: "stdout" | "stderr", offset: number, maxBytes: number, attempt = 1) =>
      bench.executor.readOutput(task.row, attempt, stream, offset, maxBytes);
    let errorSize = 0;
    while (errorSize === 0) errorSize = (await read("stderr", 0, 100))?.totalSize ?? -1;
    expect(await read("stderr", 0, 100)).toMatchObject({ totalSize: 2, ended: false });
    const part = await read("stdout", 3, 4);
    expect(Buffer.from(part!.bytes).toString()).toBe("3456");
    expect(part).toMatchObject({ totalSize: 10, ended: false });
    expect((await read("stdout", 50, 10))?.bytes.length).toBe(0);
    expect(await read("stdout", 0, 10, 2)).toBeUndefined();
    writeFileSync(gate, "");
    expect(content(await task.result)).toBe("0123456789");
    expect(await read("stdout", 0, 10)).toBeUndefined();
  });

  test("500 programs at once", async () => {
    const results = Array.from({ length: 500 }, (_, i) =>
      bench.run({ args: ["sh", "-c", `cat; echo ${i}`], mapInputs: ["+in"] }, [text("n")]),
    );
    const texts = (await Promise.all(results)).map(content);
    expect(texts).toEqual(results.map((_, i) => `n${i}\n`));
    expect(bench.directories()).toEqual([]);
  });
});

describe("pinning", () => {
  test("programs are pinned to the cores of their task", async () => {
    const bench = await Bench.ready({ pin: true });
    expect(bench.executor.pinning).toBe("on");
    const args = ["grep", "Cpus_allowed_list", "/proc/self/status"];
    const pinned = await bench.start({ args }, [], { cores: [0] }).result;
    expect(content(pinned)).toBe("Cpus_allowed_list:\t0\n");
    const free = content(await bench.run({ args }));
    expect(free).toBe(readFileSync("/proc/self/status", "utf8").match(/Cpus_allowed_list.*\n/)![0]);
    await bench.close();
  });

  test("a core that can't be used: said once, and the programs run", async () => {
    const bench = await Bench.ready({ pin: true });
    for (let i = 0; i < 3; i++) {
      const task = bench.start({ args: ["echo", "x"] }, [], { cores: [1000] });
      expect(content(await task.result)).toBe("x\n");
    }
    await waitFor("the log", () => bench.log.length > 0);
    expect(bench.log.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/^Programs are not pinned to cores: core 1000 cannot be used/),
    ]);
    expect(bench.executor.pinning).toMatch(/^off: core 1000 cannot be used/);
    await bench.close();
  });

  test("the Node helper says that it can't pin and is slower, once", async () => {
    const bench = await Bench.ready({ pin: true, pythonCommand: "there-is-no-such-python" });
    expect(bench.executor.pinning).toMatch(/^off: the Node helper cannot pin/);
    expect(bench.log.map(({ msg }) => msg)).toEqual([
      "Programs are started by a Node helper, which is slower and cannot pin: there-is-no-such-python (3.8 or newer) cannot be used",
      "Programs are not pinned to cores: the Node helper cannot pin programs to cores",
    ]);
    await bench.close();
  });
});
