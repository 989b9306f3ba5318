/** The built-in task loom/data/split: finds the pieces of bytes that end with a delimiter. */
import {
  type BytesObject,
  type DataObject,
  indexObject,
  isInMemory,
  readChunks,
} from "../../object-store/index.js";
import type { TaskExecution } from "../contract.js";
import { bytesInput, checkInputCount, failure } from "./checks.js";

const NEWLINE = 10;

/** Files above this size are read without blocking. */
const BLOCKING_BYTES = 1024 * 1024;

/** Config: empty (newline), or the one byte that pieces end with. */
export function split(task: TaskExecution): DataObject | Promise<DataObject> {
  checkInputCount(task, 1);
  const { config } = task;
  if (config.length > 1) {
    throw failure(
      task,
      `the config has ${config.length} bytes, it must be empty (split after newlines) or the one byte to split after`,
    );
  }
  const input = bytesInput(task, 0);
  const boundaries = new Boundaries(config.length === 0 ? NEWLINE : config[0]);
  if (!isInMemory(input) && input.size > BLOCKING_BYTES) return splitFile(input, boundaries);
  boundaries.scan(input.bytes());
  return indexObject(input, boundaries.finish());
}

async function splitFile(input: BytesObject, boundaries: Boundaries): Promise<DataObject> {
  for await (const chunk of readChunks(input)) boundaries.scan(chunk);
  return indexObject(input, boundaries.finish());
}

/** Collects where pieces start and end. */
class Boundaries {
  private offsets = new Float64Array(64);
  private count = 1;
  private scanned = 0;

  constructor(private readonly delimiter: number) {}

  scan(bytes: Uint8Array): void {
    for (
      let found = bytes.indexOf(this.delimiter);
      found >= 0;
      found = bytes.indexOf(this.delimiter, found + 1)
    ) {
      this.add(this.scanned + found + 1);
    }
    this.scanned += bytes.length;
  }

  /** All offsets; a last piece without delimiter counts. */
  finish(): Float64Array | Uint32Array {
    if (this.offsets[this.count - 1] < this.scanned) this.add(this.scanned);
    const used = this.offsets.subarray(0, this.count);
    return this.scanned < 2 ** 32 ? Uint32Array.from(used) : used.slice();
  }

  private add(offset: number): void {
    if (this.count === this.offsets.length) {
      const bigger = new Float64Array(2 * this.count);
      bigger.set(this.offsets);
      this.offsets = bigger;
    }
    this.offsets[this.count++] = offset;
  }
}
