/**
 * Where records of a trace are written until they go to a file: a growing buffer, handed over in
 * pieces. Base of the writers; knows no file.
 */
import { FIRST_LONG_OP } from "./format.js";

const PIECE_BYTES = 1024 * 1024;
/** A piece that is fuller than that is handed over. */
const FULL_BYTES = PIECE_BYTES - 64 * 1024;

export class RecordBuffer {
  protected bytes = new Uint8Array(PIECE_BYTES);
  protected view = new DataView(this.bytes.buffer);
  private filled = 0;
  private start = 0;

  /** @param send takes whole records, in order; they are not touched any more */
  constructor(private readonly send: (piece: Uint8Array) => void) {}

  /** Hands over what is there. */
  flush(): void {
    if (this.filled === this.start) return;
    this.send(this.bytes.subarray(this.start, this.filled));
    this.start = this.filled;
    if (this.filled > FULL_BYTES) this.renew();
  }

  /** Room for a record of so many bytes. `view` and `bytes` may be other ones afterwards. */
  protected reserve(count: number): number {
    if (this.filled + count > this.bytes.length) {
      this.flush();
      this.renew(count);
    }
    const at = this.filled;
    this.filled = at + count;
    return at;
  }

  /** A record of any length, its op and length written; gives where its content begins. */
  protected reserveLong(op: number, length: number): number {
    if (op < FIRST_LONG_OP) throw new RangeError(`${op} is the op of a short record`);
    const at = this.reserve(5 + length);
    this.view.setUint8(at, op);
    this.view.setUint32(at + 1, length, true);
    return at + 5;
  }

  protected putJson(op: number, content: object): void {
    const text = new TextEncoder().encode(JSON.stringify(content));
    const at = this.reserveLong(op, text.length);
    this.bytes.set(text, at);
  }

  private renew(atLeast = 0): void {
    this.bytes = new Uint8Array(Math.max(PIECE_BYTES, atLeast));
    this.view = new DataView(this.bytes.buffer);
    this.start = 0;
    this.filled = 0;
  }
}
