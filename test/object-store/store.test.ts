import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  type ArrayObject,
  arrayObject,
  type DataObject,
  indexObject,
  isInMemory,
  ObjectStore,
  openFile,
  type PlainObject,
  plainObject,
  valueObject,
} from "../../src/object-store/index.js";
import { bytesOf, scratchDirectory, textOf } from "./scratch-directory.js";

const BIG = 5000;

function storeWithFiles() {
  const scratch = scratchDirectory();
  const directory = join(scratch.path, "data");
  const store = new ObjectStore(directory, (message) => {
    throw new Error(message);
  });
  return {
    store,
    scratch,
    directory,
    adopted: (size = BIG): PlainObject =>
      store.adoptFile(scratch.write(new Uint8Array(size).fill(120))),
    files: async (): Promise<number> => {
      await store.filesRemoved();
      return readdirSync(directory).length;
    },
  };
}

describe("rows", () => {
  test("are put, replaced, got and dropped", () => {
    const store = new ObjectStore(undefined);
    const a = plainObject(bytesOf("a"));
    const b = plainObject(bytesOf("bb"));
    store.put(7, a);
    expect(store.get(7)).toBe(a);
    expect(store.memoryBytes).toBe(1);
    store.put(7, b);
    expect(store.get(7)).toBe(b);
    expect([store.count, store.memoryBytes]).toEqual([1, 2]);
    store.drop(7);
    store.drop(7);
    expect(store.get(7)).toBeUndefined();
    expect([store.count, store.memoryBytes]).toEqual([0, 0]);
  });

  test("that share bytes count them once", () => {
    const store = new ObjectStore(undefined);
    const base = plainObject(new Uint8Array(1000));
    const index = indexObject(base, Uint32Array.of(0, 10, 1000));
    store.put(1, base);
    store.put(2, index);
    store.put(3, index.piece(0));
    store.put(4, arrayObject([base, index, index.piece(1), arrayObject([base])]));
    store.put(5, base);
    expect(store.memoryBytes).toBe(1000);
    for (const row of [1, 2, 4, 5]) store.drop(row);
    // The piece of 10 bytes keeps all of them.
    expect(store.memoryBytes).toBe(1000);
    store.drop(3);
    expect(store.memoryBytes).toBe(0);
  });

  test("may hold arrays nested deeper than the call stack", () => {
    const store = new ObjectStore(undefined);
    let object: DataObject = plainObject(bytesOf("x"));
    for (let i = 0; i < 50_000; i++) object = arrayObject([object]);
    store.put(0, object);
    expect(store.memoryBytes).toBe(1);
    store.drop(0);
    expect(store.memoryBytes).toBe(0);
  });

  test("replaced by a part of what was there keep the file", async () => {
    const { store, adopted, files } = storeWithFiles();
    const array = arrayObject([adopted(), adopted()]);
    store.put(1, array);
    store.put(1, array.elements[0]);
    expect(await files()).toBe(1);
    expect((store.get(1) as PlainObject).bytes().length).toBe(BIG);
  });
});

describe("files", () => {
  test("are moved into the store", () => {
    const { store, scratch, directory } = storeWithFiles();
    const path = scratch.write("x".repeat(BIG));
    const object = store.adoptFile(path);
    expect(object).toMatchObject({ kind: "plain", size: BIG });
    expect(object.path?.startsWith(directory)).toBe(true);
    expect(existsSync(path)).toBe(false);
    expect(textOf(object.read(4990, 10))).toBe("x".repeat(10));
    expect(store.memoryBytes).toBe(0);
  });

  test("that are small are read and removed", async () => {
    const { store, scratch, files } = storeWithFiles();
    for (const size of [0, 5, 4096]) {
      const path = scratch.write("x".repeat(size));
      const object = store.adoptFile(path);
      expect(textOf(object.bytes())).toBe("x".repeat(size));
      expect(object.bytes().buffer.byteLength).toBe(size);
      expect(isInMemory(object)).toBe(true);
      expect(existsSync(path)).toBe(false);
    }
    expect(await files()).toBe(0);
  });

  test("are read whole by a store without a directory", () => {
    const store = new ObjectStore(undefined);
    const path = scratchDirectory().write("x".repeat(BIG));
    const object = store.adoptFile(path);
    expect(isInMemory(object)).toBe(true);
    expect(object.size).toBe(BIG);
    expect(existsSync(path)).toBe(false);
  });

  test("from another file system are copied", (context) => {
    if (!existsSync("/dev/shm")) context.skip();
    const { scratch } = storeWithFiles();
    const directory = mkdtempSync("/dev/shm/loom-test-");
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const store = new ObjectStore(directory);
    const path = scratch.write("x".repeat(BIG));
    const object = store.adoptFile(path);
    expect(textOf(object.read(0, 3))).toBe("xxx");
    expect(existsSync(path)).toBe(false);
    store.clear();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("behind a symbolic link are copied, the user's file stays", () => {
    const { store, scratch, directory } = storeWithFiles();
    const target = scratch.write("x".repeat(BIG));
    const link = join(scratch.path, "link");
    symlinkSync(target, link);
    const object = store.adoptFile(link);
    expect(object.path?.startsWith(directory)).toBe(true);
    expect(existsSync(link)).toBe(false);
    writeFileSync(target, "changed");
    expect(textOf(object.read(0, 3))).toBe("xxx");
    store.put(1, object);
    store.clear();
    expect(existsSync(target)).toBe(true);
  });

  test("that are not there or no files can't be adopted", () => {
    const { store, scratch } = storeWithFiles();
    const missing = join(scratch.path, "missing");
    expect(() => store.adoptFile(missing)).toThrow(
      `cannot take over file "${missing}": no such file or directory`,
    );
    expect(() => store.adoptFile(scratch.path)).toThrow("it is a directory");
    expect(() => store.adoptFile("/dev/null")).toThrow("it is not a regular file");
  });

  test("stay while a row, an element, an index, a piece or a slice refers to them", async () => {
    const { store, adopted, files } = storeWithFiles();
    const object = adopted();
    const index = indexObject(object, Uint32Array.of(0, 10, BIG));
    const array = arrayObject([plainObject(bytesOf("a")), object]);
    const holders: DataObject[] = [
      object,
      index,
      index.piece(1),
      index.join(0, 2),
      array,
      arrayObject(array.elements.slice(1)),
      arrayObject([arrayObject([index.piece(0)])]),
      indexObject(index.piece(1), Uint32Array.of(0, 5)),
    ];
    holders.forEach((holder, row) => {
      store.put(row, holder);
    });
    for (let row = 0; row < holders.length; row++) {
      expect(await files()).toBe(1);
      store.drop(row);
    }
    expect(await files()).toBe(0);
    expect(() => object.bytes()).toThrow("it was removed");
  });

  test("of results that nobody wants go with discard, shared ones stay", async () => {
    const { store, adopted, files } = storeWithFiles();
    const kept = adopted();
    store.put(1, kept);
    store.discard(arrayObject([kept, adopted()]));
    expect(await files()).toBe(1);
    expect(kept.bytes().length).toBe(BIG);
    expect(store.memoryBytes).toBe(0);
  });

  test("all go with clear, stored or not", () => {
    const { store, adopted, directory } = storeWithFiles();
    store.put(1, adopted());
    store.put(2, adopted());
    adopted();
    store.put(3, plainObject(bytesOf("abc")));
    store.drop(1);
    store.clear();
    expect(readdirSync(directory)).toEqual([]);
    expect([store.count, store.memoryBytes]).toEqual([0, 0]);
  });

  test("of the user are never removed", () => {
    const { store, scratch } = storeWithFiles();
    const path = scratch.write("mine");
    store.put(1, arrayObject([openFile(path)]));
    store.drop(1);
    store.put(1, openFile(path));
    store.clear();
    expect(existsSync(path)).toBe(true);
  });

  test("with a second name are kept apart", () => {
    const { store, scratch } = storeWithFiles();
    const path = scratch.write("x".repeat(BIG));
    linkSync(path, `${path}-2`);
    const [a, b] = [store.adoptFile(path), store.adoptFile(`${path}-2`)];
    store.put(1, a);
    store.put(2, b);
    store.drop(1);
    expect(b.bytes().length).toBe(BIG);
  });

  test("that can't be removed are reported", async () => {
    const scratch = scratchDirectory();
    const warnings: string[] = [];
    const store = new ObjectStore(join(scratch.path, "data"), (text) => warnings.push(text));
    const object = store.adoptFile(scratch.write("x".repeat(BIG)));
    store.put(1, object);
    rmSync(object.path as string);
    mkdirSync(object.path as string);
    store.drop(1);
    await store.filesRemoved();
    expect(warnings).toEqual([
      expect.stringContaining(`cannot remove "${object.path}" of the object store`),
    ]);
  });

  test("a directory that can't be made is named", () => {
    const file = scratchDirectory().write("x");
    expect(() => new ObjectStore(join(file, "data"))).toThrow(
      `cannot make the object store's directory "${file}/data": a part of the path is not a directory`,
    );
  });
});

describe("random puts and drops", () => {
  type Action = [row: number, what: number, of: number];

  test("keep exactly the files and bytes that are referred to", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(5), fc.nat(7), fc.nat(5)) as fc.Arbitrary<Action>),
        async (actions) => {
          const { store, adopted, files } = storeWithFiles();
          const rows = new Map<number, Set<DataObject>>();
          const leaves = new Map<DataObject, Set<DataObject>>();
          const note = <T extends DataObject>(object: T, of: DataObject[]): T => {
            leaves.set(object, new Set(of));
            return object;
          };
          const leavesOf = (object: DataObject) => [...(leaves.get(object) ?? [object])];
          for (const [row, what, of] of actions) {
            const other = store.get(of);
            let object: DataObject | undefined;
            if (what === 0) object = adopted();
            else if (what === 1) object = plainObject(new Uint8Array(10));
            else if (other === undefined || what === 2) object = undefined;
            else if (what === 3) object = other;
            else if (what <= 5) {
              const more = store.get((of + what) % 6) ?? other;
              object = note(arrayObject([other, more]), [...leavesOf(other), ...leavesOf(more)]);
            } else if (other.kind === "array") object = (other as ArrayObject).elements[0];
            else if (other.kind === "value") object = note(other.content, leavesOf(other));
            else if (what === 7 && other.size % 2 === 0) {
              object = note(valueObject("my/matrix", other), leavesOf(other));
            } else {
              const index = indexObject(other, Uint32Array.of(0, 0, other.size));
              object = note(what === 6 ? index : index.piece(1), leavesOf(other));
            }
            if (object === undefined) {
              store.drop(row);
              rows.delete(row);
            } else {
              store.put(row, object);
              rows.set(row, new Set(leavesOf(object)));
            }
          }
          const live = new Set([...rows.values()].flatMap((set) => [...set]));
          const onDisk = [...live].filter((leaf) => leaf.size === BIG);
          expect(await files()).toBe(onDisk.length);
          expect(store.memoryBytes).toBe(10 * (live.size - onDisk.length));
          expect(store.count).toBe(rows.size);
          for (const row of rows.keys()) store.drop(row);
          expect(await files()).toBe(0);
          expect(store.memoryBytes).toBe(0);
        },
      ),
    );
  });
});
