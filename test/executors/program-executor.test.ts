import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arrayObject, indexObject, openFile, plainObject } from "../../src/object-store/index.js";
import { Bench, content, failureOf, text, variants, waitFor } from "./programs/harness.js";
import { aTask } from "./task-execution.js";

describe.each(variants)("programs, $variant helper", ({ variant, pythonCommand }) => {
  let bench: Bench;
  beforeAll(async () => {
    bench = new Bench({ pythonCommand });
    await bench.executor.ready();
  });
  afterAll(() => bench.close());

  describe("results", () => {
    test("standard output is the result when nothing is mapped", async () => {
      expect(await bench.shell("echo hello")).toBe("hello\n");
    });

    test("an empty output is an empty object", async () => {
      const result = await bench.run({ args: ["true"] });
      expect(result).toMatchObject({ kind: "plain", size: 0 });
      expect(content(result)).toBe("");
    });

    test("a file can be the result", async () => {
      expect(await bench.shell("echo noise; echo x >f", { mapOutputs: ["f"] })).toBe("x\n");
    });

    test("several outputs make an array in their order", async () => {
      const result = await bench.run({
        args: ["sh", "-c", "echo 1; echo 2 >b; echo 3 >&2"],
        mapOutputs: ["b", "+out", "+err"],
      });
      if (result.kind !== "array") throw new Error("no array");
      expect(result.elements.map(content)).toEqual(["2\n", "1\n", "3\n"]);
    });

    test("outputs in folders, which exist beforehand", async () => {
      const big = "head -c 10000 /dev/zero >d/e/big; echo s >d/small";
      const result = await bench.run({
        args: ["sh", "-c", big],
        mapOutputs: ["d/e/big", "./d//small"],
      });
      if (result.kind !== "array") throw new Error("no array");
      expect(result.elements.map((one) => one.size)).toEqual([10000, 2]);
    });

    test("sizes around the limit of what comes in the reply", async () => {
      for (const size of [1, 4095, 4096, 4097, 200_000]) {
        const result = await bench.run({ args: ["head", "-c", String(size), "/dev/zero"] });
        expect(result.size).toBe(size);
        expect(content(result)).toBe("\0".repeat(size));
      }
    });

    test("a big output is moved, not copied", async () => {
      const result = await bench.run({
        args: ["sh", "-c", "head -c 50000000 /dev/zero >big; stat -c %i big >number"],
        mapOutputs: ["big", "number"],
      });
      if (result.kind !== "array") throw new Error("no array");
      const [big, number] = result.elements;
      expect(big.size).toBe(50_000_000);
      if (big.kind !== "plain" || big.path === undefined) throw new Error("not in a file");
      expect(statSync(big.path).ino).toBe(Number(content(number)));
      bench.store.discard(result);
    });

    test("an output that is a link to an input is copied", async () => {
      const path = join(bench.outside, "linked");
      writeFileSync(path, "y".repeat(5000));
      for (const script of ["ln -s in out", "ln -L in out", "mv in out"]) {
        const result = await bench.run(
          { args: ["sh", "-c", script], mapInputs: ["in"], mapOutputs: ["out"] },
          [openFile(path)],
        );
        expect(content(result)).toBe("y".repeat(5000));
        if (result.kind !== "plain" || result.path === undefined) throw new Error("not in a file");
        expect(statSync(result.path).ino).not.toBe(statSync(path).ino);
        bench.store.discard(result);
        expect(readFileSync(path, "utf8")).toBe("y".repeat(5000));
      }
    });

    test("a foreign file is not moved away through a linked folder", async () => {
      const folder = join(bench.outside, "foreign");
      mkdirSync(folder);
      writeFileSync(join(folder, "f"), "z".repeat(5000));
      const result = await bench.run({
        args: ["sh", "-c", `rmdir d && ln -s "${folder}" d`],
        mapOutputs: ["d/f"],
      });
      expect(result.size).toBe(5000);
      expect(statSync(join(folder, "f")).size).toBe(5000);
    });

    test("a missing output is named", async () => {
      const config = { args: ["sh", "-c", "echo >a"], mapOutputs: ["a", "sub/b c"] };
      expect((await bench.failure(config)).message).toBe("Output file 'sub/b c' is missing");
    });

    test("a dangling link is a missing output", async () => {
      const config = { args: ["ln", "-s", "nowhere", "a"], mapOutputs: ["a"] };
      expect((await bench.failure(config)).message).toBe("Output file 'a' is missing");
    });

    test("a directory or a pipe is no output", async () => {
      const directory = { args: ["mkdir", "a"], mapOutputs: ["a"] };
      expect((await bench.failure(directory)).message).toBe(
        "Output 'a' is a directory, not a file",
      );
      const pipe = { args: ["mkfifo", "a"], mapOutputs: ["a"] };
      expect((await bench.failure(pipe)).message).toBe("Output 'a' is not a regular file");
    });
  });

  describe("inputs", () => {
    test("standard input from memory and from a file", async () => {
      const path = join(bench.outside, "stdin");
      writeFileSync(path, "from a file");
      const config = { args: ["cat"], mapInputs: ["+in"] };
      expect(content(await bench.run(config, [text("from memory")]))).toBe("from memory");
      expect(content(await bench.run(config, [openFile(path)]))).toBe("from a file");
    });

    test("no standard input means an empty one", async () => {
      expect(await bench.shell("cat; echo end")).toBe("end\n");
    });

    test("files from memory, also big ones and in folders", async () => {
      const big = plainObject(Buffer.alloc(300_000, "b"));
      const inputs = [text("ä"), text("s"), big, big];
      const mapInputs = ["a name with spaces ä", "d/s", "d/e/big", "+in"];
      const script = 'cat "a name with spaces ä" d/s; cat d/e/big | wc -c; wc -c';
      expect(await bench.shell(script, { mapInputs }, inputs)).toBe("äs300000\n300000\n");
    });

    test("many inputs at once", async () => {
      const inputs = Array.from({ length: 100 }, () => plainObject(Buffer.alloc(10_000, "m")));
      const mapInputs = inputs.map((_, i) => `f${i}`);
      expect(await bench.shell("cat f* | wc -c", { mapInputs }, inputs)).toBe("1000000\n");
    });

    test("a file is linked, one that is an output too is copied", async () => {
      const path = join(bench.outside, "data");
      writeFileSync(path, "1\n");
      chmodSync(path, 0o444);
      const file = openFile(path);
      expect(await bench.shell("readlink f; cat f", { mapInputs: ["f"] }, [file])).toBe(
        `${path}\n1\n`,
      );
      const both = { mapInputs: ["f"], mapOutputs: ["f"] };
      expect(await bench.shell("echo 2 >>f", both, [file])).toBe("1\n2\n");
      expect(readFileSync(path, "utf8")).toBe("1\n");
    });

    test("an index is given as its bytes", async () => {
      const index = indexObject(plainObject(Buffer.from("ab")), Float64Array.of(0, 1, 2));
      expect(await bench.shell("cat", { mapInputs: ["+in"] }, [index])).toBe("ab");
    });

    test("a file that was changed or removed is named", async () => {
      const path = join(bench.outside, "unsteady");
      for (const mapping of ["+in", "f"]) {
        writeFileSync(path, "1234");
        const file = openFile(path);
        writeFileSync(path, "12345");
        const config = { args: ["cat"], mapInputs: [mapping] };
        expect((await bench.failure(config, [file])).message).toBe(
          `Input '${mapping}': the file ${path} was changed: 5 bytes now, 4 expected`,
        );
        const gone = { kind: "file", path: `${path}.gone`, size: 1, length: 0 } as never;
        expect((await bench.failure(config, [gone])).message).toMatch(
          new RegExp(`^Input '.*': the file ${path}.gone cannot be used: no such file`, "i"),
        );
      }
    });

    test("variables replace whole arguments only", async () => {
      const args = ["printf", "%s|", "$A", "x$A", "$B", "$OTHER"];
      const result = await bench.run({ args, mapInputs: ["$A", "$B"] }, [text("1 ä\n"), text("")]);
      expect(content(result)).toBe("1 ä\n|x$A||$OTHER|");
    });

    test("the program's name can be a variable", async () => {
      const result = await bench.run({ args: ["$P", "x"], mapInputs: ["$P"] }, [text("echo")]);
      expect(content(result)).toBe("x\n");
    });

    test.skipIf(variant === "node")("arguments that are not UTF-8", async () => {
      const bytes = new Uint8Array([255, 254, 1]);
      const config = { args: ["printf", "%s", "$A"], mapInputs: ["$A"] };
      const result = await bench.run(config, [plainObject(bytes)]);
      expect(result.kind === "plain" && [...result.bytes()]).toEqual([255, 254, 1]);
    });

    test.runIf(variant === "node")("arguments that are not UTF-8 are refused", async () => {
      const config = { args: ["printf", "%s", "$A"], mapInputs: ["$A"] };
      const error = await bench.failure(config, [plainObject(new Uint8Array([255]))]);
      expect(error.message).toContain("not UTF-8");
    });

    test("inputs that can't be given", async () => {
      const array = { args: ["cat"], mapInputs: ["a file"] };
      expect((await bench.failure(array, [arrayObject([])])).message).toContain(
        "Input mapping 'a file': input 0 is an array",
      );
      const nul = { args: ["cat", "$X"], mapInputs: ["$X"] };
      expect((await bench.failure(nul, [text("a\0b")])).message).toContain(
        "Input mapping '$X': the content has a NUL byte",
      );
    });
  });

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

  describe("failures of programs", () => {
    test("an exit status, with standard error", async () => {
      const error = await bench.failure({ args: ["sh", "-c", "echo oops >&2; exit 3"] });
      expect(error.message).toBe("Program terminated with status 3\nStderr:\noops\n");
      expect(error.programEnd).toEqual({
        exitStatus: 3,
        stderr: new Uint8Array(Buffer.from("oops\n")),
      });
    });

    test("a signal", async () => {
      const error = await bench.failure({ args: ["sh", "-c", "echo oops >&2; kill -9 $$"] });
      expect(error.message).toBe("Program terminated with signal SIGKILL\nStderr:\noops\n");
      expect(error.programEnd).toMatchObject({ signal: "SIGKILL" });
      expect((await bench.failure({ args: ["sh", "-c", "kill -SEGV $$"] })).message).toBe(
        "Program terminated with signal SIGSEGV\nStderr:\n",
      );
    });

    test("standard error is cut after 128 KiB", async () => {
      const script = "head -c 131071 /dev/zero | tr '\\0' x >&2; printf 'ä%70000s' >&2; exit 1";
      const error = await bench.failure({ args: ["sh", "-c", script] });
      expect(error.programEnd?.stderr?.length).toBe(128 * 1024);
      expect(error.message).toBe(
        `Program terminated with status 1\nStderr:\n${"x".repeat(131071)}`,
      );
    });

    test("success codes", async () => {
      const exit = (code: number, successCodes: number[]) =>
        bench.shell(`echo out; exit ${code}`, { successCodes });
      expect(await exit(3, [1, 3])).toBe("out\n");
      expect(await exit(0, [0, 3])).toBe("out\n");
      await expect(exit(2, [0, 3])).rejects.toThrow("Program terminated with status 2");
      await expect(exit(0, [3])).rejects.toThrow("Program terminated with status 0");
    });

    test("programs that can't be started are named, with the reason", async () => {
      const reason = async (program: string, env = {}) =>
        (await bench.failure({ args: [program, "x"], env })).message;
      const beginning = (program: string) => `Program '${program}' cannot be started: `;
      expect(await reason("no such program", { PATH: "/bin:/usr/bin" })).toBe(
        `${beginning("no such program")}not found in PATH (/bin:/usr/bin)`,
      );
      expect(await reason("/no/such")).toBe(`${beginning("/no/such")}No such file or directory`);
      expect(await reason("./nothing")).toBe(`${beginning("./nothing")}No such file or directory`);
      expect(await reason("/etc/passwd")).toBe(`${beginning("/etc/passwd")}Permission denied`);
      expect(await reason("/etc")).toBe(`${beginning("/etc")}Permission denied`);
      expect(await reason("passwd", { PATH: "/etc" })).toBe(
        `${beginning("passwd")}found in PATH but not executable (PATH is /etc)`,
      );
      const script = join(bench.outside, "bad-interpreter");
      writeFileSync(script, "#!/no/such/interpreter\n", { mode: 0o755 });
      expect(await reason(script)).toBe(
        `${beginning(script)}the interpreter that it needs does not exist`,
      );
      const long = { args: ["echo", "$X"], mapInputs: ["$X"] };
      expect((await bench.failure(long, [text("x".repeat(200_000))])).message).toBe(
        `${beginning("echo")}Argument list too long`,
      );
      expect(bench.directories()).toEqual([]);
    });

    test("a time limit", async () => {
      const error = await bench.failure({
        args: ["sh", "-c", "echo begun >&2; sleep 1000 & sleep 1000"],
        timeLimitMs: 200,
      });
      expect(error.message).toBe(
        "Program exceeded its time limit of 200 ms and was killed\nStderr:\nbegun\n",
      );
      expect(await bench.shell("echo in time", { timeLimitMs: 4_000_000_000 })).toBe("in time\n");
    });

    test("a configuration that is no Run message", async () => {
      const execution = aTask({
        row: 1_000_000,
        taskType: "loom/run/run",
        config: new Uint8Array([0xff]),
        cpus: 1,
      });
      const result = (async () => bench.executor.execute(execution))();
      expect((await failureOf(result)).code).toBe("task");
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
    const bench = new Bench({ pin: true });
    await bench.executor.ready();
    expect(bench.executor.pinning).toBe("on");
    const args = ["grep", "Cpus_allowed_list", "/proc/self/status"];
    const pinned = await bench.start({ args }, [], { cores: [0] }).result;
    expect(content(pinned)).toBe("Cpus_allowed_list:\t0\n");
    const free = content(await bench.run({ args }));
    expect(free).toBe(readFileSync("/proc/self/status", "utf8").match(/Cpus_allowed_list.*\n/)![0]);
    await bench.close();
  });

  test("a core that can't be used: said once, and the programs run", async () => {
    const bench = new Bench({ pin: true });
    await bench.executor.ready();
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
    const bench = new Bench({ pin: true, pythonCommand: "there-is-no-such-python" });
    await bench.executor.ready();
    expect(bench.executor.pinning).toMatch(/^off: the Node helper cannot pin/);
    expect(bench.log.map(({ msg }) => msg)).toEqual([
      "Programs are started by a Node helper, which is slower and cannot pin: there-is-no-such-python (3.8 or newer) cannot be used",
      "Programs are not pinned to cores: the Node helper cannot pin programs to cores",
    ]);
    await bench.close();
  });
});
