/**
 * Executes examples of the documentation as a user would: `loom run`, Python, bash; and checks
 * those that are not run: types, syntax, names of commands and flags. Used by
 * readme-examples.test.ts.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { COMMANDS } from "../../src/cli/options.js";
import { startLocalCluster } from "../../src/local-cluster/index.js";
import type { Example, Language } from "./doc-blocks.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const loom = join(root, "dist", "cli", "loom.js");
/** A cluster that examples speak of. */
const CLUSTER_HOST = /\b(localhost|127\.0\.0\.1|node1)\b/g;
const CLUSTER_PORT = /\b9010\b/g;

/** Python for examples and tests: the checkout's environment. */
export const python: string | undefined = process.env.LOOM_PYTHON;

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/**
 * Runs it in a fresh folder. What speaks of a cluster by its port gets a real one, and so do
 * Python and shell examples, in LOOM_SERVER, too; other examples start their own.
 */
export async function runExample(example: Example): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "loom-example-"));
  try {
    const ownCluster = example.language === "ts" || example.language === "js";
    if (ownCluster && !/\b9010\b/.test(example.code)) {
      return await execute(example.language, example.code, folder, {});
    }
    await using cluster = await startLocalCluster({ workers: 1, cpus: 2 });
    const [, port] = cluster.address.split(":");
    const code = example.code.replace(CLUSTER_HOST, "127.0.0.1").replace(CLUSTER_PORT, port);
    const env = ownCluster ? {} : { LOOM_SERVER: cluster.address };
    return await execute(example.language, code, folder, env);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function execute(
  language: Language,
  code: string,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<Outcome> {
  // As an installed package puts them there, with Python's programs.
  const bin = join(folder, ".bin");
  mkdirSync(bin);
  for (const name of ["loom", "loom-server", "loom-worker"]) {
    symlinkSync(join(root, "dist", "cli", `${name}.js`), join(bin, name));
  }
  const path = [bin, ...(python === undefined ? [] : [dirname(python)]), process.env.PATH];
  const [program, ...args] = commandOf(language, code, folder);
  const child = spawn(program, args, {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      LOOM_SERVER: "",
      PATH: path.join(delimiter),
      PYTHONPATH: join(root, "python"),
      ...env,
    },
  });
  const outcome: Outcome = { code: null, stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    outcome.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    outcome.stderr += text;
  });
  [outcome.code] = await once(child, "close");
  return outcome;
}

/** Writes the code to a file; the command that runs it. */
function commandOf(language: Language, code: string, folder: string): string[] {
  const extension = { ts: "ts", js: "mjs", python: "py", sh: "sh", console: "sh" }[language];
  const file = join(folder, `example.${extension}`);
  const isShell = language === "sh" || language === "console";
  writeFileSync(file, isShell ? shellCommands(language, code) : code);
  if (language === "python") {
    if (python === undefined) throw new Error("no Python environment");
    return [python, file];
  }
  return isShell ? ["bash", "-euo", "pipefail", file] : [process.execPath, loom, "run", file];
}

/** What it must print: what it says itself (console: the lines between commands). */
export function expectedOutput({ language, code, output }: Example): string | undefined {
  if (language !== "console") return output;
  const lines = code.split("\n").slice(0, -1);
  return lines.flatMap((line) => (line.startsWith("$ ") ? [] : [`${line}\n`])).join("");
}

/** The commands alone; npx would ask the registry. */
function shellCommands(language: Language, code: string): string {
  const commands =
    language === "console"
      ? [...code.matchAll(/^\$ (.*)$/gm)].map(([, command]) => `${command}\n`).join("")
      : code;
  return commands.replace(/\bnpx loom\b/g, "loom");
}

/** What is wrong with a shell example: its syntax, commands of this project, their flags. */
export function checkShell({ language, code }: Example): string[] {
  const script = shellCommands(language, code);
  const { status, stderr } = spawnSync("bash", ["-n"], { input: script, encoding: "utf8" });
  const problems = status === 0 ? [] : [stderr];
  for (const [, line] of script.matchAll(/^\s*((?:loom|npm)\b[^#\n|;&]*)/gm)) {
    const [program, ...words] = line.trim().split(/\s+/);
    problems.push(...(program === "npm" ? checkNpm(words) : checkLoom(words)));
  }
  return problems;
}

function checkLoom([name, ...words]: string[]): string[] {
  const spec = COMMANDS.find((command) => command.name === name);
  if (spec === undefined) return name.startsWith("-") ? [] : [`loom ${name}: no such command`];
  const known = spec.options.flatMap(({ flags }) => flags.match(/--?[a-z-]+/g) ?? []);
  // What follows the script of `loom run` is the script's.
  const script = name === "run" ? words.findIndex((word) => !word.startsWith("-")) : -1;
  const own = script === -1 ? words : words.slice(0, script);
  const unknown = own.filter((word) => /^--?[a-z]/.test(word) && !known.includes(word));
  return unknown.map((flag) => `loom ${name} ${flag}: no such flag`);
}

function checkNpm([verb, name]: string[]): string[] {
  if (verb !== "run") return [];
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  return scripts[name] === undefined ? [`npm run ${name}: no such script`] : [];
}

/** Compiles all as modules of their own that import "hyperloom"; the compiler's messages. */
export function checkTypes(codes: Map<string, string>): string {
  return inFolder(codes, (folder) => {
    const config = {
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        // What users import.
        paths: { hyperloom: [join(root, "dist", "index.d.ts")] },
        typeRoots: [join(root, "node_modules", "@types")],
        moduleDetection: "force",
        // Examples show pieces.
        noUnusedLocals: false,
        noUnusedParameters: false,
        allowJs: true,
        rootDir: "/",
      },
      include: [folder],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    writeFileSync(join(folder, "package.json"), '{"type": "module"}');
    const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
    return run(process.execPath, [compiler, "-p", folder, "--pretty", "false"], folder);
  });
}

/** Checks Python examples; the messages of mypy. */
export function checkPythonTypes(codes: Map<string, string>): string {
  return inFolder(codes, (folder) => {
    const files = [...codes.keys()];
    const mypy = ["-m", "mypy", "--check-untyped-defs", "--no-error-summary", "--no-incremental"];
    const args = [...mypy, "--follow-imports=silent", "--scripts-are-modules", ...files];
    return run(python!, args, folder, { MYPYPATH: join(root, "python") });
  });
}

function inFolder(codes: Map<string, string>, check: (folder: string) => string): string {
  const folder = mkdtempSync(join(tmpdir(), "loom-example-"));
  try {
    for (const [name, code] of codes) writeFileSync(join(folder, name), code);
    return check(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Its output if it fails, else nothing. */
function run(program: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = {}): string {
  const options = { cwd, encoding: "utf8", env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr } = spawnSync(program, args, options);
  return status === 0 ? "" : `${stdout}${stderr}` || `${program} ended with ${status}`;
}
