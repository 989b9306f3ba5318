/** Codec of the worker-worker protocol: round trips, and refusal of everything else. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProtocolError } from "../../src/base/index.js";
import {
  checkPeerHello,
  decodePeerReply,
  decodePeerRequest,
  encodePeerError,
  encodePeerHello,
  encodePeerMissing,
  encodePeerObject,
  encodePeerRange,
  encodePeerRequest,
  MAX_PEER_REQUEST_BYTES,
  type PeerRequest,
} from "../../src/protocol/index.js";

const row = fc.nat(0xffffffff);
const count = fc.maxSafeNat();
const request: fc.Arbitrary<PeerRequest> = fc.oneof(
  fc.record({ kind: fc.constant("get" as const), row, content: fc.boolean() }),
  fc.record({ kind: fc.constant("read" as const), row, offset: count, length: row }),
);

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

describe("hello", () => {
  it("is accepted from the same version", () => {
    expect(() => checkPeerHello(encodePeerHello())).not.toThrow();
  });

  it("names both versions when they differ", () => {
    const hello = encodePeerHello();
    hello[8] = 77;
    expect(() => checkPeerHello(hello)).toThrow(/version 77 .* this is version 4/);
  });

  it("of something else is refused", () => {
    for (const bytes of [[], [1], [...new TextEncoder().encode("GET / HTTP/1.1")]]) {
      expect(() => checkPeerHello(Uint8Array.from(bytes))).toThrow(/not a hello/);
    }
  });
});

describe("requests", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(request, (one) => {
        const bytes = encodePeerRequest(one);
        expect(bytes.length).toBeLessThanOrEqual(MAX_PEER_REQUEST_BYTES);
        expect(decodePeerRequest(bytes)).toEqual(one);
      }),
    );
  });

  it("cut short or with bytes too many are refused", () => {
    fc.assert(
      fc.property(request, (one) => {
        const bytes = encodePeerRequest(one);
        for (let end = 0; end < bytes.length; end++) {
          expect(() => decodePeerRequest(bytes.subarray(0, end))).toThrow(ProtocolError);
        }
        expect(() => decodePeerRequest(joined([bytes, Uint8Array.of(0)]))).toThrow(ProtocolError);
      }),
    );
  });

  it("with a bad offset or bad flags are refused", () => {
    for (const offset of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
      const bytes = encodePeerRequest({ kind: "read", row: 1, offset, length: 1 });
      expect(() => decodePeerRequest(bytes)).toThrow(ProtocolError);
    }
    const get = encodePeerRequest({ kind: "get", row: 1, content: true });
    get[5] = 2;
    expect(() => decodePeerRequest(get)).toThrow(ProtocolError);
  });
});

describe("replies", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), row, count, (bytes, symbol, number) => {
        expect(decodePeerReply(joined(encodePeerObject(bytes, number)))).toEqual({
          kind: "object",
          header: bytes,
          bodyBytes: number,
        });
        expect(
          decodePeerReply(joined(encodePeerRange(symbol, number, number, [bytes, bytes]))),
        ).toEqual({
          kind: "range",
          typeSymbol: symbol,
          messageCount: number,
          totalBytes: number,
          bytes: joined([bytes, bytes]),
        });
      }),
    );
    expect(decodePeerReply(encodePeerMissing())).toEqual({ kind: "missing" });
    const message = "file ü is gone";
    expect(decodePeerReply(encodePeerError(message))).toEqual({ kind: "error", message });
  });

  it("of no known kind, or too short, are refused", () => {
    const object = joined(encodePeerObject(Uint8Array.of(1), 5));
    const range = joined(encodePeerRange(0, 1, 1, []));
    const bad = [
      Uint8Array.of(),
      Uint8Array.of(0),
      Uint8Array.of(5, 1, 2),
      Uint8Array.of(1, 1),
      object.subarray(0, 9),
      range.subarray(0, 20),
      joined(encodePeerObject(Uint8Array.of(1), -5)),
      joined(encodePeerRange(0, Number.NaN, 1, [])),
    ];
    for (const frame of bad) expect(() => decodePeerReply(frame)).toThrow(ProtocolError);
  });
});
