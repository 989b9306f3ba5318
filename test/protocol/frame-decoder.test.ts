import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/base/index.js";
import { encodeFrameLength, FrameDecoder } from "../../src/protocol/index.js";

function framed(frames: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(frames.flatMap((frame) => [encodeFrameLength(frame.length), frame]));
}

function collector(options?: ConstructorParameters<typeof FrameDecoder>[1]) {
  const frames: Uint8Array[] = [];
  return { frames, decoder: new FrameDecoder((frame) => frames.push(frame), options) };
}

const manyFrames = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 });
const plain = (frames: readonly Uint8Array[]) => frames.map((frame) => [...frame]);

describe("FrameDecoder", () => {
  it("delivers the same frames whole, byte by byte and randomly split", () => {
    fc.assert(
      fc.property(manyFrames, fc.array(fc.nat(400), { maxLength: 10 }), (frames, cuts) => {
        const stream = framed(frames);
        const whole = collector();
        whole.decoder.push(stream);
        const single = collector();
        for (const byte of stream) single.decoder.push(Uint8Array.of(byte));
        const split = collector();
        const ends = [...cuts, stream.length].sort((a, b) => a - b);
        let start = 0;
        for (const end of ends) {
          split.decoder.push(stream.slice(start, end));
          start = Math.min(end, stream.length);
        }
        expect(plain(whole.frames)).toEqual(plain(frames));
        expect(plain(single.frames)).toEqual(plain(frames));
        expect(plain(split.frames)).toEqual(plain(frames));
        expect(split.decoder.pendingBytes).toBe(0);
      }),
    );
  });

  it("delivers the same frames to a reader that writes into missing()", () => {
    fc.assert(
      fc.property(manyFrames, fc.integer({ min: 1, max: 7 }), (frames, step) => {
        const { frames: got, decoder } = collector();
        const stream = framed(frames);
        let at = 0;
        while (at < stream.length) {
          const missing = decoder.missing();
          const count = Math.min(step, stream.length - at, missing?.length ?? step);
          const bytes = stream.slice(at, at + count);
          if (missing === undefined) decoder.push(bytes);
          else {
            missing.set(bytes);
            decoder.filled(count);
          }
          at += count;
        }
        expect(plain(got)).toEqual(plain(frames));
      }),
    );
  });

  it("hands out frames of one chunk without copying", () => {
    const { frames, decoder } = collector();
    const chunk = framed([Uint8Array.of(1, 2), Uint8Array.of(3)]);
    decoder.push(chunk);
    expect(frames.map((frame) => frame.buffer)).toEqual([chunk.buffer, chunk.buffer]);
  });

  it("says how much of an incomplete frame is there", () => {
    const { frames, decoder } = collector();
    decoder.push(encodeFrameLength(4).subarray(0, 3));
    expect(decoder.pendingBytes).toBe(3);
    decoder.push(encodeFrameLength(4).subarray(3));
    decoder.push(Uint8Array.of(9));
    expect(decoder.pendingBytes).toBe(9);
    expect(frames).toEqual([]);
  });

  it("refuses a frame that is too long before any of it came, then delivers nothing", () => {
    const { frames, decoder } = collector({ maxFrameBytes: 10 });
    const push = () => decoder.push(framed([new Uint8Array(10), new Uint8Array(11)]));
    expect(push).toThrow(ProtocolError);
    expect(frames.map((frame) => frame.length)).toEqual([10]);
    decoder.push(framed([new Uint8Array(1)]));
    expect(frames.length).toBe(1);
  });

  it("names announced and allowed length, also beyond 2^32", () => {
    const { decoder } = collector({ maxFrameBytes: 10 });
    expect(() => decoder.push(encodeFrameLength(5 * 2 ** 32 + 7))).toThrow(
      /21474836487 bytes was announced, at most 10 are allowed/,
    );
    expect(() => collector().decoder.push(new Uint8Array(8).fill(255))).toThrow(ProtocolError);
  });

  it("takes a new limit between frames", () => {
    const { frames, decoder } = collector({ maxFrameBytes: 1 });
    decoder.setMaxFrameBytes(100);
    decoder.push(framed([new Uint8Array(100)]));
    expect(frames.length).toBe(1);
  });

  it("delivers nothing after the frame's handler has thrown", () => {
    const seen: number[] = [];
    const decoder = new FrameDecoder((frame) => {
      seen.push(frame[0]);
      if (frame[0] === 2) throw new Error("no");
    });
    const stream = framed([Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]);
    expect(() => decoder.push(stream)).toThrow("no");
    decoder.push(framed([Uint8Array.of(4)]));
    expect(seen).toEqual([1, 2]);
  });

  it("delivers nothing after stop(), even within a chunk", () => {
    const seen: number[] = [];
    const decoder = new FrameDecoder((frame) => {
      seen.push(frame[0]);
      decoder.stop();
    });
    decoder.push(framed([Uint8Array.of(1), Uint8Array.of(2)]));
    expect(seen).toEqual([1]);
    expect(decoder.missing()).toBeUndefined();
  });

  it("does not allocate what a length only announces", () => {
    const allocated: number[] = [];
    const { frames, decoder } = collector({
      allocate: (sizeBytes) => {
        allocated.push(sizeBytes);
        return new Uint8Array(sizeBytes);
      },
    });
    const announced = 1600 * 1024 * 1024;
    decoder.push(encodeFrameLength(announced));
    decoder.push(Uint8Array.of(1));
    expect(allocated).toEqual([announced / 16]);
    expect(frames).toEqual([]);
  });

  it("grows a long frame once and keeps its bytes", () => {
    const allocated: number[] = [];
    const { frames, decoder } = collector({
      allocate: (sizeBytes) => {
        allocated.push(sizeBytes);
        return new Uint8Array(sizeBytes);
      },
    });
    const length = 65 * 1024 * 1024;
    const frame = new Uint8Array(length);
    for (let i = 0; i < length; i += 4096) frame[i] = i >>> 12;
    decoder.push(encodeFrameLength(length));
    for (let at = 0; at < length; at += 1_000_003) decoder.push(frame.subarray(at, at + 1_000_003));
    expect(allocated).toEqual([64 * 1024 * 1024, length]);
    expect(Buffer.compare(frames[0], frame)).toBe(0);
  });
});
