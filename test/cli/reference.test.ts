/** Help texts and docs/cli.md come from the one table of options. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { COMMANDS } from "../../src/cli/options.js";
import { cliReference } from "../../src/cli/reference.js";
import { runCli } from "./cli-process.js";

describe("the command line's documentation", () => {
  it("docs/cli.md is up to date (npm run docs)", () => {
    const file = new URL("../../docs/cli.md", import.meta.url);
    expect(readFileSync(file, "utf8")).toBe(cliReference());
  });

  it("loom --help names all commands", async () => {
    const { code, stdout } = await runCli(["--help"]);
    for (const { name } of COMMANDS) expect(stdout).toContain(`\n  ${name} `);
    for (const { summary } of COMMANDS) expect(stdout).toContain(summary);
    expect(code).toBe(0);
  });

  it.each(COMMANDS.map(({ name }) => name))("loom %s --help names all flags", async (name) => {
    const spec = COMMANDS.find((command) => command.name === name);
    const { code, stdout } = await runCli([name, "--help"]);
    for (const { flags } of spec?.options ?? []) expect(stdout).toContain(flags);
    expect(code).toBe(0);
  });

  it("--version is the package's", async () => {
    const file = new URL("../../package.json", import.meta.url);
    const { version } = JSON.parse(readFileSync(file, "utf8"));
    for (const program of ["loom", "loom-server", "loom-worker"] as const) {
      expect(await runCli(["--version"], { program })).toMatchObject({ stdout: `${version}\n` });
    }
  });
});
