/**
 * Executes programs (`loom/run/run`). Owns the tasks that run, their working directories as
 * far as the launchers leave them to it, and the results. Checks of mappings are in
 * mapping.ts, texts of failures in ending.ts, processes in launcher-pool.ts. Caller: the worker.
 *
 * Way of a task: `execute` checks it → big inputs are written (only if there are any) → one
 * request to a launcher, which makes the directory, starts the program, waits for its end,
 * takes small outputs into its reply, moves big ones beside the directory and removes it →
 * `ended` builds the result. In the usual case this process touches no file at all.
 */
import { constants, mkdirSync, realpathSync } from "node:fs";
import { copyFile, rmdir } from "node:fs/promises";
import type { Logger } from "pino";
import {
  arrayObject,
  type DataObject,
  type ObjectStore,
  type PlainObject,
  plainObject,
} from "../../object-store/index.js";
import { type Executor, type OutputPart, TaskError, type TaskExecution } from "../contract.js";
import { errorOfEnd, timeOverError } from "./ending.js";
import { type Ended, movedOutputPath, Outcome, PartKind } from "./launch-protocol.js";
import { LauncherPool } from "./launcher-pool.js";
import type { LauncherProcess } from "./launcher-process.js";
import {
  asTaskError,
  cancelledError,
  environmentOf,
  killGroup,
  type ProgramRun,
  programName,
  readTask,
} from "./program-run.js";
import { FileRemover, prepareDirectory, readStream } from "./run-files.js";

export interface ProgramExecutorOptions {
  /** An existing directory; each program gets a directory of its own in it. */
  runDirectory: string;
  /** Takes the output files. Best on the file system of `runDirectory`. */
  store: ObjectStore;
  /** Pin programs to the cores of their task, where that is possible. */
  pin: boolean;
  /** Helper processes that start programs. Default 2. */
  launchers?: number;
  /** Python 3.8 or newer for the helpers; without one they are Node. Default "python3". */
  pythonCommand?: string;
  /** Directories that the helpers remove when the worker has gone, however it ended. */
  removedAtEnd?: readonly string[];
  logger: Logger;
}

const NO_CORES: readonly number[] = [];
const MAX_UINT32 = 0xffffffff;

/**
 * Runs external programs, each in a fresh directory and a process group of its own. When it
 * fails, the promise of `execute` rejects with a TaskError whose `programEnd` says how the
 * program ended.
 *
 * @example
 * const executor = new ProgramExecutor({ runDirectory: "/tmp/run", store, pin: true, logger });
 * await executor.ready();
 * const result = await executor.execute(task);
 * await executor.close();
 */
export class ProgramExecutor implements Executor {
  readonly taskTypes: readonly string[] = ["loom/run/run"];
  readonly #options: ProgramExecutorOptions;
  readonly #runDirectory: string;
  readonly #folders: readonly string[];
  readonly #files: FileRemover;
  readonly #pool: LauncherPool;
  /** Runs by id; those of `#byRow` are among them. */
  readonly #runs = new Map<number, ProgramRun>();
  readonly #byRow = new Map<number, ProgramRun>();
  /** Tells directories of this executor from ones that an earlier one has kept. */
  readonly #stamp = Date.now().toString(36);
  #nextId = 0;
  #pinning: "on" | `off: ${string}`;
  #closed = false;
  #tellIdle: (() => void) | undefined;

  constructor(options: ProgramExecutorOptions) {
    this.#options = options;
    this.#files = new FileRemover(options.logger);
    this.#runDirectory = realpathSync(options.runDirectory);
    this.#pinning = options.pin ? "off: no helper process is ready yet" : "off: not asked for";
    this.#folders = Array.from(
      { length: options.launchers ?? 2 },
      (_, i) => `${this.#runDirectory}/${i + 1}`,
    );
    for (const folder of this.#folders) mkdirSync(folder, { recursive: true });
    this.#pool = new LauncherPool(
      {
        folders: this.#folders,
        pythonCommand: options.pythonCommand ?? "python3",
        removedAtEnd: options.removedAtEnd ?? [],
        logger: options.logger,
      },
      {
        started: (id, processGroup) => {
          const run = this.#runs.get(id);
          if (run !== undefined) run.processGroup = processGroup;
        },
        ended: (id, ended) => this.#ended(id, ended),
        died: (launcher, reason) => this.#launcherDied(launcher, reason),
        pinning: (whyNot) => this.#pinningTold(whyNot),
      },
    );
  }

  /** Whether programs are pinned to their cores, and why not. */
  get pinning(): "on" | `off: ${string}` {
    return this.#pinning;
  }

  /** Process numbers of the helper processes. */
  get launcherPids(): readonly number[] {
    return this.#pool.pids;
  }

  /** Resolves when programs can be started; rejects with a LoomError when they can't. */
  ready(): Promise<void> {
    return this.#pool.ready();
  }

  execute(task: TaskExecution): Promise<DataObject> {
    if (this.#closed) throw new TaskError("The worker stops");
    const { config, mapping } = readTask(task);
    return new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId = (id + 1) % MAX_UINT32;
      const run: ProgramRun = {
        id,
        task,
        row: task.row,
        attempt: task.attempt,
        label: task.label,
        cores: task.cores,
        env: environmentOf(task, config),
        config,
        mapping,
        directory: `${this.#runDirectory}/${this.#directoryName(task)}`,
        resolve,
        reject,
        launcher: undefined,
        processGroup: undefined,
        cancelled: undefined,
      };
      this.#runs.set(id, run);
      this.#byRow.set(task.row, run);
      task.onCancel((reason) => {
        run.cancelled = reason;
        if (this.#runs.get(id) === run) run.launcher?.kill(id);
      });
      const launcher = this.#pool.findLauncher();
      if (launcher !== undefined && mapping.prepared.length === 0 && run.cancelled === undefined) {
        run.directory = `${launcher.folder}/${this.#directoryName(task)}`;
        this.#send(run, launcher);
      } else {
        void this.#prepareAndSend(run);
      }
    });
  }

  *runningProcesses(): Iterable<{ task: TaskExecution; pid: number }> {
    for (const { task, processGroup } of this.#runs.values()) {
      if (processGroup !== undefined) yield { task, pid: processGroup };
    }
  }

  async readOutput(
    row: number,
    attempt: number,
    stream: "stdout" | "stderr",
    offset: number,
    maxBytes: number,
  ): Promise<OutputPart | undefined> {
    const run = this.#byRow.get(row);
    if (run === undefined || run.attempt !== attempt) return undefined;
    const part = await readStream(run.directory, stream, offset, maxBytes);
    // Not started yet, or ended while we looked.
    if (part === undefined && this.#byRow.get(row) !== run) return undefined;
    return part ?? { bytes: new Uint8Array(0), totalSize: 0, ended: false };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pool.close();
    if (this.#runs.size > 0) await new Promise<void>((resolve) => (this.#tellIdle = resolve));
    for (const folder of this.#folders) {
      await this.#files.removeAll(folder, "idle-");
      // Fails where a task's directory was kept.
      await rmdir(folder).catch(() => {});
    }
  }

  // Start.

  #directoryName(task: TaskExecution): string {
    return `task-${task.row}-${task.attempt}-${this.#stamp}`;
  }

  async #prepareAndSend(run: ProgramRun): Promise<void> {
    try {
      if (run.mapping.prepared.length > 0) {
        await prepareDirectory(run.directory, run.mapping);
      }
      const launcher = await this.#pool.getLauncher();
      if (run.cancelled !== undefined) throw cancelledError();
      this.#send(run, launcher);
    } catch (error) {
      await this.#removeFiles(run);
      this.#reject(run, run.cancelled === undefined ? asTaskError(error) : cancelledError());
    }
  }

  #send(run: ProgramRun, launcher: LauncherProcess): void {
    const { config, mapping } = run;
    run.launcher = launcher;
    launcher.run(run.id, {
      directory: run.directory,
      makeDirectory: mapping.prepared.length === 0,
      keepDirectory: config.keepDirectory,
      timeLimitMs: config.timeLimitMs,
      stdin: mapping.stdin,
      stdinSizeBytes: mapping.stdinSizeBytes,
      cores: this.#pinning === "on" ? run.cores : NO_CORES,
      successCodes: config.successCodes,
      args: mapping.args,
      env: run.env,
      folders: mapping.folders,
      links: mapping.links,
      files: mapping.files,
      outputs: mapping.outputs,
    });
  }

  // End.

  #ended(id: number, ended: Ended): void {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    const usual = ended.parts.every((part) => part.kind === PartKind.inline);
    if (
      usual &&
      !ended.directoryRemains &&
      !run.config.keepDirectory &&
      run.cancelled === undefined
    ) {
      this.#settle(run, ended, []);
    } else {
      void this.#finish(run, ended);
    }
  }

  /** Whatever takes files to be touched. */
  async #finish(run: ProgramRun, ended: Ended): Promise<void> {
    const { directory, config, mapping } = run;
    const adopted: PlainObject[] = [];
    try {
      if (ended.outcome === Outcome.succeeded && run.cancelled === undefined) {
        for (let i = 0; i < ended.parts.length; i++) {
          const path = movedOutputPath(directory, i);
          if (ended.parts[i].kind === PartKind.inPlace) {
            const output = `${directory}/${mapping.outputs[i]}`;
            await copyFile(output, path, constants.COPYFILE_FICLONE);
          }
          if (ended.parts[i].kind !== PartKind.inline)
            adopted[i] = this.#options.store.adoptFile(path);
        }
      }
    } catch (error) {
      await this.#abandon(run, adopted);
      this.#reject(run, asTaskError(error));
      return;
    }
    if (run.cancelled !== undefined) {
      await this.#abandon(run, adopted);
      const timedOut = run.cancelled === "time limit" && ended.outcome === Outcome.signalled;
      this.#reject(run, timedOut ? timeOverError(ended) : cancelledError());
      return;
    }
    if (config.keepDirectory) {
      this.#options.logger.info({ directory, label: run.label }, "Working directory kept");
    } else if (ended.directoryRemains) {
      await this.#files.remove(directory);
    }
    this.#settle(run, ended, adopted);
  }

  #settle(run: ProgramRun, ended: Ended, adopted: readonly PlainObject[]): void {
    const { config, mapping } = run;
    if (ended.outcome !== Outcome.succeeded) {
      const kept = config.keepDirectory ? run.directory : undefined;
      this.#reject(run, errorOfEnd(ended, programName(mapping), config.timeLimitMs, kept));
      return;
    }
    const outputs = ended.parts.map((part, i) => adopted[i] ?? plainObject(part.bytes));
    this.#forget(run);
    run.resolve(outputs.length === 1 ? outputs[0] : arrayObject(outputs));
  }

  /** The outputs are not wanted or can't be had. */
  async #abandon(run: ProgramRun, adopted: readonly PlainObject[]): Promise<void> {
    for (const object of adopted) if (object !== undefined) this.#options.store.discard(object);
    await this.#removeFiles(run);
  }

  #launcherDied(launcher: LauncherProcess, reason: string): void {
    if (!this.#closed) {
      // Emptied directories that it would have used again.
      void this.#files.removeAll(launcher.folder, `idle-${launcher.pid}-`);
    }
    for (const run of this.#runs.values()) {
      if (run.launcher !== launcher) continue;
      // Nobody else does it any more: the program is an orphan now.
      if (run.processGroup !== undefined) killGroup(run.processGroup);
      let error = new TaskError(
        `The helper process that ran the program ended unexpectedly (${reason}); the program was killed`,
      );
      if (this.#closed) error = new TaskError("The worker stops; the program was killed");
      if (run.cancelled !== undefined) error = cancelledError();
      void this.#removeFiles(run).then(() => this.#reject(run, error));
    }
  }

  #pinningTold(whyNot: string): void {
    if (!this.#options.pin) return;
    if (whyNot === "") {
      if (this.#pinning === "off: no helper process is ready yet") this.#pinning = "on";
      return;
    }
    const pinning = `off: ${whyNot}` as const;
    if (this.#pinning === "on" || this.#pinning === "off: no helper process is ready yet") {
      this.#options.logger.warn(`Programs are not pinned to cores: ${whyNot}`);
      this.#pinning = pinning;
    }
  }

  #reject(run: ProgramRun, error: Error): void {
    this.#forget(run);
    run.reject(error);
  }

  #forget(run: ProgramRun): void {
    this.#runs.delete(run.id);
    if (this.#byRow.get(run.row) === run) this.#byRow.delete(run.row);
    if (this.#runs.size === 0) this.#tellIdle?.();
  }

  /** The directory, unless it is to be kept, and what may have been moved out of it. */
  async #removeFiles(run: ProgramRun): Promise<void> {
    if (!run.config.keepDirectory) await this.#files.remove(run.directory);
    for (let i = 0; i < run.mapping.outputs.length; i++) {
      await this.#files.remove(movedOutputPath(run.directory, i));
    }
  }
}
