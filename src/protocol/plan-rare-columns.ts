/**
 * The columns of a plan that most plans do not have: made when the first task has one. Owns their
 * memory and the checks of their values. Called by plan-decoder.ts.
 */
import { ProtocolError } from "../base/index.js";
import { MAX_PRIORITY } from "../graph/index.js";
import type { PlanColumns } from "./plan-columns.js";

type RareColumns = Pick<
  PlanColumns,
  "labelStart" | "labelLength" | "priority" | "expectedMs" | "expectedBytes"
>;

type Column = Int8Array | Uint32Array | Float32Array | Float64Array;

/** Task numbers are below the size, which grow() raises. */
export class PlanRareColumns {
  private labelStart: Uint32Array | undefined;
  private labelLength: Uint32Array | undefined;
  private priority: Int8Array | undefined;
  private expectedMs: Float32Array | undefined;
  private expectedBytes: Float64Array | undefined;

  constructor(private size: number) {}

  setLabel(index: number, start: number, length: number): void {
    if (this.labelStart === undefined || this.labelLength === undefined) {
      this.labelStart = new Uint32Array(this.size);
      this.labelLength = new Uint32Array(this.size);
    }
    this.labelStart[index] = start;
    this.labelLength[index] = length;
  }

  /** Throws a ProtocolError unless it is an integer from -100 to 100. */
  setPriority(index: number, value: number): void {
    if (value < -MAX_PRIORITY || value > MAX_PRIORITY) {
      throw new ProtocolError(
        `malformed Task: the priority of task ${index} is ${value}, not -${MAX_PRIORITY} to ${MAX_PRIORITY}`,
      );
    }
    this.priority ??= new Int8Array(this.size);
    this.priority[index] = value;
  }

  /** Throws a ProtocolError unless it is at least 0 and finite. */
  setExpectedMs(index: number, value: number): void {
    checkEstimate(index, "expected_ms", value);
    this.expectedMs ??= new Float32Array(this.size).fill(Number.NaN);
    this.expectedMs[index] = value;
  }

  /** Throws a ProtocolError unless it is at least 0 and finite. */
  setExpectedBytes(index: number, value: number): void {
    checkEstimate(index, "expected_bytes", value);
    this.expectedBytes ??= new Float64Array(this.size).fill(Number.NaN);
    this.expectedBytes[index] = value;
  }

  grow(size: number): void {
    this.size = size;
    const { NaN: none } = Number;
    this.labelStart = this.labelStart && grown(this.labelStart, new Uint32Array(size));
    this.labelLength = this.labelLength && grown(this.labelLength, new Uint32Array(size));
    this.priority = this.priority && grown(this.priority, new Int8Array(size));
    this.expectedMs = this.expectedMs && grown(this.expectedMs, new Float32Array(size).fill(none));
    this.expectedBytes =
      this.expectedBytes && grown(this.expectedBytes, new Float64Array(size).fill(none));
  }

  /** Those of the first `count` tasks. */
  columns(count: number): RareColumns {
    return {
      labelStart: this.labelStart?.subarray(0, count),
      labelLength: this.labelLength?.subarray(0, count),
      priority: this.priority?.subarray(0, count),
      expectedMs: this.expectedMs?.subarray(0, count),
      expectedBytes: this.expectedBytes?.subarray(0, count),
    };
  }
}

function checkEstimate(index: number, field: string, value: number): void {
  if (value >= 0 && value !== Number.POSITIVE_INFINITY) return;
  throw new ProtocolError(
    `malformed Task: ${field} of task ${index} is ${value}, not a finite number from 0 on`,
  );
}

function grown<T extends Column>(from: T, to: T): T {
  to.set(from);
  return to;
}
