/** What the table of commands is made of. Called by options.ts and the files of single commands' options. */

/** One flag. */
export interface OptionSpec {
  /** As commander reads it: "-p, --port <n>". */
  flags: string;
  description: string;
  /** Text → value; throws a CliError. Without it: the text, or true for a flag without value. */
  parse?: (text: string, previous: unknown) => unknown;
  default?: unknown;
}

/** One positional argument: "<required>", "[optional]", "[several...]". */
export interface ArgumentSpec {
  name: string;
  description: string;
}

export type CommandName =
  | "server"
  | "worker"
  | "status"
  | "top"
  | "dashboard"
  | "explain"
  | "run"
  | "stop"
  | "simulate"
  | "trace"
  | "report";

/** One command. */
export interface CommandSpec {
  name: CommandName;
  summary: string;
  /** What help and docs say below the summary. */
  details: string;
  arguments: ArgumentSpec[];
  options: OptionSpec[];
  examples: string[];
}

/** Every command has it. */
export const DEBUG: OptionSpec = {
  flags: "--debug",
  description: "log at debug level, and show the stack of an error",
};
