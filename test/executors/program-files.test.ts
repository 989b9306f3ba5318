/** Data of programs: their inputs as files, streams and arguments, their outputs as results. */
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { arrayObject, indexObject, openFile, plainObject } from "../../src/object-store/index.js";
import { Bench, content, text, variants } from "./programs/harness.js";

describe.each(variants)("data of programs, $variant helper", ({ variant, pythonCommand }) => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await Bench.ready({ pythonCommand });
  });
  afterAll(() => bench.close());

  describe("results", () => {
    test("standard output is the result when nothing is mapped", async () => {
      expect(await bench.shell("echo hello")).toBe("hello\n");
    });

    test("an empty output is an empty object", async () => {
      const result = await bench.run({ args: ["true"] });
      expect(result).toMatchObject({ kind: "plain", size: 0 });
      expect(content(result)).toBe("");
    });

    test("a file can be the result", async () => {
      expect(await bench.shell("echo noise; echo x >f", { mapOutputs: ["f"] })).toBe("x\n");
    });

    test("several outputs make an array in their order", async () => {
      const result = await bench.run({
        args: ["sh", "-c", "echo 1; echo 2 >b; echo 3 >&2"],
        mapOutputs: ["b", "+out", "+err"],
      });
      if (result.kind !== "array") throw new Error("no array");
      expect(result.elements.map(content)).toEqual(["2\n", "1\n", "3\n"]);
    });

    test("outputs in folders, which exist beforehand", async () => {
      const big = "head -c 10000 /dev/zero >d/e/big; echo s >d/small";
      const result = await bench.run({
        args: ["sh", "-c", big],
        mapOutputs: ["d/e/big", "./d//small"],
      });
      if (result.kind !== "array") throw new Error("no array");
      expect(result.elements.map((one) => one.size)).toEqual([10000, 2]);
    });

    test("sizes around the limit of what comes in the reply", async () => {
      for (const size of [1, 4095, 4096, 4097, 200_000]) {
        const result = await bench.run({ args: ["head", "-c", String(size), "/dev/zero"] });
        expect(result.size).toBe(size);
        expect(content(result)).toBe("\0".repeat(size));
      }
    });

    test("a big output is moved, not copied", async () => {
      const result = await bench.run({
        args: ["sh", "-c", "head -c 50000000 /dev/zero >big; stat -c %i big >number"],
        mapOutputs: ["big", "number"],
      });
      if (result.kind !== "array") throw new Error("no array");
      const [big, number] = result.elements;
      expect(big.size).toBe(50_000_000);
      if (big.kind !== "plain" || big.path === undefined) throw new Error("not in a file");
      expect(statSync(big.path).ino).toBe(Number(content(number)));
      bench.store.discard(result);
    });

    test("an output that is a link to an input is copied", async () => {
      const path = join(bench.outside, "linked");
      writeFileSync(path, "y".repeat(5000));
      for (const script of ["ln -s in out", "ln -L in out", "mv in out"]) {
        const result = await bench.run(
          { args: ["sh", "-c", script], mapInputs: ["in"], mapOutputs: ["out"] },
          [openFile(path)],
        );
        expect(content(result)).toBe("y".repeat(5000));
        if (result.kind !== "plain" || result.path === undefined) throw new Error("not in a file");
        expect(statSync(result.path).ino).not.toBe(statSync(path).ino);
        bench.store.discard(result);
        expect(readFileSync(path, "utf8")).toBe("y".repeat(5000));
      }
    });

    test("a foreign file is not moved away through a linked folder", async () => {
      const folder = join(bench.outside, "foreign");
      mkdirSync(folder);
      writeFileSync(join(folder, "f"), "z".repeat(5000));
      const result = await bench.run({
        args: ["sh", "-c", `rmdir d && ln -s "${folder}" d`],
        mapOutputs: ["d/f"],
      });
      expect(result.size).toBe(5000);
      expect(statSync(join(folder, "f")).size).toBe(5000);
    });

    test("a missing output is named", async () => {
      const config = { args: ["sh", "-c", "echo >a"], mapOutputs: ["a", "sub/b c"] };
      expect((await bench.failure(config)).message).toBe("Output file 'sub/b c' is missing");
    });

    test("a dangling link is a missing output", async () => {
      const config = { args: ["ln", "-s", "nowhere", "a"], mapOutputs: ["a"] };
      expect((await bench.failure(config)).message).toBe("Output file 'a' is missing");
    });

    test("a directory or a pipe is no output", async () => {
      const directory = { args: ["mkdir", "a"], mapOutputs: ["a"] };
      expect((await bench.failure(directory)).message).toBe(
        "Output 'a' is a directory, not a file",
      );
      const pipe = { args: ["mkfifo", "a"], mapOutputs: ["a"] };
      expect((await bench.failure(pipe)).message).toBe("Output 'a' is not a regular file");
    });
  });

  describe("inputs", () => {
    test("standard input from memory and from a file", async () => {
      const path = join(bench.outside, "stdin");
      writeFileSync(path, "from a file");
      const config = { args: ["cat"], mapInputs: ["+in"] };
      expect(content(await bench.run(config, [text("from memory")]))).toBe("from memory");
      expect(content(await bench.run(config, [openFile(path)]))).toBe("from a file");
    });

    test("no standard input means an empty one", async () => {
      expect(await bench.shell("cat; echo end")).toBe("end\n");
    });

    test("files from memory, also big ones and in folders", async () => {
      const big = plainObject(Buffer.alloc(300_000, "b"));
      const inputs = [text("ä"), text("s"), big, big];
      const mapInputs = ["a name with spaces ä", "d/s", "d/e/big", "+in"];
      const script = 'cat "a name with spaces ä" d/s; cat d/e/big | wc -c; wc -c';
      expect(await bench.shell(script, { mapInputs }, inputs)).toBe("äs300000\n300000\n");
    });

    test("many inputs at once", async () => {
      const inputs = Array.from({ length: 100 }, () => plainObject(Buffer.alloc(10_000, "m")));
      const mapInputs = inputs.map((_, i) => `f${i}`);
      expect(await bench.shell("cat f* | wc -c", { mapInputs }, inputs)).toBe("1000000\n");
    });

    test("a file is linked, one that is an output too is copied", async () => {
      const path = join(bench.outside, "data");
      writeFileSync(path, "1\n");
      chmodSync(path, 0o444);
      const file = openFile(path);
      expect(await bench.shell("readlink f; cat f", { mapInputs: ["f"] }, [file])).toBe(
        `${path}\n1\n`,
      );
      const both = { mapInputs: ["f"], mapOutputs: ["f"] };
      expect(await bench.shell("echo 2 >>f", both, [file])).toBe("1\n2\n");
      expect(readFileSync(path, "utf8")).toBe("1\n");
    });

    test("an index is given as its bytes", async () => {
      const index = indexObject(plainObject(Buffer.from("ab")), Float64Array.of(0, 1, 2));
      expect(await bench.shell("cat", { mapInputs: ["+in"] }, [index])).toBe("ab");
    });

    test("a file that was changed or removed is named", async () => {
      const path = join(bench.outside, "unsteady");
      for (const mapping of ["+in", "f"]) {
        writeFileSync(path, "1234");
        const file = openFile(path);
        writeFileSync(path, "12345");
        const config = { args: ["cat"], mapInputs: [mapping] };
        expect((await bench.failure(config, [file])).message).toBe(
          `Input '${mapping}': the file ${path} was changed: 5 bytes now, 4 expected`,
        );
        const gone = { kind: "file", path: `${path}.gone`, size: 1, length: 0 } as never;
        expect((await bench.failure(config, [gone])).message).toMatch(
          new RegExp(`^Input '.*': the file ${path}.gone cannot be used: no such file`, "i"),
        );
      }
    });

    test("variables replace whole arguments only", async () => {
      const args = ["printf", "%s|", "$A", "x$A", "$B", "$OTHER"];
      const result = await bench.run({ args, mapInputs: ["$A", "$B"] }, [text("1 ä\n"), text("")]);
      expect(content(result)).toBe("1 ä\n|x$A||$OTHER|");
    });

    test("the program's name can be a variable", async () => {
      const result = await bench.run({ args: ["$P", "x"], mapInputs: ["$P"] }, [text("echo")]);
      expect(content(result)).toBe("x\n");
    });

    test.skipIf(variant === "node")("arguments that are not UTF-8", async () => {
      const bytes = new Uint8Array([255, 254, 1]);
      const config = { args: ["printf", "%s", "$A"], mapInputs: ["$A"] };
      const result = await bench.run(config, [plainObject(bytes)]);
      expect(result.kind === "plain" && [...result.bytes()]).toEqual([255, 254, 1]);
    });

    test.runIf(variant === "node")("arguments that are not UTF-8 are refused", async () => {
      const config = { args: ["printf", "%s", "$A"], mapInputs: ["$A"] };
      const error = await bench.failure(config, [plainObject(new Uint8Array([255]))]);
      expect(error.message).toContain("not UTF-8");
    });

    test("inputs that can't be given", async () => {
      const array = { args: ["cat"], mapInputs: ["a file"] };
      expect((await bench.failure(array, [arrayObject([])])).message).toContain(
        "Input mapping 'a file': input 0 is an array",
      );
      const nul = { args: ["cat", "$X"], mapInputs: ["$X"] };
      expect((await bench.failure(nul, [text("a\0b")])).message).toContain(
        "Input mapping '$X': the content has a NUL byte",
      );
    });
  });
});
