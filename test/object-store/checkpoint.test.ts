import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LoomError } from "../../src/base/index.js";
import {
  arrayObject,
  type BytesObject,
  indexObject,
  openFile,
  plainObject,
  storedPlain,
  writeCheckpoint,
  writeObjectFile,
} from "../../src/object-store/index.js";
import { build, bytesSpec, contentOf } from "./object-model.js";
import { bytesOf, scratchDirectory } from "./scratch-directory.js";

describe("checkpoints", () => {
  test("are the content of any D-object", async () => {
    const scratch = scratchDirectory();
    const target = scratchDirectory();
    await fc.assert(
      fc.asyncProperty(bytesSpec, fc.boolean(), async (spec, durable) => {
        const { object, model } = build(spec, scratch);
        const path = join(target.path, "checkpoint");
        if (durable) await writeCheckpoint(object, path);
        else await writeObjectFile(object as BytesObject, path);
        expect(readFileSync(path).equals(contentOf(model))).toBe(true);
        expect(readdirSync(target.path)).toEqual(["checkpoint"]);
      }),
      { numRuns: 50 },
    );
  });

  test("replace what was there", async () => {
    const scratch = scratchDirectory();
    const path = scratch.write("old and longer", "c");
    await writeCheckpoint(plainObject(bytesOf("new")), path);
    expect(readFileSync(path, "utf8")).toBe("new");
    expect(readdirSync(scratch.path)).toEqual(["c"]);
  });

  test("written at the same time to the same path leave one whole file", async () => {
    const scratch = scratchDirectory();
    const path = join(scratch.path, "c");
    const contents = [1, 2, 3, 4].map((value) => new Uint8Array(1_000_000).fill(value));
    await Promise.all(contents.map((content) => writeCheckpoint(plainObject(content), path)));
    const written = readFileSync(path);
    expect(contents.some((content) => written.equals(content))).toBe(true);
    expect(readdirSync(scratch.path)).toEqual(["c"]);
  });

  test("of a big file are copied by the system", async () => {
    const scratch = scratchDirectory();
    const source = scratch.write("head", "source");
    truncateSync(source, 30_000_000);
    const path = join(scratch.path, "c");
    await writeCheckpoint(openFile(source), path);
    expect(statSync(path).size).toBe(30_000_000);
    expect(readdirSync(scratch.path).sort()).toEqual(["c", "source"]);
  });

  async function failure(action: Promise<void>): Promise<string> {
    const error = await action.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(LoomError);
    expect((error as LoomError).code).toBe("task");
    return (error as LoomError).message;
  }

  test("of an array fail", async () => {
    const scratch = scratchDirectory();
    const path = join(scratch.path, "c");
    expect(await failure(writeCheckpoint(arrayObject([]), path))).toBe(
      `cannot write checkpoint "${path}": the result is an array; only plain, file and index objects can be checkpointed`,
    );
    expect(readdirSync(scratch.path)).toEqual([]);
  });

  test("in a missing directory fail and name it", async () => {
    const scratch = scratchDirectory();
    const path = join(scratch.path, "none", "c");
    const source = scratch.write("x", "source");
    const reason = `there is no directory "${scratch.path}/none"; create it first`;
    for (const object of [plainObject(bytesOf("x")), openFile(source)]) {
      expect(await failure(writeCheckpoint(object, path))).toBe(
        `cannot write checkpoint "${path}": ${reason}`,
      );
    }
  });

  test("over a directory or below a file fail and leave nothing", async () => {
    const scratch = scratchDirectory();
    const path = join(scratch.path, "d");
    mkdirSync(path);
    expect(await failure(writeCheckpoint(plainObject(bytesOf("x")), path))).toBe(
      `cannot write checkpoint "${path}": it is a directory`,
    );
    const file = scratch.write("x", "f");
    expect(await failure(writeCheckpoint(plainObject(bytesOf("x")), join(file, "c")))).toContain(
      "a part of the path is not a directory",
    );
    expect(readdirSync(scratch.path).sort()).toEqual(["d", "f"]);
  });

  test("of objects whose file is gone or changed fail and leave nothing", async () => {
    const scratch = scratchDirectory();
    const target = scratchDirectory();
    const path = join(target.path, "c");
    const write = (object: BytesObject) => failure(writeCheckpoint(object, path));
    const source = scratch.write("x".repeat(2_000_000));
    const objects = [
      openFile(source),
      storedPlain(source),
      indexObject(openFile(source), Uint32Array.of(1, 1_500_000)),
    ];
    truncateSync(source, 100);
    for (const object of objects) expect(await write(object)).toContain("it was changed");
    rmSync(source);
    for (const object of objects) {
      expect(await write(object)).toBe(
        `cannot write checkpoint "${path}": cannot read file "${source}": it was removed after it was opened`,
      );
    }
    expect(readdirSync(target.path)).toEqual([]);
  });

  test("may have the longest name there is", async () => {
    const scratch = scratchDirectory();
    const name = "n".repeat(255);
    await writeCheckpoint(plainObject(bytesOf("x")), join(scratch.path, name));
    expect(readdirSync(scratch.path)).toEqual([name]);
  });
});
