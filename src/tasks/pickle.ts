/**
 * Python pickles of plain JavaScript data, and of the calls that give functions in Python. Owns the
 * few opcodes that are needed (protocol 4, https://docs.python.org/3/library/pickletools.html).
 */
import { LoomError } from "../base/index.js";

const PROTOCOL = Buffer.from([0x80, 4]);
const STOP = Buffer.from([0x2e]);
const MARK = Buffer.from([0x28]);
/** Deeper data would end in a stack overflow here or a memory error there. */
const MAX_DEPTH = 1000;
const MAX_UINT32 = 0xffffffff;

/**
 * A pickle of `module.name(*args)`. What it gives is put into a tuple with True if `marked`.
 * @throws LoomError("usage") as {@link pickleTuple}
 */
export function pickleCall(
  module: string,
  name: string,
  args: readonly unknown[],
  marked = false,
): Buffer {
  const writer = new PickleWriter("argument");
  writer.add(PROTOCOL, Buffer.from(`c${module}\n${name}\n`));
  writer.tuple(args);
  writer.add(Buffer.from("R"));
  if (marked) writer.add(Buffer.from([0x88, 0x86]));
  return writer.end();
}

/**
 * A pickle of the values as a tuple. null → None, integers up to 2^53 and bigints → int, other
 * numbers → float, Uint8Array → bytes, arrays → list, Map and plain objects → dict.
 * @throws LoomError("usage") for anything else, naming where it is: `args[0].when`
 */
export function pickleTuple(values: readonly unknown[], what: string): Buffer {
  const writer = new PickleWriter(what);
  writer.add(PROTOCOL);
  writer.tuple(values);
  return writer.end();
}

class PickleWriter {
  private readonly parts: Uint8Array[] = [];
  /** What is being written: a value inside of itself can't be. */
  private readonly open = new Set<unknown>();

  constructor(private readonly what: string) {}

  add(...parts: Uint8Array[]): void {
    this.parts.push(...parts);
  }

  end(): Buffer {
    return Buffer.concat([...this.parts, STOP]);
  }

  tuple(values: readonly unknown[]): void {
    this.add(MARK);
    for (let i = 0; i < values.length; i++) this.value(values[i], `${this.what}[${i}]`);
    this.add(Buffer.from("t"));
  }

  private value(value: unknown, path: string): void {
    switch (typeof value) {
      case "boolean":
        this.add(Buffer.from([value ? 0x88 : 0x89]));
        return;
      case "number":
        this.number(value);
        return;
      case "bigint":
        this.integer(value);
        return;
      case "string":
        this.string(value, path);
        return;
      case "object":
        if (value === null) this.add(Buffer.from("N"));
        else this.object(value, path);
        return;
      default:
        throw refused(path, value === undefined ? "undefined" : `a ${typeof value}`);
    }
  }

  private number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      this.integer(BigInt(value));
      return;
    }
    const bytes = Buffer.alloc(9, "G");
    bytes.writeDoubleBE(value, 1);
    this.add(bytes);
  }

  private integer(value: bigint): void {
    if (BigInt.asIntN(32, value) === value) {
      const bytes = Buffer.alloc(5, "J");
      bytes.writeInt32LE(Number(value), 1);
      this.add(bytes);
      return;
    }
    // Two's complement, little-endian, with room for the sign.
    const size = Math.ceil((value.toString(16).length + 1) / 2);
    const digits = BigInt.asUintN(8 * size, value)
      .toString(16)
      .padStart(2 * size, "0");
    const head = Buffer.alloc(5, 0x8b);
    head.writeInt32LE(size, 1);
    this.add(head, Buffer.from(digits, "hex").reverse());
  }

  private string(value: string, path: string): void {
    if (/\p{Surrogate}/u.test(value)) throw refused(path, "a string with half a surrogate pair");
    this.sized(Buffer.from(value), "X", 0x8d);
  }

  /** With a length of 4 bytes, or 8 if need be. */
  private sized(bytes: Uint8Array, short: string, long: number): void {
    const isShort = bytes.length <= MAX_UINT32;
    const head = Buffer.alloc(isShort ? 5 : 9, isShort ? short : long);
    if (isShort) head.writeUInt32LE(bytes.length, 1);
    else head.writeBigUInt64LE(BigInt(bytes.length), 1);
    this.add(head, bytes);
  }

  private object(value: object, path: string): void {
    if (value instanceof Uint8Array) {
      this.sized(value, "B", 0x8e);
      return;
    }
    if (this.open.has(value)) throw refused(path, "a value that contains itself");
    if (this.open.size === MAX_DEPTH) throw refused(path, `nested deeper than ${MAX_DEPTH}`);
    this.open.add(value);
    if (Array.isArray(value)) {
      this.add(Buffer.from("]("));
      for (let i = 0; i < value.length; i++) this.value(value[i], `${path}[${i}]`);
      this.add(Buffer.from("e"));
    } else if (value instanceof Map) {
      this.add(Buffer.from("}("));
      for (const [key, inner] of value) this.entry(key, inner, path);
      this.add(Buffer.from("u"));
    } else if (isPlain(value)) {
      this.add(Buffer.from("}("));
      for (const [key, inner] of Object.entries(value)) {
        this.string(key, path);
        this.value(inner, `${path}.${key}`);
      }
      this.add(Buffer.from("u"));
    } else {
      throw refused(path, whatIs(value));
    }
    this.open.delete(value);
  }

  private entry(key: unknown, value: unknown, path: string): void {
    if (typeof key === "object" && key !== null && !(key instanceof Uint8Array)) {
      throw refused(path, `a Map with ${whatIs(key)} as a key, which Python's dict can't have`);
    }
    this.value(key, `${path} (a key)`);
    this.value(
      value,
      `${path}.get(${typeof key === "string" ? JSON.stringify(key) : String(key)})`,
    );
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function whatIs(value: object): string {
  if (Array.isArray(value)) return "an array";
  const name: unknown = value.constructor?.name;
  return name === "Object" ? "an object" : `an instance of ${String(name)}`;
}

function refused(path: string, what: string): LoomError {
  return new LoomError(
    "usage",
    `${path} is ${what}, which has no counterpart in Python; tasks and futures are given as inputs, everything else as text, numbers, bytes, lists or dicts`,
  );
}
