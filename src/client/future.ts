/**
 * Futures: what a user holds for a submitted task. Owns its public methods and its release
 * when it is garbage; states, waiting and reading are result-table's and read-result's.
 */

import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { LoomError } from "../base/index.js";
import { type resultType, type SubmittedResult, submittedResult } from "../graph/index.js";
import { abortable, cancelledError, type WaitOptions } from "./abort.js";
import {
  followOutput,
  type OutputStream,
  type ProgramOutput,
  readOutput,
} from "./program-output.js";
import { readContent, readValues } from "./read-result.js";
import type { FutureStatus, ResultState } from "./result-state.js";
import { waitUntilFinished } from "./result-table.js";
import type { Session } from "./session.js";

/**
 * The result of a submitted task. The server keeps the result until the future is
 * released: by `gather`, by `release`, at the end of an `await using` block, or when the
 * future is garbage-collected. Releasing an unfinished result cancels what only it needed.
 *
 * Every method that waits rejects with TaskFailed if the task or one it needs failed,
 * LoomError("plan") if the server refused the plan, LoomError("released") after the release,
 * LoomError("cancelled") if its AbortSignal fired, LoomError("connection") if the server is lost.
 *
 * @example
 * await using future = client.submitOne(tasks.run("sort words.txt"));
 * await future.saveTo("sorted.txt");
 */
export class Future<T = unknown> implements SubmittedResult<T>, AsyncDisposable {
  /** Type-level only. */
  declare readonly [resultType]?: T;
  readonly #session: Session;
  readonly #state: ResultState;

  /** @internal */
  static stateOf: (future: Future) => ResultState;
  /** @internal */
  static sessionOf: (future: Future) => Session;
  static {
    Future.stateOf = (future) => future.#state;
    Future.sessionOf = (future) => future.#session;
  }

  /** @internal Futures come from `Client.submit`. */
  constructor(session: Session, state: ResultState) {
    this.#session = session;
    this.#state = state;
  }

  get [submittedResult](): true {
    return true;
  }

  /** Id of the task on its client's connection; messages name it. */
  get id(): number {
    return this.#state.id;
  }

  get status(): FutureStatus {
    return this.#state.status;
  }

  /** Waits until the result is there. An abort ends the waiting, the task goes on. */
  async wait(options?: WaitOptions): Promise<void> {
    await waitAll([this], options);
  }

  /** Waits and gives the value; the future stays usable. */
  async fetch(options?: WaitOptions): Promise<T> {
    const values = await fetchAll(this.#session, [this], options);
    return values[0] as T;
  }

  /** Waits, gives the value and releases the future, also when that fails or is aborted. */
  async gather(options?: WaitOptions): Promise<T> {
    const values = await gatherAll(this.#session, [this], options);
    return values[0] as T;
  }

  /** Lets the server drop the result, and cancels it if it isn't finished. Idempotent. */
  release(): void {
    this.#session.release(this.#state);
  }

  /** `await using`: {@link release}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
  }

  /**
   * Reads what a running program (tasks.run) has written so far; up to 1 MiB.
   * @param options.offset first byte to read, default 0
   */
  async readOutput(
    stream: OutputStream,
    options?: WaitOptions & { offset?: number },
  ): Promise<ProgramOutput> {
    const offset = options?.offset ?? 0;
    if (!Number.isSafeInteger(offset) || offset < 0) {
      throw new LoomError("usage", `offset must be a non-negative integer, got ${offset}`);
    }
    const what = `reading ${stream} of ${this.#state.describe()},`;
    const reading = readOutput(this.#session, this.#state, stream, offset);
    return abortable(reading, options?.signal, what);
  }

  /**
   * Follows the standard output of a running program; ends when the program has ended.
   * It is for watching: what is written in the last moment before the end may be missing
   * (the result has it all).
   * @example for await (const part of future.stdout()) process.stdout.write(part);
   */
  stdout(): AsyncIterable<Buffer> {
    return this.#follow("stdout");
  }

  /** Follows standard error, like {@link stdout}. A failed program's is in TaskFailed.stderr. */
  stderr(): AsyncIterable<Buffer> {
    return this.#follow("stderr");
  }

  async *#follow(stream: OutputStream): AsyncGenerator<Buffer> {
    yield* followOutput(this.#session, this.#state, stream);
  }

  /**
   * The bytes of a plain result (no array) as a stream, read as fast as they are consumed.
   * Waits for the result first; the stream fails as `fetch` rejects.
   */
  stream(options?: WaitOptions): Readable {
    const readable = Readable.from(this.#content(options), {
      objectMode: false,
      highWaterMark: 1,
    });
    const signal = options?.signal;
    if (signal !== undefined) {
      const aborted = () => {
        readable.destroy(cancelledError(`reading ${this.#state.describe()},`, signal));
      };
      signal.addEventListener("abort", aborted, { once: true });
      readable.once("close", () => signal.removeEventListener("abort", aborted));
    }
    return readable;
  }

  async *#content(options?: WaitOptions): AsyncGenerator<Buffer> {
    await this.wait(options);
    yield* readContent(this.#session, this.#state);
  }

  /**
   * Writes a plain result to a file. The file appears when it is complete.
   * @param path relative to the current directory
   */
  async saveTo(path: string, options?: WaitOptions): Promise<void> {
    const target = resolve(path);
    const partial = `${target}.${process.pid}-${this.id}.partial`;
    try {
      await pipeline(this.stream(options), createWriteStream(partial));
      await rename(partial, target);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }
}

/** Waits until all are finished; rejects at the first failure. */
export async function waitAll(futures: readonly Future[], options?: WaitOptions): Promise<void> {
  await waitUntilFinished(futures.map(Future.stateOf), futures, options?.signal);
}

/** Waits and reads the values, in order. */
export async function fetchAll(
  session: Session,
  futures: readonly Future[],
  options?: WaitOptions,
): Promise<unknown[]> {
  const signal = options?.signal;
  const states = futures.map(Future.stateOf);
  await waitUntilFinished(states, futures, signal);
  session.checkOpen();
  const what =
    states.length === 1 ? `reading ${states[0].describe()},` : `reading ${states.length} results`;
  session.inUse.add(futures);
  try {
    return await abortable(readValues(session, states, signal), signal, what);
  } finally {
    session.inUse.delete(futures);
  }
}

/** Waits, reads the values and releases, whatever happens. */
export async function gatherAll(
  session: Session,
  futures: readonly Future[],
  options?: WaitOptions,
): Promise<unknown[]> {
  try {
    return await fetchAll(session, futures, options);
  } finally {
    for (const future of futures) session.release(Future.stateOf(future));
  }
}
