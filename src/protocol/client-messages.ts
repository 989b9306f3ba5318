/**
 * The messages that are not hot, as typed functions over generated code, and the two small
 * hot ones (finished tasks) by hand. PLAN requests: plan-encoder.ts, plan-decoder.ts.
 * Called by server, client and worker; nobody else imports the generated code.
 *
 * Every decode function throws a ProtocolError ("malformed NAME: REASON") when the bytes
 * are not that message or a required field is missing. 64-bit fields are bigints.
 */
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import {
  type ClientRequest,
  ClientRequestSchema,
  type ClientResponse,
  ClientResponse_Type,
  ClientResponseSchema,
  type Register,
  RegisterSchema,
  type Run,
  RunSchema,
} from "./generated/loom_pb.js";
import {
  type FailureInfo,
  FailureInfoSchema,
  type TaskExtras,
  TaskExtrasSchema,
} from "./generated/worker_pb.js";
import { decodeMessage } from "./generated-codec.js";
import { varintSize, writeVarint } from "./varint.js";

export type {
  Chunk as ChunkMessage,
  ClientRequest as ClientRequestMessage,
  ClientResponse as ClientResponseMessage,
  DataHeader as DataHeaderMessage,
  Error as ErrorMessage,
  Execution as ExecutionMessage,
  Log as LogMessage,
  Register as RegisterMessage,
  Run as RunConfig,
  Stats as StatsMessage,
  Task as TaskMessage,
  WorkerResource as WorkerResourceMessage,
} from "./generated/loom_pb.js";
export {
  ClientRequest_Type as ClientRequestType,
  ClientResponse_Type as ClientResponseType,
  Register_Type as RegisterType,
  Task_Policy as WirePolicy,
} from "./generated/loom_pb.js";
export type { FailureInfo, TaskExtras } from "./generated/worker_pb.js";

/** What the encode functions take: a plain object; fields left out are unset. */
export type RegisterInit = MessageInitShape<typeof RegisterSchema>;
export type ClientRequestInit = MessageInitShape<typeof ClientRequestSchema>;
export type ClientResponseInit = MessageInitShape<typeof ClientResponseSchema>;
export type RunConfigInit = MessageInitShape<typeof RunSchema>;
export type TaskExtrasInit = MessageInitShape<typeof TaskExtrasSchema>;
export type FailureInfoInit = MessageInitShape<typeof FailureInfoSchema>;

/** First frame of a connection. */
export function encodeRegister(init: RegisterInit): Uint8Array {
  return encode(RegisterSchema, init);
}

export function decodeRegister(frame: Uint8Array): Register {
  return decodeMessage(RegisterSchema, frame);
}

/** Any request; a PLAN is better built with {@link PlanEncoder}. */
export function encodeClientRequest(init: ClientRequestInit): Uint8Array {
  return encode(ClientRequestSchema, init);
}

/** Any request; a PLAN is better read with {@link decodePlanRequest}. */
export function decodeClientRequest(frame: Uint8Array): ClientRequest {
  return decodeMessage(ClientRequestSchema, frame);
}

export function encodeClientResponse(init: ClientResponseInit): Uint8Array {
  return encode(ClientResponseSchema, init);
}

export function decodeClientResponse(frame: Uint8Array): ClientResponse {
  return decodeMessage(ClientResponseSchema, frame);
}

/** Configuration of a loom/run/run task. */
export function encodeRunConfig(init: RunConfigInit): Uint8Array {
  return encode(RunSchema, init);
}

export function decodeRunConfig(bytes: Uint8Array): Run {
  return decodeMessage(RunSchema, bytes);
}

/** Rare attributes of an assigned task, carried by the `assign` record. */
export function encodeTaskExtras(init: TaskExtrasInit): Uint8Array {
  return encode(TaskExtrasSchema, init);
}

export function decodeTaskExtras(bytes: Uint8Array): TaskExtras {
  return decodeMessage(TaskExtrasSchema, bytes);
}

/** Why a task failed, carried by the `failed` record. */
export function encodeFailureInfo(init: FailureInfoInit): Uint8Array {
  return encode(FailureInfoSchema, init);
}

export function decodeFailureInfo(bytes: Uint8Array): FailureInfo {
  return decodeMessage(FailureInfoSchema, bytes);
}

/** A TASK_FINISHED response, for classic clients: one a task, so written by hand. */
export function encodeTaskFinished(id: number): Uint8Array {
  const bytes = new Uint8Array(3 + varintSize(id));
  bytes[0] = 0x08; // type
  bytes[1] = ClientResponse_Type.TASK_FINISHED;
  bytes[2] = 0x38; // id
  writeVarint(bytes, 3, id);
  return bytes;
}

/**
 * A FINISHED_MANY response: all of `ids` are finished. `smallValues`: what a SmallValueWriter
 * has written for them.
 */
export function encodeFinishedMany(ids: ArrayLike<number>, smallValues?: Uint8Array): Uint8Array {
  let listBytes = 0;
  for (let i = 0; i < ids.length; i++) listBytes += varintSize(ids[i]);
  const valueBytes = smallValues?.length ?? 0;
  const valuesField = smallValues === undefined ? 0 : 2 + varintSize(valueBytes) + valueBytes;
  const bytes = new Uint8Array(4 + varintSize(listBytes) + listBytes + valuesField);
  bytes[0] = 0x08; // type
  bytes[1] = ClientResponse_Type.FINISHED_MANY;
  bytes[2] = 0xaa; // ids, packed: field 21 has a two-byte tag
  bytes[3] = 0x01;
  let at = writeVarint(bytes, 4, listBytes);
  for (let i = 0; i < ids.length; i++) at = writeVarint(bytes, at, ids[i]);
  if (smallValues === undefined) return bytes;
  bytes[at] = 0xca; // small_values: field 25
  bytes[at + 1] = 0x01;
  bytes.set(smallValues, writeVarint(bytes, at + 2, valueBytes));
  return bytes;
}

function encode<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): Uint8Array {
  return toBinary(schema, create(schema, init));
}
