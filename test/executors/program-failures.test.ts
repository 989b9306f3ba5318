/** Programs that fail, don't start or take too long: what is said of it, and what of their output. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Bench, failureOf, text, variants } from "./programs/harness.js";
import { aTask } from "./task-execution.js";

describe.each(variants)("failures of programs, $variant helper", ({ pythonCommand }) => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.ready({ pythonCommand });
  });
  afterAll(() => bench.close());

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

  test("of standard error above 128 KiB the beginning and the end are told", async () => {
    const fails = (print: string) => {
      const script = `${print}; process.exitCode = 1;`;
      return bench.failure({ args: [process.execPath, "-e", script] });
    };
    const all = await fails("process.stderr.write('x'.repeat(131072))");
    expect(all.message).toBe(`Program terminated with status 1\nStderr:\n${"x".repeat(131072)}`);
    const print = "for (let i = 10000; i < 40000; i++) process.stderr.write(i + '\\n')";
    const lines = (await fails(print)).message.split("\n").slice(2);
    const cut = lines.findIndex((line) => line.startsWith("["));
    expect(lines[cut]).toMatch(/^\[\.\.\. \d+ bytes left out \.\.\.\]$/);
    const leftOut = Number(/\d+/.exec(lines[cut])![0]);
    const numbers = [...lines.slice(0, cut), ...lines.slice(cut + 1, -1)].map(Number);
    expect([numbers[0], numbers.at(-1)]).toEqual([10000, 39999]);
    expect(
      numbers.every((number, i) => i < cut || number - numbers[i - 1] === 1 || i === cut),
    ).toBe(true);
    // The line end before the gap is one of its own.
    expect(6 * (30000 - numbers.length)).toBe(leftOut - 1);
    expect(6 * numbers.length).toBeGreaterThan(131072 - 20);
    // No line ends, and the cut is in the middle of characters.
    for (const head of ["", "x", "xx"]) {
      const one = await fails(`process.stderr.write('${head}' + 'é€😀'.repeat(20000))`);
      expect(one.message).not.toContain("\ufffd");
      const { stderr } = one.programEnd!;
      expect(Buffer.from(stderr!).toString().endsWith("é€😀")).toBe(true);
      expect(stderr!.length).toBeLessThan(131072 + 50);
    }
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
      // More than it takes until it has written, on a busy machine too.
      timeLimitMs: 1500,
    });
    expect(error.message).toBe(
      "Program exceeded its time limit of 1500 ms and was killed\nStderr:\nbegun\n",
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
