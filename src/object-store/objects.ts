/**
 * Data objects: what tasks take and give. Owns their shape, nothing of where they are
 * kept. All are immutable; views share the bytes of what they look at.
 *
 * | kind  | content                                    | size           | length         |
 * |-------|--------------------------------------------|----------------|----------------|
 * | plain | bytes, in memory or in a file of the store | bytes          | 0              |
 * | file  | the content of a user's file               | bytes          | 0              |
 * | array | objects of any kind                        | sum of sizes   | elements       |
 * | index | pieces of one stretch of bytes (a view)    | bytes of all   | pieces         |
 * | value | a value of a language or an extension      | its type says  | its type says  |
 *
 * Made by plainObject, arrayObject, indexObject, openFile, valueObject, liveValue,
 * ObjectStore.adoptFile and fromNative; other implementations of these interfaces can't be stored.
 */

/** Any data object. Told apart by `kind`. */
export type DataObject = PlainObject | FileObject | ArrayObject | IndexObject | ValueObject;

/** Objects that are one continuous stretch of bytes ("D-objects"). An index is readable too. */
export type BytesObject = PlainObject | FileObject | IndexObject;

interface Sized {
  /** Bytes. To plan with, use estimatedSizeOf: it makes no value. */
  readonly size: number;
  readonly length: number;
}

interface Readable {
  /**
   * The content as one continuous piece of memory, not to be changed; read from disk at the
   * call where it is not in memory (then blocking: for big files use readChunks).
   * Throws LoomError("task") when the file is gone or was changed, or the content is too big
   * for one piece of memory.
   */
  bytes(): Uint8Array;
  /**
   * Bytes [offset, offset + length), which must be inside: a view, or read by position from
   * disk without reading the rest. Throws like bytes().
   */
  read(offset: number, length: number): Uint8Array;
  /** A file that holds exactly the content, if there is one: programs can use it in place. */
  readonly path: string | undefined;
}

export interface PlainObject extends Sized, Readable {
  readonly kind: "plain";
}

export interface FileObject extends Sized, Readable {
  readonly kind: "file";
  readonly path: string;
  /** Modification time when it was opened, in milliseconds since 1970, with fraction. */
  readonly mtimeMs: number;
}

export interface ArrayObject extends Sized {
  readonly kind: "array";
  readonly elements: readonly DataObject[];
}

export interface IndexObject extends Sized, Readable {
  readonly kind: "index";
  /** Piece `i`, a view: copies nothing. */
  piece(i: number): PlainObject;
  /** Bytes of piece `i`. */
  pieceSize(i: number): number;
  /** Pieces [start, end) joined: a view, as they are neighbours. */
  join(start: number, end: number): PlainObject;
}

/**
 * Its size, its length and everything below throw LoomError("task") where the extension that it
 * belongs to fails or is not there. Size and length are the extension's; else the bytes of the
 * serialized value, and 0.
 */
export interface ValueObject extends Sized {
  readonly kind: "value";
  /** Symbol of its type, e.g. "loom/pyobj". */
  readonly type: string;
  /** The serialized value. */
  readonly content: BytesObject;
  /** What clients get of it. */
  readonly clientContent: BytesObject;
  /** The value of an extension's type, not to be changed; made at the first call. */
  live(): unknown;
  /** Element `index`, below the length. */
  element(index: number): DataObject;
  /** Elements [start, end), both at most the length. */
  slice(start: number, end: number): DataObject;
}

/** Whether the object is readable as bytes. */
export function isBytes(object: DataObject): object is BytesObject {
  return object.kind !== "array" && object.kind !== "value";
}
