/**
 * Cuts what comes from the worker into frames. A frame that lies in one chunk is a view of it;
 * the memory is never used again, as inputs of functions are views of frames.
 */
import { ProtocolError } from "../base/index.js";

const LENGTH_BYTES = 4;
/** More is certainly no frame. */
const MAX_FRAME_BYTES = 2 ** 31;

export class FrameReader {
  /** Chunks of a frame that is not complete; none between frames. */
  private parts: Buffer[] = [];
  private partBytes = 0;
  /** Bytes of the incomplete frame with its length, as far as that is known. */
  private neededBytes = LENGTH_BYTES;

  constructor(private readonly onFrame: (frame: Buffer) => void) {}

  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.parts.length > 0) {
      this.parts.push(chunk);
      this.partBytes += chunk.length;
      if (this.partBytes < this.neededBytes) return;
      bytes = Buffer.concat(this.parts, this.partBytes);
      this.parts = [];
    }
    let position = 0;
    this.neededBytes = LENGTH_BYTES;
    while (bytes.length - position >= LENGTH_BYTES) {
      const length = bytes.readUInt32LE(position);
      if (length > MAX_FRAME_BYTES) throw new ProtocolError(`frame of ${length} bytes announced`);
      const end = position + LENGTH_BYTES + length;
      if (end > bytes.length) {
        this.neededBytes = LENGTH_BYTES + length;
        break;
      }
      this.onFrame(bytes.subarray(position + LENGTH_BYTES, end));
      position = end;
    }
    this.partBytes = bytes.length - position;
    if (this.partBytes > 0) this.parts.push(bytes.subarray(position));
  }
}
