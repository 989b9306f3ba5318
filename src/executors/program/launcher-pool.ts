/**
 * A few launchers and which one runs what. Owns their number, their replacement when one dies,
 * and the choice between Python and Node. Used by program-executor.ts.
 */
import type { Logger } from "pino";
import { LoomError, messageOf } from "../../base/index.js";
import type { Ended } from "./launch-protocol.js";
import { type LauncherKind, LauncherProcess } from "./launcher-process.js";

/** Launchers that die one after the other without getting ready; then the pool gives up. */
const MAX_FAILED_STARTS = 3;

export interface LauncherPoolOptions {
  /**
   * One for each launcher. Not one for all: they would wait for each other, as making and
   * removing entries locks a directory (ext4: 0.52 ms a task with one folder, 0.21 with two).
   */
  readonly folders: readonly string[];
  readonly pythonCommand: string;
  /** Directories that the launchers remove when the worker has gone, however it ended. */
  readonly removedAtEnd: readonly string[];
  readonly logger: Logger;
}

/** Told what happens in the pool. */
export interface LauncherPoolEvents {
  started(id: number, processGroup: number): void;
  ended(id: number, ended: Ended): void;
  /** All that ran in that launcher is lost. */
  died(launcher: LauncherProcess, reason: string): void;
  /** "" = programs can be pinned. */
  pinning(whyNot: string): void;
}

export class LauncherPool {
  /** Those that are ready. */
  readonly #launchers: LauncherProcess[] = [];
  readonly #starting = new Set<LauncherProcess>();
  #kind: LauncherKind = "python";
  #failedStarts = 0;
  /** Set when no launcher can be started any more. */
  #broken: LoomError | undefined;
  #closed = false;
  #waiting: { resolve(launcher: LauncherProcess): void; reject(error: LoomError): void }[] = [];

  constructor(
    private readonly options: LauncherPoolOptions,
    private readonly events: LauncherPoolEvents,
  ) {
    for (const folder of options.folders) this.#start(folder);
  }

  /** Process numbers of the launchers that are ready. */
  get pids(): number[] {
    return this.#launchers.map((launcher) => launcher.pid!);
  }

  /** The launcher with the fewest programs; undefined: none is ready now. */
  findLauncher(): LauncherProcess | undefined {
    let best: LauncherProcess | undefined;
    for (const launcher of this.#launchers) {
      if (best === undefined || launcher.running < best.running) best = launcher;
    }
    return best;
  }

  /** Waits until one is ready. Rejects when none can be started, or the pool is closed. */
  getLauncher(): Promise<LauncherProcess> {
    const launcher = this.findLauncher();
    if (launcher !== undefined) return Promise.resolve(launcher);
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Resolves when all launchers are ready. */
  async ready(): Promise<void> {
    while (this.#starting.size > 0) {
      const [launcher] = this.#starting;
      await launcher.ready.catch(() => launcher.gone);
    }
    if (this.#broken !== undefined) throw this.#broken;
  }

  /** Ends all launchers; they kill their programs. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#giveUp(new LoomError("task", "The worker stops"));
    await Promise.all([...this.#launchers, ...this.#starting].map((one) => one.close()));
  }

  /**
   * From here, so from the worker: with a big worker each takes tens of milliseconds, but it
   * happens only at the start and after a launcher was killed.
   */
  #start(folder: string): void {
    const kind = this.#kind;
    const { pythonCommand, removedAtEnd } = this.options;
    const launcher = new LauncherProcess(kind, pythonCommand, folder, removedAtEnd, {
      started: this.events.started,
      ended: this.events.ended,
      pinningLost: this.events.pinning,
      died: (reason) => this.#died(launcher, reason),
    });
    this.#starting.add(launcher);
    launcher.ready.then(
      (whyNoPinning) => {
        this.#starting.delete(launcher);
        this.#failedStarts = 0;
        this.#launchers.push(launcher);
        this.events.pinning(whyNoPinning);
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const { resolve } of waiting) resolve(launcher);
      },
      (error) => this.#startFailed(launcher, kind, messageOf(error)),
    );
  }

  #startFailed(launcher: LauncherProcess, kind: LauncherKind, reason: string): void {
    this.#starting.delete(launcher);
    if (this.#closed) return;
    if (kind === "python") {
      if (this.#kind === "python") {
        this.#kind = "node";
        this.options.logger.warn(
          { reason },
          `Programs are started by a Node helper, which is slower and cannot pin: ${this.options.pythonCommand} (3.8 or newer) cannot be used`,
        );
      }
      this.#start(launcher.folder);
      return;
    }
    this.#failedStarts++;
    if (this.#failedStarts < MAX_FAILED_STARTS) {
      this.#start(launcher.folder);
    } else if (this.#launchers.length === 0 && this.#starting.size === 0) {
      this.#giveUp(new LoomError("task", `No helper process can be started: ${reason}`));
    }
  }

  #died(launcher: LauncherProcess, reason: string): void {
    const index = this.#launchers.indexOf(launcher);
    if (index < 0) return;
    this.#launchers.splice(index, 1);
    this.events.died(launcher, reason);
    if (this.#closed) return;
    this.options.logger.error({ reason }, "A helper process that starts programs ended; replaced");
    this.#start(launcher.folder);
  }

  #giveUp(error: LoomError): void {
    this.#broken = error;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }
}
