/**
 * The form in which workers hand objects to each other: a small header that describes the
 * object, and a body with its bytes end to end. Owns the header's layout and both directions.
 * Caller: the worker.
 *
 * Header: descriptions in preorder, all numbers LEB128 varints unless noted.
 *
 * | op            | then                                                | bytes in the body |
 * |---------------|-----------------------------------------------------|-------------------|
 * | 1 plain       | size                                                | size              |
 * | 2 file        | file                                                | none              |
 * | 3 array       | number of elements, each element's description      | theirs            |
 * | 4 index       | pieces, the size of each                            | sum of the sizes  |
 * | 5 file piece  | file, start, size                                   | none              |
 * | 6 file index  | file, start of the first piece, pieces, their sizes | none              |
 * | 7 value       | type, flags, size, length, bytes of its content     | those             |
 * | 8 broken      | type, text: why the value can't be serialized       | none              |
 *
 * type and text = length, that many bytes of UTF-8. Flag 1 of a value: clients get other bytes than
 * these. file = size, modification time (f64), length of the path, the path in UTF-8.
 */
import { LoomError, ProtocolError } from "../base/index.js";
import { ElementArray, treeCountOf } from "./arrays.js";
import { openFile, UserFile } from "./file-objects.js";
import { Gatherer } from "./gather.js";
import { HeaderReader, HeaderWriter } from "./header-codec.js";
import { MemoryPlain } from "./memory-plain.js";
import type { DataObject } from "./objects.js";
import { leafChunks } from "./reading.js";
import type { ValueTypes } from "./value-type.js";
import { BrokenValue, TypedValue } from "./values.js";
import { type Leaf, leafOf, originOf, PieceIndex, ViewPlain } from "./views.js";

const Op = {
  plain: 1,
  file: 2,
  array: 3,
  index: 4,
  filePiece: 5,
  fileIndex: 6,
  value: 7,
  broken: 8,
} as const;

const HAS_CLIENT_FORM = 1;

/** More objects in one array are refused: their header would fill the memory of the worker. */
const MAX_OBJECTS = 50_000_000;

/** Pieces of files up to this size travel as content: less work than opening the file there. */
const SMALL_PIECE_BYTES = 64 * 1024;

const NO_TYPES: ValueTypes = new Map();

/** How to send files. */
export interface NativeOptions {
  /**
   * Send the content of files, so that they become plain objects. Default false: send path,
   * size and modification time, for a receiver that sees the same file.
   */
  readonly fileContent?: boolean;
}

/** The receiver does not see a file under the same path; ask for the content instead. */
export class FileNotHereError extends LoomError {
  override readonly name = "FileNotHereError";
  constructor(
    readonly path: string,
    reason: string,
  ) {
    super("task", `file "${path}" of another worker can't be used here: ${reason}`);
  }
}

/** The description of `object`. Throws LoomError("task") if it has over 50 million parts. */
export function nativeHeader(object: DataObject, options: NativeOptions = {}): Uint8Array {
  const partCount = treeCountOf(object);
  if (partCount > MAX_OBJECTS) {
    throw new LoomError(
      "task",
      `the array has ${partCount} objects nested in it, too many to send (limit ${MAX_OBJECTS}); take parts of it`,
    );
  }
  const header = new HeaderWriter();
  walk(object, (part) => describe(part, options, header));
  return header.finish();
}

/** Bytes of the body: 0 = none is sent. */
export function nativeBodyBytes(object: DataObject, options: NativeOptions = {}): number {
  if (object.kind !== "array") return bodyBytesOfPart(object, options);
  let bytes = 0;
  walk(object, (part) => {
    bytes += bodyBytesOfPart(part, options);
  });
  return bytes;
}

/**
 * The body in parts: at once if all is in memory (big parts are the object's own memory), else
 * read from files as they are asked for. The iteration throws LoomError("task") when a file is
 * gone or was changed.
 */
export function nativeBody(
  object: DataObject,
  options: NativeOptions = {},
): Uint8Array[] | AsyncIterable<Uint8Array> {
  const ranges: Range[] = [];
  let total = 0;
  let inMemory = true;
  walk(object, (part) => {
    const length = bodyBytesOfPart(part, options);
    if (length === 0 || part.kind === "array") return;
    const source = part.kind === "value" ? part.content : part; // not broken, as it has bytes
    const leaf = leafOf(source);
    if (!(leaf instanceof MemoryPlain)) inMemory = false;
    total += length;
    ranges.push({ leaf, start: originOf(source), length });
  });
  if (!inMemory) return streamed(ranges);
  const body = new Gatherer(total);
  for (const { leaf, start, length } of ranges) body.add(leaf.read(start, length));
  return body.take();
}

/**
 * The object described by `header`; it keeps `body` and shows parts of it. Throws ProtocolError
 * if they don't fit together, FileNotHereError if a file is not the same here.
 * @param types of values that can be used here
 */
export function fromNative(
  header: Uint8Array,
  body: Uint8Array,
  types: ValueTypes = NO_TYPES,
): DataObject {
  const reader = new HeaderReader(header);
  const bodyLeaf = new MemoryPlain(body);
  let used = 0;
  /** Takes the next `size` bytes of the body and returns where they start. */
  const take = (size: number): number => {
    const start = used;
    used += size;
    if (used > body.length) {
      throw new ProtocolError(
        `an object's header describes more than the ${body.length} bytes of its body`,
      );
    }
    return start;
  };
  const leafObject = (op: number): DataObject => {
    switch (op) {
      case Op.plain: {
        const size = reader.count("size");
        const start = take(size);
        return size === body.length ? bodyLeaf : new ViewPlain(bodyLeaf, start, size);
      }
      case Op.file:
        return sameFile(reader);
      case Op.index: {
        const boundaries = reader.boundaries();
        return new PieceIndex(bodyLeaf, take(boundaries[boundaries.length - 1]), boundaries);
      }
      case Op.filePiece: {
        const file = sameFile(reader);
        const start = reader.count("start");
        const size = reader.count("size");
        checkInside(file, start + size);
        return new ViewPlain(file, start, size);
      }
      case Op.fileIndex: {
        const file = sameFile(reader);
        const start = reader.count("start");
        const boundaries = reader.boundaries();
        checkInside(file, start + boundaries[boundaries.length - 1]);
        return new PieceIndex(file, start, boundaries);
      }
      case Op.value: {
        const type = reader.text("type");
        const hasClientForm = (reader.byte() & HAS_CLIENT_FORM) !== 0;
        const shape = {
          size: reader.count("size"),
          length: reader.count("length"),
          hasClientForm,
        };
        const bytes = reader.count("size");
        const content = new ViewPlain(bodyLeaf, take(bytes), bytes);
        return new TypedValue(type, content, types.get(type), shape);
      }
      case Op.broken:
        return new BrokenValue(reader.text("type"), reader.text("reason"));
      default:
        throw new ProtocolError(`unknown kind ${op} in an object's header`);
    }
  };
  const object = readTree(reader, leafObject);
  if (reader.left !== 0) {
    throw new ProtocolError(`an object's header has ${reader.left} bytes too many`);
  }
  if (used !== body.length) {
    throw new ProtocolError(
      `an object's header describes ${used} bytes, its body has ${body.length}`,
    );
  }
  return object;
}

/** Reads descriptions until the outermost one is complete. */
function readTree(reader: HeaderReader, leafObject: (op: number) => DataObject): DataObject {
  const open: { elements: DataObject[]; count: number }[] = [];
  for (;;) {
    const op = reader.byte();
    let object: DataObject;
    if (op === Op.array) {
      // Each element takes two bytes at least: refuses absurd counts before any allocation.
      const count = reader.countUpTo(reader.left / 2, "elements");
      if (count > 0) {
        open.push({ elements: [], count });
        continue;
      }
      object = new ElementArray([]);
    } else {
      object = leafObject(op);
    }
    for (;;) {
      const parent = open.at(-1);
      if (parent === undefined) return object;
      parent.elements.push(object);
      if (parent.elements.length < parent.count) break;
      open.pop();
      object = new ElementArray(parent.elements);
    }
  }
}

interface Range {
  readonly leaf: Leaf;
  readonly start: number;
  readonly length: number;
}

async function* streamed(ranges: readonly Range[]): AsyncGenerator<Uint8Array, void, void> {
  for (const { leaf, start, length } of ranges) yield* leafChunks(leaf, start, length);
}

/** Calls `visit` with the object and everything nested in it, in preorder. */
function walk(object: DataObject, visit: (part: DataObject) => void): void {
  const stack: DataObject[] = [object];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    visit(next);
    if (next.kind !== "array") continue;
    for (let i = next.elements.length - 1; i >= 0; i--) stack.push(next.elements[i]);
  }
}

/** The user's file that travels in place of the part's content. */
function fileSentFor(part: DataObject, options: NativeOptions): UserFile | undefined {
  if (options.fileContent === true) return undefined;
  if (part instanceof UserFile) return part;
  if (part instanceof PieceIndex || part instanceof ViewPlain) {
    const asContent = part instanceof ViewPlain && part.size <= SMALL_PIECE_BYTES;
    return part.leaf instanceof UserFile && !asContent ? part.leaf : undefined;
  }
  return undefined;
}

function bodyBytesOfPart(part: DataObject, options: NativeOptions): number {
  if (part instanceof TypedValue) {
    return part.findSendProblem() === undefined ? part.content.size : 0;
  }
  if (part.kind === "array" || fileSentFor(part, options) !== undefined) return 0;
  return part.size;
}

function describe(part: DataObject, options: NativeOptions, header: HeaderWriter): void {
  if (part.kind === "array") {
    header.byte(Op.array);
    header.count(part.length);
    return;
  }
  if (part.kind === "value") {
    const value = part as TypedValue;
    // Told to its users in place of the value: a holder that refuses would be one that has lost the
    // object, which would be computed again in vain.
    const problem = value.findSendProblem();
    header.byte(problem === undefined ? Op.value : Op.broken);
    header.text(part.type);
    if (problem !== undefined) {
      header.text(problem);
      return;
    }
    header.byte(value.hasClientForm ? HAS_CLIENT_FORM : 0);
    header.count(part.size);
    header.count(part.length);
    header.count(part.content.size);
    return;
  }
  const file = fileSentFor(part, options);
  if (part instanceof PieceIndex) {
    header.byte(file === undefined ? Op.index : Op.fileIndex);
    if (file !== undefined) {
      header.file(file);
      header.count(part.origin);
    }
    header.boundaries(part.boundaries);
  } else if (file === undefined) {
    header.byte(Op.plain);
    header.count(part.size);
  } else if (part === file) {
    header.byte(Op.file);
    header.file(file);
  } else {
    header.byte(Op.filePiece);
    header.file(file);
    header.count(originOf(part));
    header.count(part.size);
  }
}

/** Reads a file's description and opens it if it is the same one here. */
function sameFile(reader: HeaderReader): UserFile {
  const { path, size, mtimeMs } = reader.file();
  let file: UserFile;
  try {
    file = openFile(path) as UserFile;
  } catch (error) {
    throw new FileNotHereError(path, (error as Error).message);
  }
  if (file.size !== size || file.mtimeMs !== mtimeMs) {
    throw new FileNotHereError(path, "another file is under this path, or it was changed");
  }
  return file;
}

function checkInside(file: UserFile, end: number): void {
  if (end > file.size) {
    throw new ProtocolError(`an object's header names byte ${end} of a file of ${file.size} bytes`);
  }
}
