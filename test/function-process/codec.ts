/** The protocol with function processes from the worker's side, written from its page. */

export type Bytes = string | Uint8Array;

export const u8 = (value: number) => Buffer.of(value);
export const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
export const i32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
};
export const u64 = (value: number) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
/** A length and the bytes. */
export const sized = (bytes: Bytes) => {
  const content = Buffer.from(bytes as Uint8Array);
  return Buffer.concat([u32(content.length), content]);
};
export const frame = (...records: Uint8Array[]) => sized(Buffer.concat(records));

/** Objects of calls. */
export const bytesObject = (bytes: Bytes) => Buffer.concat([u8(1), sized(bytes)]);
export const fileObject = (path: string, offset: number, length: number) =>
  Buffer.concat([u8(2), sized(path), u64(offset), u64(length)]);
export const arrayObject = (...elements: Buffer[]) =>
  Buffer.concat([u8(3), u32(elements.length), ...elements]);
/** @param places where each piece begins, and the end */
export const indexObject = (content: Buffer, ...places: number[]) =>
  Buffer.concat([u8(4), content, u32(places.length - 1), ...places.map(u64)]);
export const valueObject = (type: string, content: Buffer) =>
  Buffer.concat([u8(5), sized(type), content]);

export const configure = (config: unknown) =>
  Buffer.concat([u8(0), sized(typeof config === "string" ? config : JSON.stringify(config))]);
export const define = (number: number, object: Buffer) =>
  Buffer.concat([u8(1), u32(number), object]);
export const forget = (number: number) => Buffer.concat([u8(2), u32(number)]);
export const cancel = (serial: number, reason: number) =>
  Buffer.concat([u8(4), u32(serial), u8(reason)]);

export const hold = (resources: unknown) =>
  Buffer.concat([
    u8(5),
    sized(typeof resources === "string" ? resources : JSON.stringify(resources)),
  ]);

export interface CallFields {
  readonly serial: number;
  readonly fn: number;
  readonly taskId?: number;
  readonly attempt?: number;
  readonly light?: boolean;
  readonly config?: Uint8Array;
  readonly inputs?: readonly Buffer[];
}

export const call = (fields: CallFields) => {
  const { serial, fn, taskId = 1, attempt = 1, light = false } = fields;
  const { config = u8(0), inputs = [] } = fields;
  return Buffer.concat([
    u8(3),
    u32(serial),
    i32(taskId),
    u32(attempt),
    u8(light ? 1 : 0),
    u32(fn),
    sized(config),
    u32(inputs.length),
    ...inputs,
  ]);
};

/** A result: bytes as text where they are UTF-8, anything else as an object. */
export type Result =
  | string
  | Buffer
  | Result[]
  | { file: string; size: number }
  | { value: string; content: Result }
  | { input: number }
  | { piece: [index: number, piece: number] }
  | { task: string; config: string; inputs: Result[] };

export type Reply =
  | { op: "ready"; text: string }
  | { op: "result"; serial: number; durationUs: number; result: Result }
  | { op: "failed"; serial: number; durationUs: number; message: string }
  | { op: "log"; serial: number; level: number; text: string };

/** Decodes the body of a frame. */
export function decodeReplies(body: Buffer): Reply[] {
  let at = 0;
  const readU8 = () => body.readUInt8(at++);
  const readU32 = () => {
    at += 4;
    return body.readUInt32LE(at - 4);
  };
  const readU64 = () => {
    at += 8;
    return Number(body.readBigUInt64LE(at - 8));
  };
  const readBytes = () => {
    const length = readU32();
    if (at + length > body.length) throw new Error("a reply ends beyond its frame");
    at += length;
    return body.subarray(at - length, at);
  };
  const readText = () => readBytes().toString();
  const readList = () => Array.from({ length: readU32() }, readResult);
  const readResult = (): Result => {
    const kind = readU8();
    switch (kind) {
      case 1: {
        const bytes = readBytes();
        const text = bytes.toString();
        return Buffer.from(text).equals(bytes) ? text : bytes;
      }
      case 2:
        return { file: readText(), size: readU64() };
      case 3:
        return readList();
      case 5:
        return { value: readText(), content: readContent() };
      case 6:
        return { input: readU32() };
      case 7:
        return { piece: [readU32(), readU64()] };
      case 9:
        return { task: readText(), config: readText(), inputs: readList() };
      default:
        throw new Error(`result of kind ${kind}`);
    }
  };
  /** Serialized values are never shown as text. */
  const readContent = (): Result => {
    if (body[at] !== 1) return readResult();
    at++;
    return readBytes();
  };
  const readReply = (): Reply => {
    const op = readU8();
    switch (op) {
      case 0:
        return { op: "ready", text: readText() };
      case 1:
        return { op: "result", serial: readU32(), durationUs: readU32(), result: readResult() };
      case 2:
        return { op: "failed", serial: readU32(), durationUs: readU32(), message: readText() };
      case 3:
        return { op: "log", serial: readU32(), level: readU8(), text: readText() };
      default:
        throw new Error(`reply ${op}`);
    }
  };
  const replies: Reply[] = [];
  while (at < body.length) replies.push(readReply());
  return replies;
}
