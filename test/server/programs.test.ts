/** loom/run/run through the wire: inputs, outputs, failures, cpus. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Value } from "./classic-client.js";
import { useCluster } from "./cluster.js";
import { waitFor } from "./deadline.js";
import type { PlanBuilder, ProgramOptions } from "./plan-builder.js";

const cluster = useCluster(2);

async function evaluate(build: (plan: PlanBuilder) => number): Promise<Value> {
  return (await cluster.client()).evaluate(build);
}

describe("inputs", () => {
  it("standard input", async () => {
    const value = await evaluate((plan) =>
      plan.program({
        args: ["/bin/cat"],
        inputs: [plan.const("from stdin")],
        mapInputs: ["+in"],
      }),
    );
    expect(value).toBe("from stdin");
  });

  it("variables: whole arguments only, others stay as they are", async () => {
    const value = await evaluate((plan) =>
      plan.program({
        args: ["/usr/bin/printf", "%s\n", "$name", "$other", "x$name", "$name"],
        inputs: [plan.const("a value with spaces")],
        mapInputs: ["$name"],
      }),
    );
    expect(value).toBe("a value with spaces\n$other\nx$name\na value with spaces\n");
  });

  it("files, also in folders, also large ones and the content of files", async () => {
    const large = "0123456789abcde\n".repeat(200_000);
    writeFileSync(cluster.path("input"), "opened");
    const value = await evaluate((plan) =>
      plan.shell("cat small folder/opened; wc -c < large", {
        inputs: [
          plan.const("small "),
          plan.add("loom/data/open", { config: cluster.path("input") }),
          plan.const(large),
        ],
        mapInputs: ["small", "folder/opened", "large"],
      }),
    );
    expect(value).toBe(`small opened${large.length}\n`);
  });

  it("the same one several times", async () => {
    const value = await evaluate((plan) => {
      const input = plan.const("x");
      return plan.program({
        args: ["/bin/sh", "-c", 'cat - file; echo "$0"', "$v"],
        inputs: [input, input, input],
        mapInputs: ["+in", "file", "$v"],
      });
    });
    expect(value).toBe("xxx\n");
  });

  it("a fresh, empty working directory", async () => {
    const client = await cluster.client();
    for (let i = 0; i < 3; i++) {
      const value = await client.evaluate((plan) => plan.shell("ls; touch left"));
      expect(value).not.toContain("left");
    }
  });

  it("as many as there are mappings", async () => {
    const message = await cluster.failureOf((plan) =>
      plan.program({ args: ["/bin/true"], inputs: [plan.const("a")] }),
    );
    expect(message).toContain("1 inputs but 0 input mappings");
  });
});

describe("outputs", () => {
  const run = (options: ProgramOptions) => evaluate((plan) => plan.program(options));
  const script = (text: string): string[] => ["/bin/sh", "-c", text];

  it("standard output if none is listed", async () => {
    expect(await run({ args: ["/bin/echo", "hello"] })).toBe("hello\n");
  });

  it("one is a plain object", async () => {
    expect(await run({ args: script("printf 12 > result"), mapOutputs: ["result"] })).toBe("12");
  });

  it("several are an array in their order", async () => {
    const args = script("printf b > two; printf a > one; printf out");
    const mapOutputs = ["one", "+out", "two"];
    expect(await run({ args, mapOutputs })).toEqual(["a", "out", "b"]);
  });

  it("may be large", async () => {
    const value = await run({ args: script("head -c 20000000 /dev/zero | tr '\\0' x") });
    expect(value).toHaveLength(20_000_000);
  });

  it("a missing one fails the task and is named", async () => {
    const message = await cluster.failureOf((plan) =>
      plan.program({ args: script("echo > there"), mapOutputs: ["there", "not there"] }),
    );
    expect(message).toContain("not there");
  });
});

describe("failures", () => {
  it("tell the status and what was written to standard error", async () => {
    const message = await cluster.failureOf((plan) => plan.shell("echo oops >&2; exit 3"));
    expect(message).toBe("Program terminated with status 3\nStderr:\noops\n");
  });

  it("have the first and the last 64 KiB of standard error only", async () => {
    const message = await cluster.failureOf((plan) =>
      plan.shell("head -c 1000000 /dev/zero | tr '\\0' e >&2; exit 1"),
    );
    const [, head, leftOut, tail] =
      /(e{99,})\n\[\.\.\. (\d+) bytes left out \.\.\.\]\n(e+)$/.exec(message) ?? [];
    expect([head, tail].map((part) => part?.length)).toEqual([64 * 1024, 64 * 1024]);
    expect(Number(leftOut)).toBe(1_000_000 - 128 * 1024);
  });

  it("by a signal name it", async () => {
    expect(await cluster.failureOf((plan) => plan.shell("kill -SEGV $$"))).toContain("SIGSEGV");
  });

  it.each([
    ["/no/such/program", "/no/such/program"],
    ["no-such-program-in-path", "no-such-program-in-path"],
    ["a directory", "/tmp"],
  ])("to start name the program: %s", async (_, program) => {
    const message = await cluster.failureOf((plan) => plan.program({ args: [program] }));
    expect(message).toContain(`Program '${program}' cannot be started`);
  });

  it("without arguments, with a config that is none", async () => {
    expect(await cluster.failureOf((plan) => plan.program({ args: [] }))).toMatch(/program|args/);
    const broken = await cluster.failureOf((plan) =>
      plan.result("loom/run/run", { cpus: 1, config: Buffer.from([0xff, 0xff, 0xff]) }),
    );
    expect(broken).toContain("Run");
  });
});

describe("cpus", () => {
  /** Programs that note in a file of their own when they begin and end, with the machine's clock. */
  function noteTimes(folder: string, text: string): string {
    return `begin=$(date +%s%N); ${text}; echo "$begin $(date +%s%N)" > "${folder}/$$-$begin"`;
  }

  /** Highest number of programs that ran at the same time. */
  function mostAtOnce(folder: string): number {
    const changes = readdirSync(folder).flatMap((name) => {
      const [begin, end] = readFileSync(`${folder}/${name}`, "utf8").trim().split(" ").map(BigInt);
      return [
        { at: begin, change: 1 },
        { at: end, change: -1 },
      ];
    });
    changes.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.change - b.change));
    let running = 0;
    let most = 0;
    for (const { change } of changes) {
      running += change;
      most = Math.max(most, running);
    }
    return most;
  }

  it.each([
    [1, 2],
    [2, 1],
  ])("with %i cpus a program, a worker with 2 runs at most %i at once", async (cpus, most) => {
    const folder = cluster.path(`times-${cpus}`);
    mkdirSync(folder);
    const client = await cluster.client();
    const plan = client.plan();
    const count = 24;
    for (let i = 0; i < count; i++)
      plan.shell(noteTimes(folder, "head -c 3000000 /dev/zero | cksum"), { cpus });
    await client.run(plan);
    expect(readdirSync(folder)).toHaveLength(count);
    expect(mostAtOnce(folder)).toBeLessThanOrEqual(most);
  });

  it("two one-cpu programs do run at the same time", async () => {
    const [a, b] = [cluster.path("a-is-here"), cluster.path("b-is-here")];
    const client = await cluster.client();
    const plan = client.plan();
    // Each waits for the other: only together can they end.
    const meet = (mine: string, other: string) =>
      `touch "${mine}"; while [ ! -e "${other}" ]; do :; done`;
    plan.shell(meet(a, b));
    plan.shell(meet(b, a));
    await client.run(plan);
  });

  it("a request larger than every worker waits, others go on", async () => {
    const client = await cluster.client();
    const large = client.plan();
    large.shell("true", { cpus: 3 });
    client.submit(large);
    expect(await client.evaluate((plan) => plan.shell("echo fine", { cpus: 2 }))).toBe("fine\n");
  });

  it("a worker that is large enough may come later", async () => {
    const client = await cluster.client();
    const worker = await cluster.addWorker(3);
    expect(await client.evaluate((plan) => plan.shell("echo wide", { cpus: 3 }))).toBe("wide\n");
    await worker.close();
    await waitFor(async () => (await client.stats()).workers === 1, "the worker has left");
  });
});
