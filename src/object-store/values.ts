/**
 * Values of a language or an extension (a pickled Python object, a JavaScript value, a matrix). Owns
 * their class: a value is there in serialized form, or alive, or both, and is turned into the other
 * form when somebody asks for it, once. Callers: executors, the native form.
 *
 *     live ── content ──▶ both ◀── live() ── serialized
 *
 * A value whose type is not known here stays serialized: it can be kept and handed on.
 */
import { LoomError } from "../base/index.js";
import { plainObject } from "./memory-plain.js";
import type { BytesObject, DataObject, ValueObject } from "./objects.js";
import type { ValueType } from "./value-type.js";

/** What the server is told of a live value's size while nobody knows it: moving it costs something. */
const UNKNOWN_SIZE_BYTES = 64 * 1024;

/** What travels with a serialized value, besides its bytes. */
export interface ValueShape {
  readonly size: number;
  readonly length: number;
  /** Clients get other bytes than the serialized ones. */
  readonly hasClientForm: boolean;
}

export class TypedValue implements ValueObject {
  holds = 0;
  /** Bytes for as long as it is not serialized, to plan with: never fails, may be a guess. */
  readonly estimatedSize: number;
  private serialized: BytesObject | undefined;
  private value: unknown = undefined;
  private isLive = false;
  private clientForm: BytesObject | undefined;
  private knownSize: number | undefined;
  private knownLength: number | undefined;
  /** Undefined until it was tried, null: there is none. */
  private sendProblem: string | null | undefined = undefined;

  /**
   * @param given the serialized value, undefined for a live one
   * @param meaning of the type; undefined: not known here
   */
  constructor(
    readonly type: string,
    /** Held by the store with this object; what is made later is not. */
    readonly given: BytesObject | undefined,
    private readonly meaning: ValueType | undefined,
    private readonly shape: ValueShape | undefined,
    live?: { readonly value: unknown },
  ) {
    this.serialized = given;
    if (live !== undefined) {
      this.value = live.value;
      this.isLive = true;
      this.knownSize = meaning?.sizeOf(live.value);
    }
    if (shape !== undefined) {
      this.knownSize = shape.size;
      this.knownLength = shape.length;
    }
    this.estimatedSize = this.knownSize ?? given?.size ?? UNKNOWN_SIZE_BYTES;
  }

  get kind(): "value" {
    return "value";
  }

  get size(): number {
    if (this.knownSize === undefined) {
      // Without its own idea of size the value need not be made.
      const own = this.meaning === undefined ? undefined : this.meaning.sizeOf(this.live());
      this.knownSize = own ?? this.content.size;
    }
    return this.knownSize;
  }

  get length(): number {
    if (this.knownLength === undefined) {
      this.knownLength = this.meaning?.lengthOf(this.live()) ?? 0;
    }
    return this.knownLength;
  }

  /** Bytes in memory that belong to it alone. */
  get ownBytes(): number {
    return this.given === undefined ? this.estimatedSize : 0;
  }

  get hasClientForm(): boolean {
    return this.meaning?.hasClientForm ?? this.shape?.hasClientForm ?? false;
  }

  get content(): BytesObject {
    this.serialized ??= plainObject(this.known().serialize(this.value));
    return this.serialized;
  }

  get clientContent(): BytesObject {
    if (!this.hasClientForm) return this.content;
    this.clientForm ??= plainObject(this.known().toClientForm(this.live()));
    return this.clientForm;
  }

  /**
   * Why it can't be sent to another worker; undefined: it can, and content, size and length do not
   * fail any more. Tried once only.
   */
  findSendProblem(): string | undefined {
    if (this.sendProblem === undefined) {
      try {
        void this.content;
        void this.size;
        void this.length;
        this.sendProblem = null;
      } catch (error) {
        if (!(error instanceof LoomError && error.code === "task")) throw error;
        this.sendProblem = error.message;
      }
    }
    return this.sendProblem ?? undefined;
  }

  live(): unknown {
    if (!this.isLive) {
      this.value = this.known().deserialize(this.content.bytes());
      this.isLive = true;
    }
    return this.value;
  }

  element(index: number): DataObject {
    return this.known().element(this.live(), index);
  }

  slice(start: number, end: number): DataObject {
    return this.known().slice(this.live(), start, end);
  }

  private known(): ValueType {
    if (this.meaning !== undefined) return this.meaning;
    throw new LoomError(
      "task",
      `a value of type "${this.type}" can be used only by workers that were started with its extension`,
    );
  }
}

/** A value that could not be serialized where it was: whoever uses it is told why. */
export class BrokenValue extends TypedValue {
  constructor(
    type: string,
    private readonly reason: string,
  ) {
    super(type, undefined, undefined, { size: 0, length: 0, hasClientForm: false });
  }

  override get size(): number {
    throw this.error();
  }
  override get length(): number {
    throw this.error();
  }
  override get content(): BytesObject {
    throw this.error();
  }
  override live(): never {
    throw this.error();
  }
  override element(): never {
    throw this.error();
  }
  override slice(): never {
    throw this.error();
  }

  private error(): LoomError {
    return new LoomError("task", this.reason);
  }
}

/**
 * A value of the type with this symbol, serialized.
 * @param meaning of the type, if it is known here
 * @example valueObject("loom/jsobj", plainObject(serialize({ a: 1 })))
 */
export function valueObject(type: string, content: BytesObject, meaning?: ValueType): ValueObject {
  return new TypedValue(type, content, meaning, undefined);
}

/**
 * A live value; it must not be changed any more.
 * Throws LoomError("task") when its size can't be told.
 */
export function liveValue(type: ValueType, value: unknown): ValueObject {
  return new TypedValue(type.name, undefined, type, undefined, { value });
}

/** Bytes of an object to plan with: the size, or a guess where that is not known; never fails. */
export function estimatedSizeOf(object: DataObject): number {
  return object.kind === "value" || object.kind === "array"
    ? (object as DataObject & { estimatedSize: number }).estimatedSize
    : object.size;
}
