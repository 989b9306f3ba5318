/** examples/extension-count: its functions count right, and its program runs. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countPlain } from "../../examples/extension-count/count-plain.js";
import { countWasm } from "../../examples/extension-count/count-wasm.js";
import { CliProcess } from "../cli/cli-process.js";

const MAIN = fileURLToPath(new URL("../../examples/extension-count/main.ts", import.meta.url));

describe("counting", () => {
  it("gives what a filter gives, whatever the bytes and wherever they are", () => {
    const byte = fc.integer({ min: 250, max: 255 });
    const bytes = fc.array(byte, { maxLength: 100 });
    fc.assert(
      fc.property(bytes, byte, fc.nat(20), (numbers, wanted, from) => {
        const expected = numbers.slice(from).filter((number) => number === wanted).length;
        const given = Uint8Array.from(numbers).subarray(Math.min(from, numbers.length));
        expect([countPlain(given, wanted), countWasm(given, wanted)]).toEqual([expected, expected]);
      }),
    );
  });

  it("goes beyond the memory of WebAssembly", () => {
    const bytes = new Uint8Array(3_000_001).fill(7);
    expect(countWasm(bytes, 7)).toBe(bytes.length);
  });
});

describe("the program", () => {
  it("counts in a file in all ways, larger than one piece of it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "loom-count-"));
    try {
      const path = join(folder, "text");
      writeFileSync(path, "abcx".repeat(600_000));
      const { code, stdout, stderr } = await new CliProcess(["run", MAIN, path, "x"]).finished;
      expect(stderr).toBe("");
      expect(stdout).toBe("plain: 600000\nwasm: 600000\npool: 600000\n");
      expect(code).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
