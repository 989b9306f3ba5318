/** `loom report` as a process, on the golden trace. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../cli/cli-process.js";

const GOLDEN = fileURLToPath(new URL("../trace/golden/v1", import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loom-report-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const report = (...args: string[]) => runCli(["report", ...args], { cwd: folder });

describe("loom report", () => {
  it("writes output.html and prints its path", async () => {
    const file = join(folder, "output.html");
    expect(await report(GOLDEN)).toMatchObject({ code: 0, stderr: "", stdout: `${file}\n` });
    const html = readFileSync(file, "utf8");
    expect(html).toMatch(/^<!doctype html>[\s\S]*<title>Trace v1<\/title>[\s\S]*<\/html>\n$/);
    expect(html).toMatch(/default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'/);
    expect(html).not.toMatch(/(src|href)=/);
    expect(readdirSync(folder)).toEqual(["output.html"]);
  });

  it("replaces a report, but nothing else without --force", async () => {
    const file = join(folder, "a.html");
    expect((await report(GOLDEN, "-o", file)).code).toBe(0);
    expect((await report(GOLDEN, "-o", file)).code).toBe(0);
    writeFileSync(file, "my data");
    const refused = await report(GOLDEN, "-o", file);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toBe(
      `loom report: ${file} is there and not a report; give another path with --output, or --force to replace it\n`,
    );
    expect(readFileSync(file, "utf8")).toBe("my data");
    expect((await report(GOLDEN, "-o", file, "--force")).code).toBe(0);
    expect(readFileSync(file, "utf8")).toContain("<!doctype html>");
  });

  it("says what is wrong in one line, and leaves nothing behind", async () => {
    mkdirSync(join(folder, "empty"));
    const lines: [string[], number, RegExp][] = [
      [[], 2, /missing required argument 'directory'/],
      [["nowhere"], 2, /^loom report: .*nowhere/],
      [["empty"], 2, /^loom report: .*no trace of HyperLoom/],
      [[GOLDEN, "--run", "zzz"], 2, /^loom report: .*zzz/],
      [[GOLDEN, "-o", "empty"], 1, /empty is a directory; give the path of a file/],
      [[GOLDEN, "-o", "no/where.html"], 1, /cannot be written: there is no directory .*\/no\n/],
    ];
    for (const [args, code, line] of lines) {
      const ended = await report(...args);
      expect(ended).toMatchObject({ code, stdout: "" });
      expect(ended.stderr).toMatch(line);
      expect(ended.stderr.trimEnd()).not.toContain("\n");
    }
    expect(readdirSync(folder)).toEqual(["empty"]);
  });

  it("shows what there is of a trace that is cut off, with a warning", async () => {
    const cut = join(folder, "cut");
    cpSync(GOLDEN, cut, { recursive: true });
    const [server] = readdirSync(cut).filter((name) => name.startsWith("server"));
    truncateSync(join(cut, server), 3000);
    const { code, stderr, stdout } = await report(cut, "-o", "b.html");
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: /);
    expect(existsSync(stdout.trim())).toBe(true);
  });
});
