/**
 * What a program writes while it runs. Owns following it by asking again and again: the
 * server answers OUTPUT at once with what there is.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { ClientRequestType } from "../protocol/index.js";
import type { ResultState } from "./result-state.js";
import type { Session } from "./session.js";
import { TaskFailed } from "./task-failed.js";

const MAX_BYTES = 1024 * 1024;
const MIN_PAUSE_MS = 20;
const MAX_PAUSE_MS = 500;

/** One of a program's two output streams. */
export type OutputStream = "stdout" | "stderr";

/** Part of what a program has written. */
export interface ProgramOutput {
  readonly bytes: Buffer;
  /** Bytes written so far. */
  readonly totalSize: number;
  /** The program has ended; what it wrote and wasn't read is gone. */
  readonly ended: boolean;
}

/** What there is now, from `offset` on. */
export async function readOutput(
  session: Session,
  state: ResultState,
  stream: OutputStream,
  offset: number,
): Promise<ProgramOutput> {
  const error = state.findError();
  if (error !== undefined) throw error;
  const reply = await session.requestChunk(
    {
      type: ClientRequestType.OUTPUT,
      id: state.id,
      stream,
      offset: BigInt(offset),
      maxSize: MAX_BYTES,
    },
    state,
  );
  const { bytes, totalSize, ended } = reply;
  return { bytes: Buffer.from(bytes), totalSize, ended };
}

/**
 * Follows the stream until the program has ended, its task has failed, or the result is
 * released: those are for whoever waits for the result. Throws when the connection is lost.
 */
export async function* followOutput(
  session: Session,
  state: ResultState,
  stream: OutputStream,
): AsyncGenerator<Buffer> {
  const isOver = () => state.status === "released" || state.error instanceof TaskFailed;
  let offset = 0;
  let pauseMs = MIN_PAUSE_MS;
  while (!isOver()) {
    let part: ProgramOutput;
    try {
      part = await readOutput(session, state, stream, offset);
    } catch (error) {
      if (isOver()) return;
      throw error;
    }
    offset += part.bytes.length;
    if (part.bytes.length > 0) {
      pauseMs = MIN_PAUSE_MS;
      yield part.bytes;
    } else if (part.ended) {
      return;
    } else {
      await sleep(pauseMs);
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
    }
  }
}
