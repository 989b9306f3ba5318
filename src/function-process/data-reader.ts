/** Makes `Data` from the objects in a record. Owns their layout; called by session.ts. */
import { ProtocolError } from "../base/index.js";
import { ArrayData, IndexData } from "./array-data.js";
import type { DataObject, DataOwner } from "./data.js";
import { FileData, InlineData, type PlainData } from "./plain-data.js";
import { Kind, RecordCursor } from "./protocol.js";
import { ValueData } from "./value-data.js";

/** Reads an object. What is in an array is made when it is asked for, and only gone over here. */
export function readData(
  cursor: RecordCursor,
  owner: DataOwner | undefined,
  number: number,
): DataObject {
  const kind = cursor.u8();
  switch (kind) {
    case Kind.bytes:
    case Kind.file:
      return readPlainOf(kind, cursor, owner, number);
    case Kind.array: {
      const length = cursor.u32();
      const start = cursor.position;
      const { objects, bytes } = goOver(cursor, length);
      return new ArrayData(
        owner,
        number,
        cursor.frame,
        start,
        length,
        objects + 1,
        bytes,
        readElements,
      );
    }
    case Kind.index: {
      const content = readPlain(cursor, owner);
      const pieces = cursor.u32();
      const table = cursor.skip(8 * (pieces + 1));
      return new IndexData(owner, number, content, cursor.frame, table, pieces);
    }
    case Kind.value: {
      const type = cursor.text();
      return new ValueData(owner, number, type, readPlain(cursor, owner));
    }
    default:
      throw unknownKind(kind, cursor);
  }
}

/** Reads an object of kind 1 or 2 that has no number of its own. */
export function readPlain(cursor: RecordCursor, owner: DataOwner | undefined): PlainData {
  return readPlainOf(cursor.u8(), cursor, owner, -1);
}

function readPlainOf(
  kind: number,
  cursor: RecordCursor,
  owner: DataOwner | undefined,
  number: number,
): PlainData {
  if (kind === Kind.bytes) {
    const length = cursor.u32();
    return new InlineData(owner, number, cursor.frame, cursor.skip(length), length);
  }
  if (kind === Kind.file) {
    const path = cursor.text();
    const offset = cursor.u64();
    return new FileData(owner, number, path, offset, cursor.u64());
  }
  throw unknownKind(kind, cursor);
}

function readElements(
  owner: DataOwner | undefined,
  frame: Buffer,
  position: number,
  count: number,
  firstNumber: number,
): DataObject[] {
  const cursor = new RecordCursor(frame, position);
  const elements: DataObject[] = [];
  let number = firstNumber;
  for (let i = 0; i < count; i++) {
    const element = readData(cursor, owner, number);
    number += element.objectCount;
    elements.push(element);
  }
  return elements;
}

/** Goes over `count` objects without recursion: arrays may be nested deeper than the stack. */
function goOver(cursor: RecordCursor, count: number): { objects: number; bytes: number } {
  let objects = 0;
  let bytes = 0;
  for (let remaining = count; remaining > 0; remaining--) {
    objects++;
    const kind = cursor.u8();
    if (kind === Kind.array) {
      remaining += cursor.u32();
    } else if (kind === Kind.index) {
      bytes += goOverPlain(cursor.u8(), cursor);
      cursor.skip(8 * (cursor.u32() + 1));
    } else {
      if (kind === Kind.value) cursor.skip(cursor.u32());
      bytes += goOverPlain(kind === Kind.value ? cursor.u8() : kind, cursor);
    }
  }
  return { objects, bytes };
}

/** Returns the number of bytes. */
function goOverPlain(kind: number, cursor: RecordCursor): number {
  if (kind === Kind.bytes) {
    const length = cursor.u32();
    cursor.skip(length);
    return length;
  }
  if (kind !== Kind.file) throw unknownKind(kind, cursor);
  cursor.skip(cursor.u32());
  cursor.skip(8);
  return cursor.u64();
}

function unknownKind(kind: number, cursor: RecordCursor): ProtocolError {
  return new ProtocolError(`object of unknown kind ${kind} at byte ${cursor.position - 1}`);
}
