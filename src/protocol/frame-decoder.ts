/**
 * Framing: a u64 little-endian length, then that many bytes. Owns cutting a stream of
 * chunks into frames and writing the length; knows nothing of what a frame holds. Called
 * by transport.
 */
import { ProtocolError } from "../base/index.js";

/** Bytes of the length before each frame. */
export const FRAME_LENGTH_BYTES = 8;

/** Frames longer than this (2 GiB) are refused unless said otherwise. */
export const DEFAULT_MAX_FRAME_BYTES = 2 ** 31;

/**
 * Up to this length the announced buffer is allocated at once. Above, a sixteenth of it
 * must have arrived first: a lying length costs little, an honest one a copy of 1/16.
 */
const TRUSTED_BYTES = 64 * 1024 * 1024;

export interface FrameDecoderOptions {
  /** Default 2 GiB. */
  maxFrameBytes?: number;
  /** Makes the buffers of frames that span chunks; may be uninitialised. Default `new Uint8Array`. */
  allocate?: (sizeBytes: number) => Uint8Array;
}

/**
 * Incremental decoder. A frame that lies in one chunk is handed out as a view of that
 * chunk; one that spans chunks is put together in a buffer of its own.
 *
 * @example
 * const decoder = new FrameDecoder((frame) => console.log(frame.length));
 * decoder.push(encodeFrameLength(3));
 * decoder.push(Uint8Array.of(1, 2, 3)); // prints 3
 */
export class FrameDecoder {
  private maxFrameBytes: number;
  private readonly allocate: (sizeBytes: number) => Uint8Array;
  private readonly head = new Uint8Array(FRAME_LENGTH_BYTES);
  private headFilled = 0;
  /** The frame being put together, undefined between frames and within the length. */
  private body: Uint8Array | undefined;
  private bodyFilled = 0;
  private announced = 0;
  private stopped = false;

  constructor(
    private readonly onFrame: (frame: Uint8Array) => void,
    options: FrameDecoderOptions = {},
  ) {
    this.maxFrameBytes = options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES;
    this.allocate = options.allocate ?? ((sizeBytes) => new Uint8Array(sizeBytes));
  }

  /** Bytes of an incomplete frame, its length included, that have been pushed. */
  get pendingBytes(): number {
    return this.body === undefined ? this.headFilled : FRAME_LENGTH_BYTES + this.bodyFilled;
  }

  /** Holds from the next frame whose length is read. */
  setMaxFrameBytes(sizeBytes: number): void {
    this.maxFrameBytes = sizeBytes;
  }

  /** From now on nothing is delivered; pushed bytes are dropped. */
  stop(): void {
    this.stopped = true;
    this.body = undefined;
    this.headFilled = 0;
  }

  /**
   * Takes the next bytes and delivers every frame they complete. The chunk's bytes must not
   * change afterwards: frames are views of it.
   *
   * Throws a ProtocolError at a frame that is too long, and whatever `onFrame` throws;
   * after either the decoder is stopped.
   */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length && !this.stopped) {
      if (this.body === undefined) {
        const start = this.readLength(chunk, at);
        if (start < 0) return;
        at = start;
        if (chunk.length - at >= this.announced) {
          const end = at + this.announced;
          this.deliver(chunk.subarray(at, end));
          at = end;
          continue;
        }
        const trusted = Math.max(TRUSTED_BYTES, Math.ceil(this.announced / 16));
        this.body = this.allocate(Math.min(this.announced, trusted));
        this.bodyFilled = 0;
      }
      const target = this.missing()!;
      const end = Math.min(chunk.length, at + target.length);
      target.set(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
      this.filled(end - at);
      at = end;
    }
  }

  /**
   * Where the next bytes of an incomplete frame belong, if its length is known: a source
   * that can read into memory spares a copy by reading there and then calling filled().
   */
  missing(): Uint8Array | undefined {
    let { body } = this;
    if (body === undefined) return undefined;
    if (this.bodyFilled === body.length) {
      const whole = this.allocate(this.announced);
      whole.set(body);
      this.body = body = whole;
    }
    return body.subarray(this.bodyFilled);
  }

  /** `count` bytes have been written to what missing() returned. Throws like push(). */
  filled(count: number): void {
    const { body } = this;
    if (body === undefined) return; // stopped meanwhile
    this.bodyFilled += count;
    if (this.bodyFilled < this.announced) return;
    this.body = undefined;
    this.deliver(body);
  }

  /** Reads the length at `at`; returns where the body starts, or -1 when bytes are missing. */
  private readLength(chunk: Uint8Array, at: number): number {
    let source = chunk;
    let start = at;
    let next = at + FRAME_LENGTH_BYTES;
    if (this.headFilled > 0 || chunk.length < next) {
      const count = Math.min(FRAME_LENGTH_BYTES - this.headFilled, chunk.length - at);
      this.head.set(chunk.subarray(at, at + count), this.headFilled);
      this.headFilled += count;
      if (this.headFilled < FRAME_LENGTH_BYTES) return -1;
      this.headFilled = 0;
      source = this.head;
      start = 0;
      next = at + count;
    }
    const length = u32(source, start) + u32(source, start + 4) * 2 ** 32;
    if (length > this.maxFrameBytes) {
      this.stop();
      throw new ProtocolError(
        isHttp(source, start)
          ? "the other side speaks HTTP, which has a port of its own: this needs the server's main port"
          : `a frame of ${length} bytes was announced, at most ${this.maxFrameBytes} are allowed here`,
      );
    }
    this.announced = length;
    return next;
  }

  private deliver(frame: Uint8Array): void {
    try {
      this.onFrame(frame);
    } catch (error) {
      this.stop();
      throw error;
    }
  }
}

/** The eight bytes that go before a frame of `length` bytes. */
export function encodeFrameLength(length: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_LENGTH_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length >>> 0, true);
  view.setUint32(4, Math.floor(length / 2 ** 32), true);
  return bytes;
}

function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** Whether a request or an answer begins here: the likeliest mistake with two ports. */
function isHttp(bytes: Uint8Array, at: number): boolean {
  return /^(HTTP|GET |POST|HEAD|PUT |OPTI)$/.test(
    String.fromCharCode(...bytes.subarray(at, at + 4)),
  );
}
