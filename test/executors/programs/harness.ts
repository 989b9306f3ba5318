/** What the tests of programs share: an executor in temporary folders, tasks, waiting. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pino } from "pino";
import {
  type CancelReason,
  ProgramExecutor,
  TaskError,
  type TaskGrant,
} from "../../../src/executors/index.js";
import {
  type DataObject,
  isBytes,
  ObjectStore,
  plainObject,
} from "../../../src/object-store/index.js";
import { encodeRunConfig, type RunConfigInit } from "../../../src/protocol/index.js";
import { aTask } from "../task-execution.js";

/** Both launchers must behave the same. */
export const variants = [
  { variant: "python", pythonCommand: "python3" },
  { variant: "node", pythonCommand: "there-is-no-such-python" },
] as const;

export const text = (content: string): DataObject => plainObject(Buffer.from(content));

export interface RunningTask {
  readonly row: number;
  readonly result: Promise<DataObject>;
  cancel(): void;
}

export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), "loom-programs-"));
  readonly runDirectory = join(this.folder, "run");
  /** For what programs leave for the test, and files of "the user". */
  readonly outside = join(this.folder, "outside");
  readonly store = new ObjectStore(join(this.folder, "data"));
  readonly log: { msg: string; [key: string]: unknown }[] = [];
  readonly executor: ProgramExecutor;
  #row = 0;

  constructor(options: { pythonCommand?: string; pin?: boolean; launchers?: number } = {}) {
    mkdirSync(this.runDirectory);
    mkdirSync(this.outside);
    const sink = new Writable({
      write: (line, _, done) => {
        this.log.push(JSON.parse(String(line)));
        done();
      },
    });
    this.executor = new ProgramExecutor({
      runDirectory: this.runDirectory,
      store: this.store,
      pin: false,
      ...options,
      logger: pino({ level: "debug" }, sink),
    });
  }

  /** One that starts programs without delay. */
  static async ready(options: { pythonCommand?: string; pin?: boolean }): Promise<Bench> {
    const bench = new Bench(options);
    await bench.executor.ready();
    return bench;
  }

  start(
    config: RunConfigInit,
    inputs: DataObject[] = [],
    more: { cores?: number[]; cancelled?: boolean; grant?: TaskGrant } = {},
  ): RunningTask {
    let onCancel: ((reason: CancelReason) => void) | undefined;
    const row = this.#row++;
    const task = aTask({
      row,
      taskType: "loom/run/run",
      config: encodeRunConfig(config),
      inputs,
      grant: more.grant,
      cpus: 1,
      cores: more.cores ?? [],
      onCancel: (callback) => {
        onCancel = callback;
        if (more.cancelled) callback("unwanted");
      },
    });
    const result = (async () => this.executor.execute(task))();
    // Whoever awaits it later still gets the error.
    result.catch(() => {});
    return { row, result, cancel: () => onCancel?.("unwanted") };
  }

  run(config: RunConfigInit, inputs: DataObject[] = []): Promise<DataObject> {
    return this.start(config, inputs).result;
  }

  /** Runs a shell script and gives its output as text. */
  async shell(script: string, config: RunConfigInit = {}, inputs: DataObject[] = []) {
    return content(await this.run({ args: ["sh", "-c", script], ...config }, inputs));
  }

  async failure(config: RunConfigInit, inputs: DataObject[] = []): Promise<TaskError> {
    return failureOf(this.run(config, inputs));
  }

  async close(): Promise<void> {
    await this.executor.close();
    this.store.clear();
    const left = readdirSync(this.runDirectory);
    rmSync(this.folder, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`left in the run directory: ${left.join(" ")}`);
  }

  /** Working directories that exist now. */
  directories(): string[] {
    return readdirSync(this.runDirectory, { recursive: true, encoding: "utf8" }).filter((name) =>
      /(^|\/)task-[^/]*$/.test(name),
    );
  }
}

export async function failureOf(result: Promise<DataObject>): Promise<TaskError> {
  const outcome = await result.then(
    () => "it succeeded",
    (error) => error,
  );
  if (!(outcome instanceof TaskError)) throw outcome;
  return outcome;
}

export function content(object: DataObject): string {
  if (!isBytes(object)) throw new Error("not readable as bytes");
  return Buffer.from(object.bytes()).toString();
}

/** Waits for something that happens in another process. */
export async function waitFor(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Process ids that a program has written to `path`, one a line, as soon as there are `count`. */
export async function pidsIn(path: string, count: number): Promise<number[]> {
  const read = () =>
    existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean).map(Number) : [];
  await waitFor(`${count} process ids in ${path}`, () => read().length >= count);
  return read();
}

/** Whether the process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
