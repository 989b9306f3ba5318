/**
 * The task that runs a program. Owns the mapping of arguments, inputs and outputs to the
 * config of loom/run/run. Part of `tasks`.
 */
import { LoomError } from "../base/index.js";
import {
  cpus,
  isTaskInput,
  type ResourceRequest,
  requestOf,
  Task,
  type TaskHints,
  type TaskInput,
} from "../graph/index.js";
import { encodeRunConfig } from "../protocol/index.js";
import type { InputTask } from "./input-task.js";
import { splitCommand } from "./shell-words.js";

/** Named inputs: an object, or a list of pairs where order or repetition matters. */
export type NamedInputs =
  | Readonly<Record<string, InputTask>>
  | readonly (readonly [name: string, input: InputTask])[];

/** Options of `tasks.run`. */
export interface RunOptions<Outputs extends readonly string[] = readonly string[]>
  extends TaskHints {
  /** Becomes the program's standard input. Default: empty. */
  stdin?: InputTask | undefined;
  /** Files that the program finds in its working directory: name → content. */
  inputs?: NamedInputs | undefined;
  /** Arguments that are exactly `$NAME` are replaced by this input's content. Names without `$`. */
  variables?: NamedInputs | undefined;
  /**
   * What the result consists of: "+out" is standard output, anything else a file that the
   * program leaves in its working directory. Default: ["+out"].
   */
  outputs?: Outputs | undefined;
  /** Cores that the program holds. Default 1. */
  cpus?: number | undefined;
  /** Resources that the program holds, instead of `cpus`; see `resources()` and `anyOf()`. */
  request?: ResourceRequest | undefined;
  /** Set in addition to the worker's environment. */
  env?: Readonly<Record<string, string>> | undefined;
  /** The program is killed after this many milliseconds. Default 0: no limit. */
  timeLimitMs?: number | undefined;
  /** Exit statuses that count as success. Default [0]. */
  successCodes?: readonly number[] | undefined;
  /** Keep the working directory after the program has ended, to look into it. Default false. */
  keepDirectory?: boolean | undefined;
  label?: string | undefined;
}

/** One output: its bytes. Several: an array of them. */
export type RunValue<Outputs extends readonly string[]> = number extends Outputs["length"]
  ? Buffer | Buffer[]
  : Outputs["length"] extends 0 | 1
    ? Buffer
    : { -readonly [K in keyof Outputs]: Buffer };

/** A command line, or the program and its arguments. A task in it stands for its content. */
export type Command = string | readonly (string | InputTask)[];

export function runTask(
  command: Command,
  options?: RunOptions & { outputs?: undefined },
): Task<Buffer>;
export function runTask<const Outputs extends readonly string[]>(
  command: Command,
  options: RunOptions<Outputs> & { outputs: Outputs },
): Task<RunValue<Outputs>>;
export function runTask(command: Command, options: RunOptions = {}): Task {
  const args: string[] = [];
  const inputs: TaskInput[] = [];
  const names = new Set<string>();
  const map = (name: string, input: InputTask) => {
    if (names.has(name)) throw usage(command, `input "${name}" is given twice`);
    names.add(name);
    inputs.push(input);
  };

  if (options.stdin !== undefined) map("+in", options.stdin);
  for (const [name, input] of entriesOf(options.inputs)) {
    checkFileName(command, name);
    map(name, input);
  }
  for (const [name, input] of entriesOf(options.variables)) {
    if (!/^\w+$/.test(name)) {
      throw usage(command, `variable "${name}" must consist of letters, digits and _`);
    }
    map(`$${name}`, input);
  }
  let variable = 0;
  for (const word of typeof command === "string" ? splitCommand(command) : command) {
    if (typeof word === "string") {
      args.push(word);
    } else if (isTaskInput(word)) {
      do variable++;
      while (names.has(`$${variable}`));
      map(`$${variable}`, word);
      args.push(`$${variable}`);
    } else {
      throw usage(command, `argument ${args.length} is neither a string nor a task nor a future`);
    }
  }
  if (args.length === 0 || args[0] === "") throw usage(command, "it names no program");

  const outputs = options.outputs ?? ["+out"];
  for (const name of outputs) if (name !== "+out") checkFileName(command, name);
  const timeLimitMs = options.timeLimitMs ?? 0;
  if (!Number.isInteger(timeLimitMs) || timeLimitMs < 0 || timeLimitMs > 0xffffffff) {
    throw usage(command, `timeLimitMs must be an integer from 0 to 2^32 - 1, got ${timeLimitMs}`);
  }
  for (const code of options.successCodes ?? []) {
    if (!Number.isInteger(code) || code < 0 || code > 255) {
      throw usage(command, `successCodes must be integers from 0 to 255, got ${code}`);
    }
  }
  const config = encodeRunConfig({
    args,
    mapInputs: [...names],
    mapOutputs: [...outputs],
    env: { ...options.env },
    successCodes: [...(options.successCodes ?? [])],
    ...(timeLimitMs > 0 && { timeLimitMs }),
    ...(options.keepDirectory && { keepDirectory: true }),
  });
  const { label, priority, expectedMs, expectedBytes } = options;
  return new Task("loom/run/run", config, inputs, {
    // A program holds at least one core, unless its request says otherwise: cpus(0) throws.
    request: options.cpus === 0 ? cpus(0) : requestOf(options, `tasks.run("${args.join(" ")}")`),
    label,
    priority,
    expectedMs,
    expectedBytes,
  });
}

function entriesOf(named: NamedInputs | undefined): Iterable<readonly [string, InputTask]> {
  if (named === undefined) return [];
  return Array.isArray(named) ? named : Object.entries(named as Record<string, InputTask>);
}

/** File names are relative to the working directory and stay in it; `$` and `+` mean other things. */
function checkFileName(command: Command, name: string): void {
  const wrong =
    name === "" || /^[/$+]/.test(name) || name.includes("\0") || name.split("/").includes("..");
  if (wrong) {
    throw usage(
      command,
      `file name "${name}" must be a relative path inside the working directory that does not start with $ or +`,
    );
  }
}

function usage(command: Command, problem: string): LoomError {
  const text =
    typeof command === "string"
      ? command
      : command.map((word) => (typeof word === "string" ? word : "<task>")).join(" ");
  return new LoomError("usage", `tasks.run("${text}"): ${problem}`);
}
