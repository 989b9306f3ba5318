/**
 * An assignment as the worker reads it from a batch. Filled by server-to-worker-reader.ts, read by the
 * worker's core.
 */

/**
 * One assignment as read. The object and its arrays are reused: a handler copies what it
 * keeps before it returns. `frame` itself may be kept.
 */
export class AssignRecord {
  frame: Uint8Array = new Uint8Array(0);
  row = 0;
  attempt = 0;
  taskType = 0;
  /** Id of a request defined before; 0 = none, a light task. */
  request = 0;
  /** Higher starts first here; equal: in order of assignment. 0 for light tasks. */
  priority = 0;
  /** The client's id of the task; 0 where it was not sent. */
  taskId = 0;
  /** How often it was lost with a worker; 0 where that was not sent. */
  losses = 0;
  configStart = 0;
  configLength = 0;
  extrasStart = 0;
  /** 0 = no extras. */
  extrasLength = 0;
  inputCount = 0;
  inputRow = new Uint32Array(16);
  /** One of {@link InputPlace}. */
  inputPlace = new Uint8Array(16);
  /** Remote inputs: size in bytes. */
  inputSize = new Float64Array(16);
  /** Inline: where its bytes are in `frame`. Remote: where the holders' u16 indices are. */
  inputStart = new Uint32Array(16);
  /** Inline: number of bytes. Remote: number of holders. */
  inputLength = new Uint8Array(16);

  /** The holders of remote input `i`, best first. */
  holders(i: number): number[] {
    const { frame } = this;
    const start = this.inputStart[i];
    const list: number[] = [];
    for (let k = 0; k < this.inputLength[i]; k++) {
      list.push(frame[start + 2 * k] | (frame[start + 2 * k + 1] << 8));
    }
    return list;
  }

  /** @internal */
  ensureInputs(count: number): void {
    if (count <= this.inputRow.length) return;
    const size = Math.max(count, this.inputRow.length * 2);
    this.inputRow = new Uint32Array(size);
    this.inputPlace = new Uint8Array(size);
    this.inputSize = new Float64Array(size);
    this.inputStart = new Uint32Array(size);
    this.inputLength = new Uint8Array(size);
  }
}
