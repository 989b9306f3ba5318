/** What the tests of function pools share: a pool of scripted processes, and calls. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import {
  type CancelReason,
  FunctionPool,
  type FunctionResult,
  SharedFiles,
  TaskError,
  type TaskExecution,
  TaskGrant,
} from "../../../src/executors/index.js";
import type { TaskResources } from "../../../src/functions/index.js";
import {
  type DataObject,
  isBytes,
  ObjectStore,
  type PlainObject,
  plainObject,
} from "../../../src/object-store/index.js";
import { aTask } from "../task-execution.js";

const SCRIPT = fileURLToPath(new URL("scripted-process.mjs", import.meta.url));

export const text = (content: string): PlainObject => plainObject(Buffer.from(content));

export interface StartedCall {
  readonly task: TaskExecution;
  readonly result: Promise<FunctionResult>;
  cancel(): void;
}

export interface CallOptions {
  /** 0: a light call. */
  readonly cpus?: number;
  /** Instead of cpus. */
  readonly resources?: TaskResources;
  readonly function?: DataObject;
  readonly joinsLeader?: boolean;
  readonly timeLimitMs?: number;
  readonly once?: boolean;
}

export class PoolBench {
  readonly folder = mkdtempSync(join(tmpdir(), "loom-pool-"));
  readonly store = new ObjectStore(join(this.folder, "data"));
  readonly files = new SharedFiles(join(this.folder, "data"));
  readonly pool: FunctionPool;
  readonly logged: [level: number, text: string][] = [];
  readonly function = text("the function");
  private readonly grants = new Map<string, TaskGrant>();

  constructor(more: { cpus?: number; args?: string[]; command?: string } = {}) {
    this.pool = new FunctionPool(
      {
        language: "Scripted",
        command: more.command ?? process.execPath,
        args: [SCRIPT, ...(more.args ?? [])],
        env: {},
        taskTypes: ["test/call"],
        functionOf: (task) => task.inputs[0],
        firstArgument: 1,
      },
      {
        cpus: more.cpus ?? 2,
        store: this.store,
        files: this.files,
        logger: pino({ level: "silent" }),
      },
    );
  }

  start(script: string, inputs: DataObject[] = [], options: CallOptions = {}): StartedCall {
    let onCancel: ((reason: CancelReason) => void) | undefined;
    let task!: TaskExecution;
    const result = new Promise<FunctionResult>((resolve, reject) => {
      task = aTask({
        taskType: "test/call",
        config: Buffer.from(script),
        inputs: [options.function ?? this.function, ...inputs],
        grant: this.grantOf(options),
        cpus: options.cpus ?? 1,
        sharesCores: options.joinsLeader ?? false,
        timeLimitMs: options.timeLimitMs ?? 0,
        once: options.once ?? false,
        onCancel: (callback) => {
          onCancel = callback;
        },
        finish: resolve,
        fail: reject,
        log: (level, line) => this.logged.push([level, line]),
      });
      this.pool.execute(task);
      this.pool.flush();
    });
    result.catch(() => {});
    return { task, result, cancel: () => onCancel?.("unwanted") };
  }

  /** The same one for the same things. */
  private grantOf({ cpus = 1, resources }: CallOptions): TaskGrant | undefined {
    if (cpus === 0 && resources === undefined) return undefined;
    const held = resources ?? { cpus: { amount: cpus, indices: [] } };
    const key = JSON.stringify(held);
    let grant = this.grants.get(key);
    if (grant === undefined) {
      grant = new TaskGrant(held, false);
      this.grants.set(key, grant);
    }
    return grant;
  }

  /** The result as text. */
  async call(
    script: string,
    inputs: DataObject[] = [],
    options: CallOptions = {},
  ): Promise<string> {
    return textOf(await this.start(script, inputs, options).result);
  }

  /** Starts a call and as many behind it as the pool lets join. */
  startRun(scripts: readonly string[]): StartedCall[] {
    const calls = [this.start(scripts[0])];
    for (const script of scripts.slice(1)) {
      if (this.pool.findLeader() === undefined) break;
      calls.push(this.start(script, [], { joinsLeader: true }));
    }
    return calls;
  }

  /** Lets the pool learn that calls are short, so that many are sent ahead. */
  async warmUp(): Promise<void> {
    for (let i = 0; i < 3; i++) await this.call("echo");
  }

  /** Names of the files that processes share. */
  sharedFiles(): string[] {
    return this.files.inMemory === undefined ? [] : readdirSync(this.files.inMemory);
  }

  async close(): Promise<void> {
    await this.pool.close();
    this.store.clear();
    await this.files.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function textOf(result: FunctionResult): string {
  if (!("kind" in result) || !isBytes(result)) throw new Error("not bytes");
  return Buffer.from(result.bytes()).toString();
}

export async function failureOf(result: Promise<unknown>): Promise<TaskError> {
  const error = await result.then(
    () => undefined,
    (reason) => reason,
  );
  if (!(error instanceof TaskError)) throw new Error(`expected a TaskError, got ${error}`);
  return error;
}
