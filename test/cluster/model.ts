/**
 * What tasks mean, said a second time and as simply as possible: values are plain JavaScript
 * values, tasks are evaluated one after the other. Random plans are compared with it.
 */

/** What `split` makes: bytes in pieces. */
export class Pieces {
  constructor(readonly pieces: readonly Buffer[]) {}
}

/** The task, or one that it needs, fails: the numbers of the tasks that fail by themselves. */
export class Failed {
  constructor(readonly causes: ReadonlySet<number>) {}
}

export type Value = Buffer | Pieces | readonly Value[];

/** One task: its inputs are values. */
export type Operation =
  | { op: "const"; bytes: Buffer }
  | { op: "open"; path: string; content: Buffer }
  | { op: "merge"; delimiter: Buffer }
  | { op: "split"; delimiter: Buffer }
  | { op: "slice"; start: number; end: number | undefined }
  | { op: "get"; index: number }
  | { op: "size" }
  | { op: "length" }
  | { op: "arrayMake" }
  /** cat: standard input to standard output. */
  | { op: "cat" }
  /** Two variables, joined with a colon. */
  | { op: "echo" }
  /** Two files: [both joined, the second one]. */
  | { op: "twoFiles" }
  /** A program that fails. */
  | { op: "exit"; status: number };

/** The task's value; undefined if it fails. */
export function evaluate(operation: Operation, inputs: readonly Value[]): Value | undefined {
  switch (operation.op) {
    case "const":
      return operation.bytes;
    case "open":
      return operation.content;
    case "merge": {
      if (inputs.some(isArray)) return undefined;
      const parts = inputs.flatMap((input, i) =>
        i === 0 ? [bytesOf(input)] : [operation.delimiter, bytesOf(input)],
      );
      return Buffer.concat(parts);
    }
    case "split":
      return isArray(inputs[0]) ? undefined : split(bytesOf(inputs[0]), operation.delimiter);
    case "slice": {
      const [input] = inputs;
      const { start, end } = operation;
      if (input instanceof Pieces) return Buffer.concat(input.pieces.slice(start, end));
      return isArray(input) ? input.slice(start, end) : undefined;
    }
    case "get":
      return elementsOf(inputs[0])?.[operation.index];
    case "size":
      return u64(sum(inputs.map((input) => bytesOf(input).length)));
    case "length":
      return u64(sum(inputs.map((input) => elementsOf(input)?.length ?? 0)));
    case "arrayMake":
      return inputs;
    case "cat":
      return isArray(inputs[0]) ? undefined : bytesOf(inputs[0]);
    case "echo":
      return Buffer.concat([bytesOf(inputs[0]), Buffer.from(":"), bytesOf(inputs[1])]);
    case "twoFiles":
      if (inputs.some(isArray)) return undefined;
      return [Buffer.concat(inputs.map(bytesOf)), bytesOf(inputs[1])];
    case "exit":
      return undefined;
  }
}

export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** Whether a client that fetches the value gets `got`. */
export function isSame(value: Value, got: unknown): boolean {
  if (Buffer.isBuffer(value)) return Buffer.isBuffer(got) && value.equals(got);
  const elements = value instanceof Pieces ? value.pieces : value;
  if (!Array.isArray(got) || got.length !== elements.length) return false;
  return elements.every((element, i) => isSame(element, got[i]));
}

/** All bytes in it. */
export function bytesOf(value: Value): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return Buffer.concat(value instanceof Pieces ? value.pieces : value.map(bytesOf));
}

/** How many values it consists of: arrays of arrays grow fast. */
export function countOf(value: Value): number {
  if (Buffer.isBuffer(value)) return 1;
  return value instanceof Pieces ? value.pieces.length + 1 : 1 + sum(value.map(countOf));
}

function elementsOf(value: Value): readonly Value[] | undefined {
  if (value instanceof Pieces) return value.pieces;
  return Buffer.isBuffer(value) ? undefined : value;
}

function split(bytes: Buffer, delimiter: Buffer): Pieces {
  const end = delimiter.length === 0 ? 10 : delimiter[0];
  const pieces: Buffer[] = [];
  let piece: number[] = [];
  for (const byte of bytes) {
    piece.push(byte);
    if (byte !== end) continue;
    pieces.push(Buffer.from(piece));
    piece = [];
  }
  if (piece.length > 0) pieces.push(Buffer.from(piece));
  return new Pieces(pieces);
}

function u64(number: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(number));
  return bytes;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
