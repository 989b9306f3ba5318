/** Traces of real clusters: what is in them, when they begin and end, what can't be written. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { Client, type Future, jsTask, resources, type Task, tasks } from "../../src/index.js";
import { ExecutionEnd, readTrace, type Trace, TracedState } from "../../src/trace/index.js";
import { type CliOptions, CliProcess, runCli } from "../cli/cli-process.js";
import { TestCluster, until, within } from "./test-cluster.js";

const folder = mkdtempSync(join(tmpdir(), "loom-tracing-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Killed at the end of the test, should it fail before. */
function start(args: string[], options?: CliOptions): CliProcess {
  const process = new CliProcess(args, options);
  onTestFinished(() => process.kill("SIGKILL"));
  return process;
}
let directories = 0;
const newDirectory = () => join(folder, `trace-${directories++}`);

const square = jsTask((x: number) => String(x * x));

function run(script: string, label: string): Task<Buffer> {
  return tasks.run(["sh", "-c", script]).withLabel(label);
}

/** Task numbers by label. */
function byLabel({ tasks: traced }: Trace): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (let i = 0; i < traced.count; i++) {
    const label = traced.labelOf(i);
    found.set(label, [...(found.get(label) ?? []), i]);
  }
  return found;
}

/** What must hold for each task that has finished. */
function checkTimes(trace: Trace): void {
  const { tasks: traced, plans } = trace;
  for (let i = 0; i < traced.count; i++) {
    if (traced.state[i] !== TracedState.finished) continue;
    const times = [
      plans[traced.plan[i]].submittedMs,
      // One that was sent ahead may start before the server knows that it is ready.
      traced.startedMs[i],
      traced.finishedMs[i],
      traced.knownMs[i],
      trace.durationMs,
    ];
    // Clocks of two processes of a machine are a little apart.
    const what = `task ${i} "${traced.labelOf(i)}": ${times}`;
    for (let k = 1; k < times.length; k++) expect(times[k], what).toBeGreaterThan(times[k - 1] - 1);
    expect(traced.assignedMs[i]).toBeLessThan(traced.knownMs[i] + 1);
    expect(traced.worker[i]).toBeGreaterThanOrEqual(0);
    expect(traced.attempts[i]).toBeGreaterThan(0);
    for (let k = traced.inputStart[i]; k < traced.inputStart[i + 1]; k++) {
      const input = traced.inputs[k];
      expect(traced.readyMs[i]).toBeGreaterThanOrEqual(traced.knownMs[input]);
      expect(traced.startedMs[i]).toBeGreaterThan(traced.finishedMs[input] - 1);
    }
  }
}

describe("a trace", () => {
  it("has all tasks with their times and places, transfers, workers, clients and failures", async () => {
    const directory = newDirectory();
    await using cluster = await TestCluster.start({ workers: 2, cpus: 2 });
    const { client } = cluster;
    await client.setTrace(directory);
    const squares = Array.from({ length: 20 }, (_, i) => square(i).withLabel(`square:${i}`));
    const large = [0, 1, 2, 3].map((i) =>
      run("sleep 0.2; head -c 3000000 /dev/zero", `large:${i}`),
    );
    const lengths = tasks.merge(large).withLabel("all");
    const wanted = client.submit([...squares, tasks.size(lengths).withLabel("size")]);
    await within("the results", client.gather(wanted));
    const bad = client.submitOne(run("echo 'it is <b>bad</b>' >&2; exit 3", "bad"));
    await expect(bad.gather()).rejects.toThrow(/status 3/);
    await client.setTrace(undefined);

    const trace = await readTrace(directory);
    expect(trace).toMatchObject({ warnings: [], complete: true });
    expect(trace.files).toHaveLength(3);
    expect(new Set(trace.workers.map(({ pid }) => pid))).toEqual(
      new Set(cluster.workers.map(({ pid }) => pid)),
    );
    expect(trace.workers.map(({ cpus }) => cpus)).toEqual([2, 2]);
    expect(trace.clients).toHaveLength(1);
    expect(trace.plans).toHaveLength(2);
    const { tasks: traced } = trace;
    // The code of the function is a task too.
    expect([...traced.state].filter((state) => state === TracedState.finished)).toHaveLength(27);
    checkTimes(trace);
    const labelled = byLabel(trace);
    expect(labelled.get("square:7")).toHaveLength(1);
    const [all] = labelled.get("all")!;
    const [size] = labelled.get("size")!;
    expect(traced.sizeBytes[all]).toBe(12_000_000);
    expect([...traced.inputs.slice(traced.inputStart[size], traced.inputStart[size + 1])]).toEqual([
      all,
    ]);
    expect(trace.taskTypes[traced.taskType[size]]).toBe("loom/base/size");
    expect(trace.labels[traced.label[all]]).toBe("all");
    for (const i of [0, 1, 2, 3]) {
      const [task] = labelled.get(`large:${i}`)!;
      expect(traced.finishedMs[task] - traced.startedMs[task]).toBeGreaterThan(190);
      expect(traced.cores[task]).toBe(1);
      expect(traced.core[task]).toBeLessThan(2);
    }
    // What was made elsewhere came over, once; so did the code of the function.
    const moved = [0, 1, 2, 3]
      .map((i) => labelled.get(`large:${i}`)![0])
      .filter((task) => traced.worker[task] !== traced.worker[all]);
    const { transfers } = trace;
    const ofLarge = [...Array(transfers.count).keys()].filter(
      (i) => transfers.sizeBytes[i] === 3_000_000,
    );
    expect(ofLarge.map((i) => transfers.task[i]).sort()).toEqual(moved.sort());
    for (const i of ofLarge) {
      expect(transfers.to[i]).toBe(traced.worker[all]);
      expect(transfers.from[i]).toBe(traced.worker[transfers.task[i]]);
      expect(transfers.endMs[i]).toBeLessThan(traced.startedMs[all] + 1);
    }
    const [failed] = labelled.get("bad")!;
    expect(traced.state[failed]).toBe(TracedState.failed);
    expect(trace.failures).toHaveLength(1);
    expect(trace.failures[0]).toMatchObject({ task: failed, info: { exitStatus: 3 } });
    expect(Buffer.from(trace.failures[0].info.stderr).toString()).toContain("<b>bad</b>");
    expect(trace.passes.count).toBeGreaterThan(2);
    const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);
    expect(sum(trace.passes.assigned)).toBe(sum(traced.attempts));
    expect(trace.workers[0].samples.count).toBeGreaterThan(0);
  });

  it("that begins in the middle of work has what is there then", async () => {
    const directory = newDirectory();
    await using cluster = await TestCluster.start({ workers: 1, cpus: 2 });
    const { client } = cluster;
    const go = join(folder, "go");
    const done = square(3).withLabel("done:before");
    const waits = run(`while [ ! -e ${go} ]; do sleep 0.01; done; echo x`, "waits");
    const after = tasks.merge([done, waits]).withLabel("after");
    const [first, held, last] = client.submit([done, waits, after]);
    await within("the first", first.wait());
    await until("it runs", async () => /running|runs/.test((await client.explain(held)).text));
    await client.setTrace(directory);
    writeFileSync(go, "");
    expect(String(await within("the last", last.gather()))).toBe("9x\n");
    await client.setTrace(undefined);
    const trace = await readTrace(directory);
    const labelled = byLabel(trace);
    const state = (label: string) => trace.tasks.state[labelled.get(label)![0]];
    expect(["done:before", "waits", "after"].map(state)).toEqual(
      Array(3).fill(TracedState.finished),
    );
    expect(trace.tasks.finishedMs[labelled.get("waits")![0]]).toBeGreaterThan(0);
    expect(trace.warnings).toEqual([]);
  });

  it("has the copies that dynamic tasks become, and their inputs", async () => {
    const directory = newDirectory();
    await using cluster = await TestCluster.start({ workers: 2, cpus: 2 });
    const { client } = cluster;
    await client.setTrace(directory);
    const parts = tasks.split(tasks.const("a\nbb\nccc\n"));
    const each = tasks.size(tasks.dget(parts)).withLabel("each");
    const result = client.submitOne(tasks.arrayMake([each]).withLabel("all"));
    expect(((await within("it", result.gather())) as unknown[]).length).toBe(3);
    await client.setTrace(undefined);
    const { tasks: traced, ...trace } = await readTrace(directory);
    expect(trace.warnings).toEqual([]);
    const copies = [...Array(traced.count).keys()].filter((i) => traced.isCopy[i] === 1);
    expect(copies).toHaveLength(6);
    // Those in whose place they are count as finished, too.
    expect(new Set(traced.state)).toEqual(new Set([TracedState.finished]));
    const all = [...Array(traced.count).keys()].find((i) => traced.labelOf(i) === "all")!;
    const inputs = [...traced.inputs.slice(traced.inputStart[all], traced.inputStart[all + 1])];
    expect(inputs.map((i) => traced.isCopy[i])).toEqual([1, 1, 1]);
  });

  it("says that tasks were let go while they waited", async () => {
    const directory = newDirectory();
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const { client } = cluster;
    await client.setTrace(directory);
    client.onNotice(() => {});
    const noWorkerHas = { request: resources({ unobtainable: 1 }) };
    const made = tasks.run(["true"], noWorkerHas).withLabel("released");
    const used = client.submitOne(tasks.merge([made]).withLabel("its user"));
    const kept = client.submitOne(tasks.run(["true"], noWorkerHas).withLabel("kept"));
    used.release();
    const other = await Client.connect(cluster.address);
    other.onNotice(() => {});
    const left = other.submitOne(tasks.run(["true"], noWorkerHas).withLabel("its client left"));
    await within("its submission", other.stats());
    await other.close();
    await expect(left.wait()).rejects.toThrow();
    await within("something later", client.submitOne(tasks.const("x")).wait());
    await client.setTrace(undefined);
    const trace = await readTrace(directory);
    const labelled = byLabel(trace);
    const states = ["released", "its user", "its client left", "kept"].map(
      (label) => trace.tasks.state[labelled.get(label)![0]],
    );
    const { cancelled, ready } = TracedState;
    expect(states).toEqual([cancelled, cancelled, cancelled, ready]);
    kept.release();
  });

  it("tells of executions that were lost with their worker", async () => {
    const directory = newDirectory();
    await using cluster = await TestCluster.start({ workers: 2, cpus: 1 });
    const { client } = cluster;
    await client.setTrace(directory);
    const paths = [0, 1].map((i) => join(folder, `lost-${i}`));
    const go = join(folder, "lost-go");
    const futures = client.submit(
      paths.map((path) =>
        run(`echo x >>${path}; while [ ! -e ${go} ]; do sleep 0.01; done`, "long"),
      ),
    );
    await until("both run", () => paths.every(existsSync));
    const [killed] = cluster.workers;
    cluster.kill(killed);
    await until("it is gone", async () => (await client.status()).workers.length === 1);
    writeFileSync(go, "");
    await within("both", client.wait(futures));
    await client.setTrace(undefined);
    const trace = await readTrace(directory);
    expect([...trace.executions.end]).toEqual([ExecutionEnd.workerLost]);
    const task = trace.executions.task[0];
    expect(trace.tasks.attempts[task]).toBe(2);
    expect(trace.tasks.state[task]).toBe(TracedState.finished);
    // Which of the two has joined first is up to them.
    const gone = trace.workers.filter(({ goneReason }) => goneReason !== "");
    expect(gone.map(({ pid }) => pid)).toEqual([killed.pid]);
    expect(gone[0].goneMs).toBeGreaterThan(0);
  });
});

describe("tracing", () => {
  it("goes on elsewhere when another client says so, and ends when told", async () => {
    const [one, two] = [newDirectory(), newDirectory()];
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const { client } = cluster;
    const other = await cluster.connect();
    await client.setTrace(one);
    await client.submitOne(tasks.const("a").withLabel("one")).gather();
    await other.setTrace(two);
    await other.setTrace(two);
    await client.submitOne(tasks.const("a").withLabel("two")).gather();
    await client.setTrace(undefined);
    await client.setTrace(undefined);
    await client.submitOne(tasks.const("a").withLabel("three")).gather();
    expect([...byLabel(await readTrace(one)).keys()]).toEqual(["one"]);
    expect([...byLabel(await readTrace(two)).keys()].at(-1)).toBe("two");
    expect((await readTrace(one)).complete).toBe(true);
  });

  it("into what can't be written is one clear line, and changes nothing", async () => {
    const directory = newDirectory();
    const file = join(folder, "a file");
    writeFileSync(file, "mine");
    await using cluster = await TestCluster.start({ workers: 1, cpus: 1 });
    const { client } = cluster;
    await client.setTrace(directory);
    for (const path of [file, join(file, "deeper")]) {
      await expect(client.setTrace(path)).rejects.toThrow(
        /^the trace directory .*a file.* cannot be made: (it is a file|a part of the path is not a directory)/,
      );
    }
    expect(readFileSync(file, "utf8")).toBe("mine");
    await client.submitOne(tasks.const("a").withLabel("still traced")).gather();
    await client.setTrace(undefined);
    expect([...byLabel(await readTrace(directory)).keys()]).toEqual(["still traced"]);
  });

  it("survives the server: what was written until then can be read", async () => {
    const directory = newDirectory();
    const server = start(["server", "--port", "0", "--trace", directory]);
    const address = await server.ready();
    const worker = start(["worker", ...address.split(":"), "--cpus", "1"]);
    await worker.ready();
    const { Client } = await import("../../src/index.js");
    const client = await Client.connect(address);
    const held: Future[] = client.submit([0, 1, 2].map((i) => square(i).withLabel("square")));
    await within("them", client.gather(held));
    const name = () => readdirSync(directory).find((entry) => entry.startsWith("server"))!;
    // What has happened is written within a moment.
    await until("it is written", async () => (await tracedFinished(directory)) === 4);
    server.kill("SIGKILL");
    await server.finished;
    await client.close();
    await worker.finished;
    const trace = await readTrace(directory);
    expect(trace.complete).toBe(false);
    expect(trace.tasks.count).toBe(4);
    // A record that was not written wholly is left out.
    const path = join(directory, name());
    writeFileSync(path, readFileSync(path).subarray(0, -3));
    expect((await readTrace(directory)).tasks.count).toBe(4);
  });

  it("ends when the disk is full: one warning, and the plans go on", async () => {
    const directory = newDirectory();
    mkdirSync(directory);
    // Blocks of 512 bytes; a write beyond is an error, as on a full disk.
    const server = start(["server", "--port", "0", "--trace", directory], {
      fileSizeLimit: 200,
    });
    const address = await server.ready();
    const worker = start(["worker", ...address.split(":"), "--cpus", "1"]);
    await worker.ready();
    const { Client } = await import("../../src/index.js");
    const client = await Client.connect(address);
    for (let i = 0; i < 3; i++) {
      const parts = Array.from({ length: 20_000 }, (_, k) => tasks.const(`${i} ${k}`));
      await within("the plan", client.submitOne(tasks.merge(parts)).gather());
    }
    await until("the warning", () => /tracing .* has ended/.test(server.stderr));
    await client.setTrace(newDirectory());
    await client.setTrace(undefined);
    await client.close();
    server.kill("SIGTERM");
    await Promise.all([server.finished, worker.finished]);
    expect(
      server.stderr.match(/has ended, the plans go on: the file would be larger/g),
    ).toHaveLength(1);
    const trace = await readTrace(directory);
    expect(trace.complete).toBe(false);
    expect(trace.warnings.length).toBeGreaterThan(0);
  });

  it("to a directory that the command line can't have is one clear line", async () => {
    const file = join(folder, "no directory");
    writeFileSync(file, "");
    for (const [directory, message] of [
      [file, /^.*the trace directory .*no directory cannot be made: it is a file[^\n]*\n$/],
      // Nothing can be made there; mkdir's `recursive` would try for ever.
      ["/proc/loom", /^.*the trace directory \/proc\/loom cannot be made: no such file[^\n]*\n$/],
      ["", /^.*--trace is empty; give the name of a directory\n$/],
    ] as const) {
      const { code, stderr } = await runCli(["server", "--port", "0", "--trace", directory]);
      expect(code).toBe(2);
      expect(stderr).toMatch(message);
    }
  });

  it("is refused where nothing can be written, and nothing is left there", async () => {
    const directory = newDirectory();
    const server = start(["server", "--port", "0"], { fileSizeLimit: 0 });
    const address = await server.ready();
    const { Client } = await import("../../src/index.js");
    const client = await Client.connect(address);
    const tracing = (to: string) => within(`the answer to ${to}`, client.setTrace(to));
    await expect(tracing("/proc/loom")).rejects.toThrow(/cannot be made: no such file/);
    await expect(tracing(directory)).rejects.toThrow(/cannot be written: the file would be larger/);
    expect(readdirSync(directory)).toEqual([]);
    await expect(tracing("")).rejects.toThrow('the trace directory is ""; give the name of one');
    await client.setTrace(undefined);
    await client.close();
    server.kill("SIGTERM");
    expect((await server.finished).code).toBe(0);
  });
});

async function tracedFinished(directory: string): Promise<number> {
  const { tasks: traced } = await readTrace(directory);
  return [...traced.state].filter((state) => state === TracedState.finished).length;
}
