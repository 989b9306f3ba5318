/**
 * Between workers (and server and worker, to read results), on the port that a worker
 * registered: the layouts. Owns no connection. Callers: transport/peer-client.ts asks,
 * worker/peer-server.ts answers, in the order of the requests.
 *
 * The first frame each way is a hello. All numbers are little-endian.
 *
 * | frame         | bytes                                                                        |
 * |---------------|------------------------------------------------------------------------------|
 * | hello         | "loompeer", u16 version                                                      |
 * | get           | 1, u32 row, u8 flags (1 = files as content)                                  |
 * | read          | 2, u32 row, f64 offset, u32 length                                           |
 * | reply missing | 1                                                                            |
 * | reply object  | 2, f64 body bytes, header; then, unless 0, the body in one raw frame or several |
 * | reply range   | 3, u32 symbol, f64 frames of the form, f64 bytes of the form, the bytes asked for |
 * | reply error   | 4, message in UTF-8                                                          |
 *
 * A body that is in memory comes in one frame, so that it is received where it stays; one that
 * is read from disk comes in pieces.
 */
import { ProtocolError } from "../base/index.js";
import { WORKER_PROTOCOL_VERSION } from "./server-to-worker.js";

const MAGIC = new TextEncoder().encode("loompeer");
const HELLO_BYTES = MAGIC.length + 2;

const RequestOp = { get: 1, read: 2 } as const;
const ReplyOp = { missing: 1, object: 2, range: 3, error: 4 } as const;

const GET_BYTES = 1 + 4 + 1;
const READ_BYTES = 1 + 4 + 8 + 4;
const OBJECT_HEAD = 1 + 8;
const RANGE_HEAD = 1 + 4 + 8 + 8;

/** No request is longer: a worker refuses longer frames on its data port. */
export const MAX_PEER_REQUEST_BYTES = 64;

/** What is asked of a worker. */
export type PeerRequest =
  | { readonly kind: "get"; readonly row: number; readonly content: boolean }
  | {
      readonly kind: "read";
      readonly row: number;
      readonly offset: number;
      readonly length: number;
    };

/** Its answer. */
export type PeerReply =
  | { readonly kind: "missing" }
  | { readonly kind: "object"; readonly header: Uint8Array; readonly bodyBytes: number }
  | {
      readonly kind: "range";
      readonly typeSymbol: number;
      readonly messageCount: number;
      readonly totalBytes: number;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: "error"; readonly message: string };

/** First frame in each direction. */
export function encodePeerHello(): Uint8Array {
  const bytes = new Uint8Array(HELLO_BYTES);
  bytes.set(MAGIC);
  viewOf(bytes).setUint16(MAGIC.length, WORKER_PROTOCOL_VERSION, true);
  return bytes;
}

/** Throws a ProtocolError if `frame` is not a hello of our version. */
export function checkPeerHello(frame: Uint8Array): void {
  if (frame.length < HELLO_BYTES || MAGIC.some((byte, i) => frame[i] !== byte)) {
    throw new ProtocolError(
      "the first frame is not a hello of the worker-worker protocol; is this the data port of a HyperLoom worker?",
    );
  }
  const version = viewOf(frame).getUint16(MAGIC.length, true);
  if (version !== WORKER_PROTOCOL_VERSION) {
    throw new ProtocolError(
      `the peer speaks version ${version} of the worker-worker protocol, this is version ${WORKER_PROTOCOL_VERSION}; use the same HyperLoom everywhere`,
    );
  }
}

export function encodePeerRequest(request: PeerRequest): Uint8Array {
  const bytes = new Uint8Array(request.kind === "get" ? GET_BYTES : READ_BYTES);
  const view = viewOf(bytes);
  view.setUint32(1, request.row, true);
  if (request.kind === "get") {
    bytes[0] = RequestOp.get;
    bytes[5] = request.content ? 1 : 0;
  } else {
    bytes[0] = RequestOp.read;
    view.setFloat64(5, request.offset, true);
    view.setUint32(13, request.length, true);
  }
  return bytes;
}

/** Throws a ProtocolError at anything that is not exactly one request. */
export function decodePeerRequest(frame: Uint8Array): PeerRequest {
  const view = viewOf(frame);
  if (frame[0] === RequestOp.get && frame.length === GET_BYTES && frame[5] <= 1) {
    return { kind: "get", row: view.getUint32(1, true), content: frame[5] === 1 };
  }
  if (frame[0] === RequestOp.read && frame.length === READ_BYTES) {
    const offset = view.getFloat64(5, true);
    if (isCount(offset)) {
      return {
        kind: "read",
        row: view.getUint32(1, true),
        offset,
        length: view.getUint32(13, true),
      };
    }
  }
  throw new ProtocolError(`malformed peer request (op ${frame[0]}, ${frame.length} bytes)`);
}

/** Parts of the frame before the body. */
export function encodePeerObject(header: Uint8Array, bodyBytes: number): Uint8Array[] {
  const head = new Uint8Array(OBJECT_HEAD);
  head[0] = ReplyOp.object;
  viewOf(head).setFloat64(1, bodyBytes, true);
  return [head, header];
}

/** Parts of the frame; `parts` end to end are the bytes asked for. */
export function encodePeerRange(
  typeSymbol: number,
  messageCount: number,
  totalBytes: number,
  parts: readonly Uint8Array[],
): Uint8Array[] {
  const head = new Uint8Array(RANGE_HEAD);
  const view = viewOf(head);
  head[0] = ReplyOp.range;
  view.setUint32(1, typeSymbol, true);
  view.setFloat64(5, messageCount, true);
  view.setFloat64(13, totalBytes, true);
  return [head, ...parts];
}

export function encodePeerMissing(): Uint8Array {
  return Uint8Array.of(ReplyOp.missing);
}

export function encodePeerError(message: string): Uint8Array {
  const text = new TextEncoder().encode(message);
  const bytes = new Uint8Array(1 + text.length);
  bytes[0] = ReplyOp.error;
  bytes.set(text, 1);
  return bytes;
}

/** Throws a ProtocolError at anything that is not a reply. `header` and `bytes` are views. */
export function decodePeerReply(frame: Uint8Array): PeerReply {
  const view = viewOf(frame);
  const op = frame[0];
  if (op === ReplyOp.missing && frame.length === 1) return { kind: "missing" };
  if (op === ReplyOp.object && frame.length > OBJECT_HEAD) {
    const bodyBytes = view.getFloat64(1, true);
    if (isCount(bodyBytes)) {
      return { kind: "object", header: frame.subarray(OBJECT_HEAD), bodyBytes };
    }
  }
  if (op === ReplyOp.range && frame.length >= RANGE_HEAD) {
    const messageCount = view.getFloat64(5, true);
    const totalBytes = view.getFloat64(13, true);
    if (isCount(messageCount) && isCount(totalBytes)) {
      const typeSymbol = view.getUint32(1, true);
      return {
        kind: "range",
        typeSymbol,
        messageCount,
        totalBytes,
        bytes: frame.subarray(RANGE_HEAD),
      };
    }
  }
  if (op === ReplyOp.error) {
    return { kind: "error", message: new TextDecoder().decode(frame.subarray(1)) };
  }
  throw new ProtocolError(`malformed peer reply (op ${op}, ${frame.length} bytes)`);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
