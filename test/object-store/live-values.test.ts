/** Live values: when they are serialized, what is known of them elsewhere, what happens when it fails. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LoomError } from "../../src/base/index.js";
import {
  arrayObject,
  clientForm,
  type DataObject,
  estimatedSizeOf,
  fromNative,
  liveValue,
  nativeBody,
  nativeBodyBytes,
  nativeHeader,
  ObjectStore,
  plainObject,
  type ValueObject,
  type ValueType,
  valueObject,
} from "../../src/object-store/index.js";
import { bytesOf, textOf } from "./scratch-directory.js";

/** Text, serialized in UTF-8; counts what is asked of it. */
class TextType implements ValueType {
  readonly name = "my/text";
  readonly calls: string[] = [];
  broken: string | undefined;

  constructor(private readonly members: { size?: true; length?: true; client?: true } = {}) {}

  get hasClientForm(): boolean {
    return this.members.client === true;
  }
  serialize(live: unknown): Uint8Array {
    return this.call("serialize", bytesOf(live as string));
  }
  deserialize(bytes: Uint8Array): unknown {
    return this.call("deserialize", textOf(bytes));
  }
  sizeOf(live: unknown): number | undefined {
    return this.members.size && this.call("size", 100 * (live as string).length);
  }
  lengthOf(live: unknown): number | undefined {
    return this.members.length && this.call("length", (live as string).length);
  }
  toClientForm(live: unknown): Uint8Array {
    return this.call("client", bytesOf(`<${live}>`));
  }
  element(live: unknown, index: number): DataObject {
    return plainObject(bytesOf((live as string)[index]));
  }
  slice(live: unknown, start: number, end: number): DataObject {
    return liveValue(this, (live as string).slice(start, end));
  }
  private call<T>(name: string, result: T): T {
    this.calls.push(name);
    if (this.broken === name) throw new LoomError("task", `${name} is broken`);
    return result;
  }
}

function sent(object: DataObject, type?: ValueType): DataObject {
  const body = Buffer.concat(nativeBody(object) as Uint8Array[]);
  expect(body.length).toBe(nativeBodyBytes(object));
  const types = new Map(type === undefined ? [] : [[type.name, type]]);
  return fromNative(nativeHeader(object), new Uint8Array(body), types);
}

const symbol = (name: string) => ["loom/data", "loom/array"].indexOf(name);
/** What clients get, without the 8 bytes of length. */
const clientText = (object: DataObject): string =>
  Buffer.concat(clientForm(object, symbol).read(0, 1000)).subarray(8).toString();

describe("a live value", () => {
  test("is not serialized until it must be, and then once", () => {
    const type = new TextType();
    const store = new ObjectStore(undefined);
    const value = liveValue(type, "abc");
    const array = arrayObject([value, plainObject(bytesOf("x"))]);
    store.put(1, value);
    store.put(2, array);
    expect(value.live()).toBe("abc");
    expect(estimatedSizeOf(array)).toBeGreaterThan(1);
    expect(type.calls).toEqual([]);
    expect(array.size).toBe(4);
    sent(array);
    sent(value);
    expect(clientText(value)).toBe("abc");
    expect(value.size).toBe(3);
    expect(type.calls).toEqual(["serialize"]);
    store.drop(1);
    store.drop(2);
    expect(store.memoryBytes).toBe(0);
  });

  test("is as big as its type says, which is asked at once", () => {
    const type = new TextType({ size: true });
    const value = liveValue(type, "abc");
    expect([estimatedSizeOf(value), value.size]).toEqual([300, 300]);
    expect(type.calls).toEqual(["size"]);
    const store = new ObjectStore(undefined);
    store.put(1, value);
    expect(store.memoryBytes).toBe(300);
    store.put(2, arrayObject([value, value]));
    expect(store.memoryBytes).toBe(300);
    store.drop(1);
    expect(store.memoryBytes).toBe(300);
    store.drop(2);
    expect(store.memoryBytes).toBe(0);
  });

  test("has its elements, and parts that are values again", () => {
    const value = liveValue(new TextType({ length: true }), "abcdef");
    expect(value.length).toBe(6);
    expect(textOf((value.element(1) as never as { bytes(): Uint8Array }).bytes())).toBe("b");
    expect((value.slice(2, 4) as ValueObject).live()).toBe("cd");
  });

  test("is bytes for clients, those that its type makes for them", () => {
    const type = new TextType({ client: true });
    const value = liveValue(type, "abc");
    const form = clientForm(value, symbol);
    expect([form.typeSymbol, form.totalBytes]).toEqual([0, 13]);
    expect(clientText(value)).toBe("<abc>");
    expect(clientText(value)).toBe("<abc>");
    expect(type.calls).toEqual(["client"]);
    const array = clientForm(arrayObject([value]), symbol);
    expect(Buffer.concat(array.read(0, 1000)).toString("latin1")).toMatch(/<abc>$/);
  });
});

describe("sent to another worker", () => {
  test("a value keeps size and length, and is made when it is asked for", () => {
    const type = new TextType({ size: true, length: true });
    const there = new TextType({ size: true, length: true });
    const value = sent(liveValue(type, "hello"), there) as ValueObject;
    expect([value.size, value.length, estimatedSizeOf(value)]).toEqual([500, 5, 500]);
    expect(there.calls).toEqual([]);
    expect([value.live(), value.live()]).toEqual(["hello", "hello"]);
    expect(there.calls).toEqual(["deserialize"]);
  });

  test("without its type it can be kept, measured and sent on, but not used", () => {
    const type = new TextType({ size: true, length: true });
    const there = sent(liveValue(type, "hello")) as ValueObject;
    expect([there.size, there.length]).toEqual([500, 5]);
    expect(clientText(there)).toBe("hello");
    expect(() => there.live()).toThrow(/"my\/text" can be used only by workers .* its extension/);
    expect(() => there.element(0)).toThrow(/its extension/);
    const back = sent(there, new TextType()) as ValueObject;
    expect([back.live(), back.size, back.length]).toEqual(["hello", 500, 5]);
  });

  test("without its type clients can't get the form that only the type makes", () => {
    const there = sent(liveValue(new TextType({ client: true }), "hello"));
    expect(() => clientText(there)).toThrow(/its extension/);
    expect(clientText(sent(there, new TextType({ client: true })))).toBe("<hello>");
  });

  test.each(["serialize", "length"])("fails when it is used, if %s fails", (broken) => {
    const type = new TextType({ length: true });
    type.broken = broken;
    const value = liveValue(type, "x");
    const array = arrayObject([plainObject(bytesOf("a")), value]);
    const there = sent(array, new TextType()) as DataObject & { elements: DataObject[] };
    expect(textOf((there.elements[0] as never as { bytes(): Uint8Array }).bytes())).toBe("a");
    const lost = there.elements[1] as ValueObject;
    const message = new RegExp(`^${broken} is broken$`);
    expect(() => lost.live()).toThrow(message);
    expect(() => lost.content).toThrow(message);
    expect(() => lost.clientContent).toThrow(message);
    expect(() => lost.size).toThrow(message);
    expect(() => lost.length).toThrow(message);
    expect(() => there.size).toThrow(message);
    // The next worker is told the same.
    expect(() => (sent(lost) as ValueObject).live()).toThrow(message);
    // It is not tried again.
    expect(type.calls.filter((call) => call === broken)).toHaveLength(1);
  });

  test("serialized values of a known type are asked for size and length there", () => {
    const type = new TextType({ size: true, length: true });
    const value = valueObject("my/text", plainObject(bytesOf("abcd")), type);
    expect(estimatedSizeOf(value)).toBe(4);
    expect([value.size, value.length]).toEqual([400, 4]);
    const there = sent(value) as ValueObject;
    expect([there.size, there.length]).toEqual([400, 4]);
  });

  test("sizes of nested arrays are those of a plain sum", () => {
    const { any } = fc.letrec<{ any: { object: DataObject; size: number } }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.string({ maxLength: 9, unit: "grapheme-ascii" }).map((text) => ({
          object: plainObject(bytesOf(text)) as DataObject,
          size: text.length,
        })),
        fc.tuple(fc.string({ unit: "grapheme-ascii" }), fc.boolean()).map(([text, size]) => ({
          object: liveValue(new TextType(size ? { size } : {}), text) as DataObject,
          size: size ? 100 * text.length : text.length,
        })),
        fc.array(tie("any"), { maxLength: 4 }).map((parts) => ({
          // Twice, as arrays may share elements.
          object: arrayObject([...parts, ...parts].map(({ object }) => object)) as DataObject,
          size: 2 * parts.reduce((sum, { size }) => sum + size, 0),
        })),
      ),
    }));
    fc.assert(
      fc.property(any, ({ object, size }) => {
        expect(object.size).toBe(size);
      }),
    );
  });

  test("an array nested in itself many times, or very deeply, is measured at once", () => {
    let object: DataObject = arrayObject([liveValue(new TextType(), "ab")]);
    for (let i = 0; i < 40; i++) object = arrayObject([object, object]);
    expect(object.size).toBe(2 * 2 ** 40);
    let deep: DataObject = liveValue(new TextType(), "ab");
    for (let i = 0; i < 50_000; i++) deep = arrayObject([deep]);
    expect(deep.size).toBe(2);
  });
});
