/**
 * Builds the bytes of a PLAN request task by task. Owns the writing of `Plan` and `Task` in
 * protobuf wire format; checks nothing about the tasks. Called by the client.
 *
 * Written by hand into one growing buffer: 50 ns a task where generated code takes 130-200.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { LoomError } from "../base/index.js";
import { ClientRequest_Type, ResourceRequestSchema, Task_Policy } from "./generated/loom_pb.js";
import { Unsatisfiable } from "./plan-columns.js";
import { varintSize, writeVarint } from "./varint.js";

/** Room kept at the front for the request's own fields, written last: 2 + 2 + 1 + 5 bytes. */
const HEAD_BYTES = 16;
const INITIAL_BYTES = 4096;

/** Rare attributes of a task. */
export interface PlanTaskOptions {
  /** What addRequest() returned; default none. */
  requestIndex?: number;
  /** The client wants this task's result. Default false. */
  result?: boolean;
  /** Absolute path. */
  checkpointPath?: string;
  label?: string;
  metadata?: Uint8Array;
  /** Policy ONCE. Default false. */
  once?: boolean;
  /** Milliseconds, a u32. Default 0: none. */
  timeLimitMs?: number;
  /** Estimate of its execution in milliseconds, at least 0. Default: none. */
  expectedMs?: number;
  /** Estimate of its result's size, at least 0. Default: none. */
  expectedBytes?: number;
  /** -100 to 100, higher first. Default 0. */
  priority?: number;
}

/** One resource of {@link PlanEncoder.addRequest}: a whole amount by symbol is the classic form. */
export interface EncodedResource {
  /** Not used where there is a name. */
  readonly symbol: number;
  /** Default: the symbol says which resource it is. */
  readonly name?: string | undefined;
  readonly value: number;
  /** Default: any. */
  readonly indices?: readonly string[] | undefined;
}

/**
 * One plan. Tasks get the ids `idBase`, `idBase + 1`, ... in the order they are added.
 *
 * @example
 * const plan = new PlanEncoder(0);
 * const a = plan.addTask(builtinSymbol("loom/data/const"), bytes, []);
 * plan.addTask(builtinSymbol("loom/base/size"), new Uint8Array(0), [a], { result: true });
 * connection.send(plan.finish());
 */
export class PlanEncoder {
  private bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);
  private end = HEAD_BYTES;
  private tasks = 0;
  private requests = 0;
  private finished = false;
  private lastLabel: string | undefined;
  private lastLabelBytes: Uint8Array | undefined;

  /** @param idBase id of the first task */
  constructor(readonly idBase: number) {}

  /** Tasks added so far. */
  get taskCount(): number {
    return this.tasks;
  }

  /**
   * Adds a resource request; returns its index, for {@link PlanTaskOptions.requestIndex}.
   * @param alternatives what will do as well, in order of preference
   */
  addRequest(
    resources: readonly EncodedResource[],
    alternatives: readonly (readonly EncodedResource[])[] = [],
  ): number {
    const message = toBinary(
      ResourceRequestSchema,
      create(ResourceRequestSchema, {
        resources: resources.map(resourceInit),
        alternatives: alternatives.map((list) => ({ resources: list.map(resourceInit) })),
      }),
    );
    this.reserve(16 + message.length);
    this.bytes[this.end++] = 0x0a; // Plan.resource_requests
    this.putBytes(message);
    return this.requests++;
  }

  /** Adds a task and returns its id. `config` and `inputIds` are copied. */
  addTask(
    taskType: number,
    config: Uint8Array,
    inputIds: ArrayLike<number>,
    options?: PlanTaskOptions,
  ): number {
    const inputCount = inputIds.length;
    let length = 2 + varintSize(taskType) + varintSize(config.length) + config.length;
    for (let i = 0; i < inputCount; i++) length += 1 + varintSize(inputIds[i]);

    let requestIndex = -1;
    let result = false;
    let checkpointPath: Uint8Array | undefined;
    let label: Uint8Array | undefined;
    let metadata: Uint8Array | undefined;
    let once = false;
    let timeLimitMs = 0;
    let expectedMs: number | undefined;
    let expectedBytes: number | undefined;
    let priority = 0;
    if (options !== undefined) {
      requestIndex = options.requestIndex ?? -1;
      if (requestIndex !== -1) length += 1 + varintSize(requestIndex);
      result = options.result === true;
      if (result) length += 2;
      checkpointPath = utf8(options.checkpointPath);
      label = this.labelBytes(options.label);
      metadata = options.metadata;
      length += fieldSize(checkpointPath) + fieldSize(label) + fieldSize(metadata);
      once = options.once === true;
      if (once) length += 3;
      timeLimitMs = options.timeLimitMs ?? 0;
      if (timeLimitMs > 0) length += 2 + varintSize(timeLimitMs);
      expectedMs = options.expectedMs;
      if (expectedMs !== undefined) length += 6;
      expectedBytes = options.expectedBytes;
      if (expectedBytes !== undefined) length += 10;
      priority = options.priority ?? 0;
      if (priority !== 0) length += 2 + varintSize(zigzag(priority));
    }

    this.reserve(16 + length);
    this.bytes[this.end++] = 0x12; // Plan.tasks
    this.putVarint(length);
    this.bytes[this.end++] = 0x08; // task_type
    this.putVarint(taskType);
    this.bytes[this.end++] = 0x12; // config
    this.putBytes(config);
    for (let i = 0; i < inputCount; i++) {
      this.bytes[this.end++] = 0x18; // input_ids
      this.putVarint(inputIds[i]);
    }
    if (requestIndex !== -1) {
      this.bytes[this.end++] = 0x28; // resource_request_index
      this.putVarint(requestIndex);
    }
    if (result) {
      this.bytes[this.end++] = 0x30; // result
      this.bytes[this.end++] = 1;
    }
    if (checkpointPath !== undefined) this.putField(0x3a, checkpointPath);
    if (label !== undefined) this.putField(0x62, label);
    if (metadata !== undefined) this.putField(0x6a, metadata);
    if (once) {
      this.bytes[this.end++] = 0xa0; // policy: field 20 has a two-byte tag
      this.bytes[this.end++] = 0x01;
      this.bytes[this.end++] = Task_Policy.ONCE;
    }
    if (timeLimitMs > 0) {
      this.bytes[this.end++] = 0xa8; // time_limit_ms: field 21
      this.bytes[this.end++] = 0x01;
      this.putVarint(timeLimitMs);
    }
    if (expectedMs !== undefined) {
      this.bytes[this.end++] = 0xb5; // expected_ms: field 22
      this.bytes[this.end++] = 0x01;
      this.putFloat(4, expectedMs);
    }
    if (expectedBytes !== undefined) {
      this.bytes[this.end++] = 0xb9; // expected_bytes: field 23
      this.bytes[this.end++] = 0x01;
      this.putFloat(8, expectedBytes);
    }
    if (priority !== 0) {
      this.bytes[this.end++] = 0xc0; // priority: field 24
      this.bytes[this.end++] = 0x01;
      this.putVarint(zigzag(priority));
    }
    return this.idBase + this.tasks++;
  }

  /**
   * The whole request, to be sent as one frame. The encoder can't be used afterwards.
   * @param loadCheckpoints take tasks whose checkpoint file exists as computed; default false
   * @param whenUnsatisfiable an {@link Unsatisfiable}; default: as the server is set
   */
  finish(loadCheckpoints = false, whenUnsatisfiable: number = Unsatisfiable.default): Uint8Array {
    this.reserve(16);
    this.bytes[this.end++] = 0x20; // Plan.id_base
    this.putVarint(this.idBase);
    if (whenUnsatisfiable !== Unsatisfiable.default) {
      this.bytes[this.end++] = 0xa0; // Plan.when_unsatisfiable: field 20
      this.bytes[this.end++] = 0x01;
      this.putVarint(whenUnsatisfiable);
    }
    this.finished = true;

    const { bytes, end } = this;
    const planBytes = end - HEAD_BYTES;
    const start = HEAD_BYTES - (3 + varintSize(planBytes) + (loadCheckpoints ? 2 : 0));
    this.end = start;
    bytes[this.end++] = 0x08; // ClientRequest.type
    bytes[this.end++] = ClientRequest_Type.PLAN;
    if (loadCheckpoints) {
      bytes[this.end++] = 0x20; // load_checkpoints
      bytes[this.end++] = 1;
    }
    bytes[this.end++] = 0x12; // plan
    this.putVarint(planBytes);
    return bytes.subarray(start, end);
  }

  /** Runs of tasks often have the same label. */
  private labelBytes(label: string | undefined): Uint8Array | undefined {
    if (label === undefined) return undefined;
    if (label !== this.lastLabel) {
      this.lastLabel = label;
      this.lastLabelBytes = utf8(label);
    }
    return this.lastLabelBytes;
  }

  private reserve(count: number): void {
    if (this.finished) throw new LoomError("usage", "this plan is finished; start a new one");
    const needed = this.end + count;
    if (needed <= this.bytes.length) return;
    const bigger = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    bigger.set(this.bytes.subarray(0, this.end));
    this.bytes = bigger;
  }

  private putField(tag: number, value: Uint8Array): void {
    this.bytes[this.end++] = tag;
    this.putBytes(value);
  }

  private putBytes(value: Uint8Array): void {
    const { length } = value;
    this.putVarint(length);
    const { bytes, end } = this;
    // A loop beats set() for the short configs that are common.
    if (length <= 64) for (let i = 0; i < length; i++) bytes[end + i] = value[i];
    else bytes.set(value, end);
    this.end = end + length;
  }

  private putVarint(value: number): void {
    this.end = writeVarint(this.bytes, this.end, value);
  }

  private putFloat(byteCount: 4 | 8, value: number): void {
    const view = new DataView(this.bytes.buffer, this.end, byteCount);
    if (byteCount === 4) view.setFloat32(0, value, true);
    else view.setFloat64(0, value, true);
    this.end += byteCount;
  }
}

function resourceInit({ symbol, name, value, indices = [] }: EncodedResource) {
  const isInt32 = (value | 0) === value;
  if (name === undefined && indices.length === 0 && isInt32) return { resourceType: symbol, value };
  const resourceType = name === undefined ? symbol : 0;
  return { resourceType, value: 0, name, amount: value, indices: [...indices] };
}

/** As protobuf writes sint32. */
function zigzag(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

function utf8(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : new TextEncoder().encode(text);
}

/** Bytes of an optional field with a one-byte tag. */
function fieldSize(value: Uint8Array | undefined): number {
  return value === undefined ? 0 : 1 + varintSize(value.length) + value.length;
}
