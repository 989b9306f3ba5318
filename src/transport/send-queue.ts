/**
 * Frames that wait for the end of the tick, in the form in which they will be written. Owns
 * gathering: small pieces are copied together with their lengths, large ones are kept as
 * they are. Called by socket-connection.ts, one per connection.
 */

/** Pieces of at most this many bytes are copied: cheaper than one more piece to write. */
const COPY_LIMIT = 16 * 1024;

/** Small pieces are gathered in blocks of this size. */
const BLOCK_BYTES = 32 * 1024;

export class SendQueue {
  /** Bytes queued since the last take(), lengths included. */
  sizeBytes = 0;
  private pieces: Uint8Array[] = [];
  private block = Buffer.alloc(0);
  /** `block[blockStart .. blockEnd)` is gathered and not yet in `pieces`. */
  private blockStart = 0;
  private blockEnd = 0;

  /** Queues the length that goes before a frame. */
  addLength(length: number): void {
    if (this.blockEnd + 8 > this.block.length) this.newBlock();
    const { block, blockEnd: at } = this;
    // Single stores: Buffer's write methods cost several times as much.
    block[at] = length;
    block[at + 1] = length >>> 8;
    block[at + 2] = length >>> 16;
    block[at + 3] = length >>> 24;
    const high = Math.floor(length / 2 ** 32);
    block[at + 4] = high;
    block[at + 5] = high >>> 8;
    block[at + 6] = high >>> 16;
    block[at + 7] = 0;
    this.blockEnd = at + 8;
    this.sizeBytes += 8;
  }

  /** Queues a frame or a part of it. */
  add(piece: Uint8Array): void {
    const { length } = piece;
    this.sizeBytes += length;
    if (length > COPY_LIMIT) {
      this.seal();
      this.pieces.push(piece);
      return;
    }
    if (this.blockEnd + length > this.block.length) this.newBlock();
    this.block.set(piece, this.blockEnd);
    this.blockEnd += length;
  }

  /** All that is queued, in order; the queue is empty afterwards. */
  take(): readonly Uint8Array[] {
    this.seal();
    const { pieces } = this;
    this.pieces = [];
    this.sizeBytes = 0;
    return pieces;
  }

  /** The rest of the block stays in use: what is sealed is never written to again. */
  private seal(): void {
    if (this.blockEnd === this.blockStart) return;
    this.pieces.push(this.block.subarray(this.blockStart, this.blockEnd));
    this.blockStart = this.blockEnd;
  }

  private newBlock(): void {
    this.seal();
    this.block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.blockStart = 0;
    this.blockEnd = 0;
  }
}
