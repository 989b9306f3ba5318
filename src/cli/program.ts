/**
 * Command line → command. Owns: parsing (commander, fed from the table in options.ts), the
 * version, help, and how a failure is printed. Called by the three bin files. Only the
 * chosen command's module is loaded, so that a worker is up quickly.
 */
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { Command, CommanderError, Option } from "commander";
import { describeFailure, EXIT_USAGE } from "./cli-error.js";
import { COMMANDS, type CommandName, type CommandSpec, getCommandSpec } from "./options.js";
import { hoistServerOption } from "./run-arguments.js";
import { tellParent } from "./service-process.js";

/** Takes a command's exit code; undefined: the process ends when nothing keeps it alive. */
type ExitCodeSink = (code: number | undefined) => void;
type Action = (args: string[], flags: never) => Promise<number | undefined>;

const ACTIONS: Record<CommandName, () => Promise<Action>> = {
  server: async () => (await import("./server-command.js")).serverCommand,
  worker: async () => (await import("./worker-command.js")).workerCommand,
  status: async () => (await import("./status-command.js")).statusCommand,
  top: async () => (await import("./top-command.js")).topCommand,
  dashboard: async () => (await import("./dashboard-command.js")).dashboardCommand,
  explain: async () => (await import("./explain-command.js")).explainCommand,
  run: async () => (await import("./run-command.js")).runCommand,
  stop: async () => (await import("./stop-command.js")).stopCommand,
  simulate: async () => (await import("./simulate-command.js")).simulateCommand,
  trace: async () => (await import("./trace-command.js")).traceCommand,
  report: async () => (await import("./report-command.js")).reportCommand,
};

/** Version of this package. */
export function packageVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** The program `loom` with its commands. */
export function createLoom(onExitCode: ExitCodeSink): Command {
  const loom = new Command("loom")
    .description("Run pipelines (directed acyclic graphs of tasks) on a cluster.")
    .version(packageVersion(), "-V, --version", "print the version")
    .enablePositionalOptions()
    .showSuggestionAfterError();
  for (const spec of COMMANDS) {
    loom.addCommand(configure(new Command(spec.name), spec, onExitCode));
  }
  return loom;
}

/** One command as a program of its own: `loom-server`, `loom-worker`. */
export function createSingle(name: CommandName, onExitCode: ExitCodeSink): Command {
  return configure(new Command(`loom-${name}`), getCommandSpec(name), onExitCode).version(
    packageVersion(),
    "-V, --version",
    "print the version",
  );
}

function configure(command: Command, spec: CommandSpec, onExitCode: ExitCodeSink): Command {
  command.summary(spec.summary).description(`${capitalize(spec.summary)}.\n\n${spec.details}`);
  for (const { name, description } of spec.arguments) command.argument(name, description);
  for (const { flags, description, parse, default: value } of spec.options) {
    const option = new Option(flags, description);
    if (parse !== undefined) option.argParser(parse);
    if (value !== undefined) option.default(value);
    command.addOption(option);
  }
  // What follows a script belongs to the script.
  if (spec.name === "run") command.passThroughOptions();
  command.allowExcessArguments(false);
  command.action(async () => {
    const action = await ACTIONS[spec.name]();
    onExitCode(await action(command.args, command.opts() as never));
  });
  return command;
}

/**
 * Parses `argv` (without node and the script) and runs the command; ends this process
 * with its code, or with 2 (usage) or 1 (failure) and one line on standard error.
 */
export async function runProgram(
  create: (onExitCode: ExitCodeSink) => Command,
  argv: string[],
): Promise<void> {
  let exitCode: number | undefined = 0;
  const program = create((code) => {
    exitCode = code;
  });
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeErr: () => {} });
  }
  try {
    await program.parseAsync(hoistServerOption(argv), { from: "user" });
  } catch (error) {
    exitCode = await report(error, program.name(), argv);
  }
  // A handle that somebody forgot must not keep a finished command alive.
  if (exitCode !== undefined) process.exit(exitCode);
}

/** Prints a failure; resolves with the exit code. */
async function report(error: unknown, program: string, argv: string[]): Promise<number> {
  const name = COMMANDS.some((spec) => spec.name === argv[0]) ? `${program} ${argv[0]}` : program;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0; // --help, --version
    if (error.code === "commander.help") {
      const names = COMMANDS.map((spec) => spec.name).join(", ");
      return fail(
        `${name}: no command given; use one of ${names}, or see '${name} --help'`,
        EXIT_USAGE,
      );
    }
    const message = error.message
      .replace(/^error: /, "")
      .replace(/\.?\s*\n\s*/g, " ")
      .trim();
    return fail(`${name}: ${message}; see '${name} --help'`, EXIT_USAGE);
  }
  const { message, exitCode } = describeFailure(error);
  if (argv.includes("--debug") && error instanceof Error) {
    process.stderr.write(`${inspect(error)}\n`); // with the errors that caused it
  }
  // What programs and labels say in it may not steer the terminal.
  const line = message.replace(/\s*\n\s*/g, " ").replace(/\p{Cc}/gu, "?");
  return fail(`${name}: ${line}`, exitCode);
}

/** One line for people, the same for a parent process. */
async function fail(line: string, exitCode: number): Promise<number> {
  process.stderr.write(`${line}\n`);
  await tellParent({ loom: "failed", message: line });
  return exitCode;
}

function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
