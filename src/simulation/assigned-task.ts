/**
 * An assignment on its way from the modelled server to a modelled worker: written as numbers,
 * read into the record that the worker core takes. One record is used again and again.
 */
import type { ConcreteRequest } from "../graph/index.js";
import { TaskState } from "../scheduler/index.js";
import type { TaskTable } from "../server-core/index.js";
import { type MessageStream, ToWorker } from "./message-stream.js";
import { type AssignRecord, InputPlace } from "./wire-numbers.js";

/** Writes the assignment, with where each input is at this moment. */
export function writeAssignment(
  stream: MessageStream,
  table: TaskTable,
  worker: number,
  row: number,
  request: ConcreteRequest | undefined,
  priority: number,
): void {
  const inputCount = table.inputCount[row];
  stream.write(ToWorker.assign);
  stream.write(row);
  stream.write(table.attempt[row]);
  stream.write(table.taskType[row]);
  stream.write(request === undefined ? 0 : request.id);
  stream.write(priority);
  stream.write(inputCount);
  const start = table.inputStart[row];
  for (let edge = start; edge < start + inputCount; edge++) {
    const input = table.edgeInput[edge];
    stream.write(input);
    const made = table.state[input] !== TaskState.assigned;
    if (made ? table.holds(worker, input) : table.worker[input] === worker) {
      writePlace(stream, InputPlace.local);
    } else if (!made) {
      writePlace(stream, InputPlace.later);
    } else if (table.inlineCell[input] !== -1) {
      stream.write(InputPlace.inline);
      stream.write(table.size[input]);
      stream.write(0);
    } else {
      stream.write(InputPlace.remote);
      stream.write(table.size[input]);
      writeHolders(stream, table, input);
    }
  }
}

/** Writes a place that says it all. */
function writePlace(stream: MessageStream, place: number): void {
  stream.write(place);
  stream.write(0);
  stream.write(0);
}

/** Writes how many workers hold the object, and which. */
export function writeHolders(stream: MessageStream, table: TaskTable, row: number): void {
  if (table.replicaHead[row] === -1 && table.worker[row] >= 0) {
    stream.write(1);
    stream.write(table.worker[row]);
    return;
  }
  const holders = table.holders(row);
  const count = Math.min(holders.length, 255);
  stream.write(count);
  for (let i = 0; i < count; i++) stream.write(holders[i]);
}

/** The record that worker cores are given. */
export class AssignedTask implements AssignRecord {
  readonly frame = new Uint8Array(0);
  row = 0;
  attempt = 0;
  taskType = 0;
  request = 0;
  priority = 0;
  readonly taskId = 0;
  readonly losses = 0;
  readonly configStart = 0;
  readonly configLength = 0;
  readonly extrasStart = 0;
  readonly extrasLength = 0;
  inputCount = 0;
  inputRow = new Uint32Array(16);
  inputPlace = new Uint8Array(16);
  inputSize = new Float64Array(16);
  inputStart = new Uint32Array(16);
  inputLength = new Uint8Array(16);
  private readonly holderList: number[] = [];

  /** Reads what follows the op. */
  read(stream: MessageStream): void {
    this.row = stream.read();
    this.attempt = stream.read();
    this.taskType = stream.read();
    this.request = stream.read();
    this.priority = stream.read();
    this.inputCount = stream.read();
    this.ensureInputs(this.inputCount);
    this.holderList.length = 0;
    for (let i = 0; i < this.inputCount; i++) {
      this.inputRow[i] = stream.read();
      this.inputPlace[i] = stream.read();
      this.inputSize[i] = stream.read();
      const count = stream.read();
      this.inputStart[i] = this.holderList.length;
      this.inputLength[i] = count;
      for (let k = 0; k < count; k++) this.holderList.push(stream.read());
    }
  }

  holders(i: number): number[] {
    const start = this.inputStart[i];
    return this.holderList.slice(start, start + this.inputLength[i]);
  }

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
