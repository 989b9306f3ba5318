/**
 * PLAN request's bytes → columns. Owns the reading of `ClientRequest`, `Plan` and `Task`
 * straight from protobuf wire bytes; whether the plan makes sense (inputs that exist,
 * known task types) is for its caller, the server.
 *
 * Measured: generated code costs 500-700 ns a task, this about 50; no object, closure or
 * iterator per task is the reason.
 */
import { ClientRequest_Type, type Task, Task_Policy, TaskSchema } from "./generated/loom_pb.js";
import { decodeMessage } from "./generated-codec.js";
import {
  type PlanColumns,
  type PlanResourceRequest,
  PlanTaskFlag,
  Unsatisfiable,
} from "./plan-columns.js";
import { PlanRareColumns } from "./plan-rare-columns.js";
import { decodePlanResourceRequest } from "./plan-request.js";
import { WireCursor } from "./wire-cursor.js";

/** Tags are field number × 8 + wire type (0 varint, 1 fixed64, 2 bytes, 5 fixed32). */
const RequestTag = { type: 8, plan: 18, loadCheckpoints: 32 } as const;
const PlanTag = { resourceRequest: 10, task: 18, idBase: 32, whenUnsatisfiable: 160 } as const;
const TaskTag = {
  taskType: 8,
  config: 18,
  inputId: 24,
  inputIdsPacked: 26,
  requestIndex: 40,
  result: 48,
  checkpointPath: 58,
  label: 98,
  metadata: 106,
  policy: 160,
  timeLimit: 168,
  expectedMs: 181,
  expectedBytes: 185,
  priority: 192,
} as const;

const FIRST_TASKS = 1024;
const FIRST_INPUTS = 2048;

/**
 * Type of a `ClientRequest` (a `ClientRequestType`, or a number unknown to us), cheap when
 * it is the first field as every known library writes it. Throws a ProtocolError when the
 * frame is malformed before it or has none.
 */
export function peekRequestType(frame: Uint8Array): number {
  if (frame.length >= 2 && frame[0] === RequestTag.type && frame[1] < 0x80) return frame[1];
  const cursor = new WireCursor(frame, "ClientRequest");
  while (cursor.at < frame.length) {
    const tag = cursor.int32(frame.length);
    if (tag === RequestTag.type) return cursor.int32(frame.length);
    cursor.skip(tag, frame.length);
  }
  throw cursor.malformed("the type is missing");
}

/**
 * Decodes a PLAN request. The columns refer to `frame`, which must stay unchanged.
 * Throws a ProtocolError when it is malformed, truncated, or not a PLAN request.
 */
export function decodePlanRequest(frame: Uint8Array): PlanColumns {
  return new PlanReader(frame).read();
}

/** Task `i` of a plan as a message: for its rare fields. */
export function decodeTaskMessage(
  columns: Pick<PlanColumns, "bytes" | "messageStart" | "messageLength">,
  i: number,
): Task {
  const start = columns.messageStart[i];
  return decodeMessage(TaskSchema, columns.bytes.subarray(start, start + columns.messageLength[i]));
}

class PlanReader {
  private readonly cursor: WireCursor;
  private idBase = 0;
  private loadCheckpoints = false;
  private readonly requests: PlanResourceRequest[] = [];

  private taskCount = 0;
  private taskType = new Int32Array(FIRST_TASKS);
  private flags = new Uint8Array(FIRST_TASKS);
  private request = new Int32Array(FIRST_TASKS);
  private configStart = new Uint32Array(FIRST_TASKS);
  private configLength = new Uint32Array(FIRST_TASKS);
  private messageStart = new Uint32Array(FIRST_TASKS);
  private messageLength = new Uint32Array(FIRST_TASKS);
  private inputStart = new Uint32Array(FIRST_TASKS + 1);

  private inputCount = 0;
  private inputIds = new Int32Array(FIRST_INPUTS);

  private whenUnsatisfiable: number = Unsatisfiable.default;
  private readonly rare = new PlanRareColumns(FIRST_TASKS);

  constructor(private readonly frame: Uint8Array) {
    this.cursor = new WireCursor(frame, "PLAN request");
  }

  read(): PlanColumns {
    const { cursor, frame } = this;
    const end = frame.length;
    let type = 0;
    let hasPlan = false;
    while (cursor.at < end) {
      const tag = cursor.int32(end);
      if (tag === RequestTag.type) type = cursor.int32(end);
      else if (tag === RequestTag.plan) {
        hasPlan = true;
        const length = cursor.length(end);
        this.readPlan(cursor.at + length);
      } else if (tag === RequestTag.loadCheckpoints) this.loadCheckpoints = cursor.bool(end);
      else cursor.skip(tag, end);
    }
    if (type !== ClientRequest_Type.PLAN) throw cursor.malformed(`type ${type} is not PLAN`);
    if (!hasPlan) throw cursor.malformed("the plan is missing");
    return this.columns();
  }

  /** A `plan` field that comes twice is merged, as protobuf says. */
  private readPlan(end: number): void {
    const { cursor } = this;
    while (cursor.at < end) {
      const tag = cursor.int32(end);
      if (tag === PlanTag.task) {
        const length = cursor.length(end);
        this.readTask(cursor.at + length);
      } else if (tag === PlanTag.idBase) this.idBase = cursor.int32(end);
      else if (tag === PlanTag.resourceRequest) {
        const length = cursor.length(end);
        this.readResourceRequest(cursor.at + length);
      } else if (tag === PlanTag.whenUnsatisfiable) {
        const value = cursor.int32(end);
        // As protobuf says of values that an enum does not know.
        if (value >= Unsatisfiable.default && value <= Unsatisfiable.refuse) {
          this.whenUnsatisfiable = value;
        }
      } else cursor.skip(tag, end);
    }
  }

  private readTask(end: number): void {
    const { cursor } = this;
    const { bytes } = cursor;
    const index = this.taskCount;
    if (index === this.taskType.length) this.growTasks();
    const start = cursor.at;
    let flags = 0;
    let taskType = 0;
    let hasTaskType = false;
    let configStart = -1;
    let configLength = 0;
    let request = -1;
    while (cursor.at < end) {
      // All tags of Task are one byte; a longer one is an unknown field.
      let tag = bytes[cursor.at];
      if (tag < 0x80) cursor.at++;
      else tag = cursor.int32(end);
      switch (tag) {
        case TaskTag.taskType:
          taskType = cursor.int32(end);
          hasTaskType = true;
          break;
        case TaskTag.config:
          configLength = cursor.length(end);
          configStart = cursor.at;
          cursor.at = configStart + configLength;
          break;
        case TaskTag.inputId: {
          const id = cursor.int32(end);
          if (this.inputCount === this.inputIds.length) this.growInputs();
          this.inputIds[this.inputCount++] = id;
          break;
        }
        case TaskTag.inputIdsPacked: {
          const length = cursor.length(end);
          const listEnd = cursor.at + length;
          while (cursor.at < listEnd) {
            const id = cursor.int32(listEnd);
            if (this.inputCount === this.inputIds.length) this.growInputs();
            this.inputIds[this.inputCount++] = id;
          }
          break;
        }
        case TaskTag.requestIndex:
          request = cursor.int32(end);
          break;
        case TaskTag.result:
          if (cursor.bool(end)) flags |= PlanTaskFlag.result;
          else flags &= ~PlanTaskFlag.result;
          break;
        case TaskTag.checkpointPath:
          flags |= PlanTaskFlag.checkpoint;
          cursor.skip(tag, end);
          break;
        case TaskTag.label: {
          flags |= PlanTaskFlag.label;
          const labelLength = cursor.length(end);
          const labelStart = cursor.at;
          cursor.at += labelLength;
          this.rare.setLabel(index, labelStart, labelLength);
          // Nearly all are ASCII, which can't be malformed and need not be decoded to know that.
          let bits = 0;
          for (let k = labelStart; k < cursor.at; k++) bits |= bytes[k];
          if (bits >= 0x80) flags |= PlanTaskFlag.unchecked;
          break;
        }
        case TaskTag.metadata:
          flags |= PlanTaskFlag.metadata;
          cursor.skip(tag, end);
          break;
        case TaskTag.policy:
          if (cursor.int32(end) === Task_Policy.ONCE) flags |= PlanTaskFlag.once;
          else flags &= ~PlanTaskFlag.once;
          break;
        case TaskTag.timeLimit:
          if (cursor.int32(end) !== 0) flags |= PlanTaskFlag.timeLimit;
          else flags &= ~PlanTaskFlag.timeLimit;
          break;
        case TaskTag.expectedMs:
          this.rare.setExpectedMs(index, cursor.float32(end));
          break;
        case TaskTag.expectedBytes:
          this.rare.setExpectedBytes(index, cursor.float64(end));
          break;
        case TaskTag.priority: {
          const zigzag = cursor.int32(end);
          this.rare.setPriority(index, (zigzag >>> 1) ^ -(zigzag & 1));
          break;
        }
        default:
          flags |= PlanTaskFlag.unchecked;
          cursor.skip(tag, end);
      }
    }
    if (!hasTaskType) throw cursor.malformed(`task_type of task ${index} is missing`);
    if (configStart < 0) throw cursor.malformed(`config of task ${index} is missing`);
    this.taskType[index] = taskType;
    this.flags[index] = flags;
    this.request[index] = request;
    this.configStart[index] = configStart;
    this.configLength[index] = configLength;
    this.messageStart[index] = start;
    this.messageLength[index] = end - start;
    this.taskCount = index + 1;
    this.inputStart[index + 1] = this.inputCount;
  }

  private readResourceRequest(end: number): void {
    const { cursor } = this;
    this.requests.push(decodePlanResourceRequest(this.frame.subarray(cursor.at, end)));
    cursor.at = end;
  }

  /** At most eightfold, so that small tasks before a huge one do not cost much memory. */
  private growTasks(): void {
    const count = this.taskCount;
    const bytesLeft = this.frame.length - this.cursor.at;
    const expected = Math.ceil(count + (bytesLeft / this.cursor.at) * count * 1.1);
    const size = Math.min(count * 8, Math.max(count * 2, expected));
    this.taskType = grown(this.taskType, new Int32Array(size));
    this.flags = grown(this.flags, new Uint8Array(size));
    this.request = grown(this.request, new Int32Array(size));
    this.configStart = grown(this.configStart, new Uint32Array(size));
    this.configLength = grown(this.configLength, new Uint32Array(size));
    this.messageStart = grown(this.messageStart, new Uint32Array(size));
    this.messageLength = grown(this.messageLength, new Uint32Array(size));
    this.inputStart = grown(this.inputStart, new Uint32Array(size + 1));
    this.rare.grow(size);
  }

  private growInputs(): void {
    this.inputIds = grown(this.inputIds, new Int32Array(this.inputIds.length * 2));
  }

  private columns(): PlanColumns {
    const count = this.taskCount;
    return {
      idBase: this.idBase,
      taskCount: count,
      loadCheckpoints: this.loadCheckpoints,
      bytes: this.frame,
      taskType: this.taskType.subarray(0, count),
      flags: this.flags.subarray(0, count),
      request: this.request.subarray(0, count),
      configStart: this.configStart.subarray(0, count),
      configLength: this.configLength.subarray(0, count),
      messageStart: this.messageStart.subarray(0, count),
      messageLength: this.messageLength.subarray(0, count),
      inputStart: this.inputStart.subarray(0, count + 1),
      inputIds: this.inputIds,
      requests: this.requests,
      whenUnsatisfiable: this.whenUnsatisfiable,
      ...this.rare.columns(count),
    };
  }
}

function grown<T extends Int32Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
