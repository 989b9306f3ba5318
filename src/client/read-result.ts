/**
 * Reading results in pieces: a whole value, many values, or one stretch after another.
 * Owns sizes, windows and what to do when an object changes between two reads; decoding is
 * decode-value's.
 */
import { LoomError, ProtocolError } from "../base/index.js";
import { ClientRequestType } from "../protocol/index.js";
import { decodeValue } from "./decode-value.js";
import type { ChunkReply } from "./open-requests.js";
import type { ResultState } from "./result-state.js";
import type { Session } from "./session.js";

const CHUNK_BYTES = 4 * 1024 * 1024;
const CHUNKS_IN_FLIGHT = 2;
/** Many results at once: each is asked for this much, which is all of most results. */
const SMALL_BYTES = 64 * 1024;
const SMALL_IN_FLIGHT = 256;
/** Bytes before the content of a plain object: its length. */
const HEADER_BYTES = 8;
/** An object that is computed again all the time can't be read; give up some day. */
const MAX_RESTARTS = 20;

/** The value of a finished result. */
export async function readValue(session: Session, state: ResultState): Promise<unknown> {
  if (state.value !== undefined) return Buffer.from(state.value);
  for (let i = 0; i < MAX_RESTARTS; i++) {
    const first = await read(session, state, 0, CHUNK_BYTES);
    const form = await readRest(session, state, first);
    if (form !== undefined) return decode(session, state, form, first.typeId);
  }
  throw changedError(state);
}

/**
 * The values of finished results, in order. Small ones are read with many requests on
 * their way; the others, which would pile up in memory on the way, afterwards one by one.
 */
export async function readValues(
  session: Session,
  states: readonly ResultState[],
  signal: AbortSignal | undefined,
): Promise<unknown[]> {
  if (states.length === 1) return [await readValue(session, states[0])];
  const values = new Array<unknown>(states.length);
  const toRead: number[] = [];
  for (let i = 0; i < states.length; i++) {
    const { value } = states[i];
    if (value === undefined) toRead.push(i);
    else values[i] = Buffer.from(value);
  }
  const large: number[] = [];
  let next = 0;
  let stopped = false;
  const readSmall = async (): Promise<void> => {
    while (next < toRead.length && !stopped && !signal?.aborted) {
      const at = toRead[next++];
      const state = states[at];
      try {
        const chunk = await read(session, state, 0, SMALL_BYTES);
        if (chunk.bytes.length < chunk.totalSize) large.push(at);
        else values[at] = decode(session, state, ownBytes(chunk.bytes), chunk.typeId);
      } catch (error) {
        stopped = true;
        throw error;
      }
    }
  };
  const count = Math.min(SMALL_IN_FLIGHT, toRead.length);
  await Promise.all(Array.from({ length: count }, readSmall));
  for (const at of large) {
    if (signal?.aborted) break;
    values[at] = await readValue(session, states[at]);
  }
  return values;
}

/**
 * The content of a finished plain result, chunk by chunk, with a few reads ahead.
 * @throws LoomError("usage") if the result is an array
 */
export async function* readContent(session: Session, state: ResultState): AsyncGenerator<Buffer> {
  if (state.value !== undefined) {
    yield Buffer.from(state.value);
    return;
  }
  const first = await read(session, state, 0, CHUNK_BYTES);
  if (session.findSymbol(first.typeId) !== "loom/data") {
    throw new LoomError(
      "usage",
      `${state.describe()}, is not plain bytes and can't be streamed; fetch it, or get its elements`,
    );
  }
  if (first.bytes.length > HEADER_BYTES) yield asBuffer(first.bytes).subarray(HEADER_BYTES);
  for await (const chunk of readAhead(session, state, first)) {
    if (chunk.version !== first.version) throw changedError(state);
    yield asBuffer(chunk.bytes);
  }
}

/** Everything after the first chunk; undefined if the object has changed meanwhile. */
async function readRest(
  session: Session,
  state: ResultState,
  first: ChunkReply,
): Promise<Buffer | undefined> {
  if (first.bytes.length === first.totalSize) return ownBytes(first.bytes);
  const form = allocate(state, first.totalSize);
  form.set(first.bytes);
  let end = first.bytes.length;
  for await (const chunk of readAhead(session, state, first)) {
    if (chunk.version !== first.version || chunk.totalSize !== first.totalSize) return undefined;
    form.set(chunk.bytes, end);
    end += chunk.bytes.length;
  }
  return form;
}

/** The chunks after the first, in order, with some more asked for ahead. */
async function* readAhead(
  session: Session,
  state: ResultState,
  first: ChunkReply,
): AsyncGenerator<ChunkReply> {
  const { totalSize } = first;
  const window: Promise<ChunkReply>[] = [];
  let asked = first.bytes.length;
  let received = asked;
  while (received < totalSize) {
    while (window.length < CHUNKS_IN_FLIGHT && asked < totalSize) {
      const size = Math.min(CHUNK_BYTES, totalSize - asked);
      const reply = read(session, state, asked, size);
      // If the reader stops early, nobody may look at this one any more.
      reply.catch(() => {});
      window.push(reply);
      asked += size;
    }
    const chunk = await window.shift()!;
    // A changed object may well have another length: the caller compares versions first.
    if (chunk.version === first.version) {
      const expected = Math.min(CHUNK_BYTES, totalSize - received);
      if (chunk.bytes.length !== expected) {
        throw new ProtocolError(
          `the server sent ${chunk.bytes.length} bytes of ${state.describe()}, where ${expected} were asked for`,
        );
      }
    }
    received += chunk.bytes.length;
    yield chunk;
  }
}

function read(
  session: Session,
  state: ResultState,
  offset: number,
  maxSize: number,
): Promise<ChunkReply> {
  const error = state.findError();
  if (error !== undefined) return Promise.reject(error);
  const request = {
    type: ClientRequestType.READ,
    id: state.id,
    offset: BigInt(offset),
    maxSize,
  };
  return session.requestChunk(request, state);
}

function decode(session: Session, state: ResultState, form: Buffer, typeId: number): unknown {
  try {
    return decodeValue(form, typeId, session.findSymbol);
  } catch (error) {
    if (!(error instanceof LoomError)) throw error;
    throw new LoomError(error.code, `cannot read ${state.describe()}: ${error.message}`, {
      cause: error,
    });
  }
}

/** A small part of a big socket buffer is copied, lest it keep all of that in memory. */
function ownBytes(bytes: Uint8Array): Buffer {
  return bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : asBuffer(bytes);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function allocate(state: ResultState, sizeBytes: number): Buffer {
  try {
    return Buffer.allocUnsafeSlow(sizeBytes);
  } catch (error) {
    throw new LoomError(
      "usage",
      `${state.describe()}, has ${sizeBytes} bytes, too many for one Buffer; use stream() or saveTo()`,
      { cause: error },
    );
  }
}

function changedError(state: ResultState): LoomError {
  return new LoomError(
    "task",
    `${state.describe()}, was lost with its worker and computed again while it was read; read it again`,
  );
}
