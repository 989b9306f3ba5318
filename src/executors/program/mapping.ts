/**
 * What a task's configuration asks for, checked and turned into what has to be done: which
 * input goes where, what the arguments are, which files are the result. Owns all checks of
 * names; touches no file. Used by program-executor.ts.
 */
import { posix } from "node:path";
import { type BytesObject, type DataObject, isBytes } from "../../object-store/index.js";
import type { RunConfig } from "../../protocol/index.js";
import { TaskError } from "../contract.js";
import type { Field, LinkedFile, WrittenFile } from "./launch-protocol.js";

/** Bigger ones are written by the worker itself, in the background. */
export const MAX_SENT_FILE_BYTES = 64 * 1024;
const MAX_SENT_BYTES = 256 * 1024;
/** No Linux takes more in one program's arguments. */
const MAX_ARGUMENT_BYTES = 6 * 1024 * 1024;

/** A file that must be in the directory before the launcher gets the request. */
export interface PreparedFile {
  readonly name: string;
  /** `path` is set: copy that file. Otherwise write its bytes. */
  readonly input: BytesObject;
}

/** Everything about a task that does not depend on where it runs. */
export interface Mapping {
  readonly args: readonly Field[];
  /** "" = nothing to read. */
  readonly stdin: string;
  readonly stdinSizeBytes: number | undefined;
  readonly folders: readonly string[];
  readonly links: readonly LinkedFile[];
  readonly files: readonly WrittenFile[];
  readonly prepared: readonly PreparedFile[];
  readonly outputs: readonly string[];
}

/**
 * Checks `config` against the inputs. Throws a TaskError that names the mapping at fault.
 *
 * An input that is a file already is not copied: the program sees a symbolic link and must
 * not write to it. Only if an output has the same name, so the program is meant to change
 * it, it gets a copy.
 */
export function mapProgram(config: RunConfig, inputs: readonly DataObject[]): Mapping {
  const { mapInputs } = config;
  checkStrings(config);
  if (mapInputs.length !== inputs.length) {
    throw new TaskError(
      `The task has ${inputs.length} inputs but ${mapInputs.length} input mappings (map_inputs): each input needs one`,
    );
  }
  const outputs = outputNames(config.mapOutputs);
  const variables = new Map<string, Uint8Array>();
  const links: LinkedFile[] = [];
  const files: WrittenFile[] = [];
  const prepared: PreparedFile[] = [];
  const names = new Set<string>();
  let stdin = "";
  let stdinSizeBytes: number | undefined;
  let sentBytes = 0;

  for (let i = 0; i < mapInputs.length; i++) {
    const mapping = mapInputs[i];
    const input = inputs[i];
    if (!isBytes(input)) {
      const what = input.kind === "array" ? "an array" : `a value (${input.type})`;
      throw new TaskError(
        `Input mapping '${mapping}': input ${i} is ${what}, only plain objects, files and indexes can be given to a program`,
      );
    }
    const name =
      mapping.startsWith("$") || mapping === "+in" ? mapping : fileName(mapping, "Input");
    if (names.has(name)) throw new TaskError(`Two inputs are mapped to '${name}'`);
    names.add(name);
    if (name.startsWith("$") && name === mapping) {
      variables.set(name, variableContent(name, input));
      continue;
    }
    if (mapping === "+in") {
      stdin = input.path ?? "+in";
      if (input.path !== undefined) {
        stdinSizeBytes = input.size;
        continue;
      }
    } else if (name === "+in" || name === "+out" || name === "+err") {
      throw new TaskError(`Input mapping '${mapping}': an input can't be a file of that name`);
    }
    if (input.path !== undefined && !outputs.includes(name)) {
      links.push({ name, target: input.path, sizeBytes: input.size });
    } else if (
      input.path !== undefined ||
      input.size > MAX_SENT_FILE_BYTES ||
      sentBytes + input.size > MAX_SENT_BYTES
    ) {
      prepared.push({ name, input });
    } else {
      sentBytes += input.size;
      files.push({ name, content: input.bytes() });
    }
  }
  return {
    args: substitute(config.args, variables),
    stdin,
    stdinSizeBytes,
    folders: foldersOf(links, files, prepared, outputs),
    links,
    files,
    prepared,
    outputs,
  };
}

function checkStrings(config: RunConfig): void {
  if (config.args.length === 0) {
    throw new TaskError("The program to run is missing: args is empty");
  }
  if (config.args[0] === "") {
    throw new TaskError("The program to run is missing: the first of args is empty");
  }
  for (const arg of config.args) checkNoNul(arg, "Argument");
  for (const name of config.mapInputs) checkNoNul(name, "Input mapping");
  for (const name of config.mapOutputs) checkNoNul(name, "Output mapping");
  for (const [name, value] of Object.entries(config.env)) {
    if (name === "" || name.includes("=")) {
      throw new TaskError(`'${name}' can't be the name of an environment variable`);
    }
    checkNoNul(name, "Environment variable");
    checkNoNul(value, `Environment variable ${name}: value`);
  }
}

function checkNoNul(text: string, what: string): void {
  if (text.includes("\0")) {
    throw new TaskError(`${what} '${text.replaceAll("\0", "\\0")}' contains a NUL byte`);
  }
}

function variableContent(name: string, input: BytesObject): Uint8Array {
  if (input.size > MAX_ARGUMENT_BYTES) {
    throw new TaskError(
      `Input mapping '${name}': ${input.size} bytes are too many for an argument; map it to a file`,
    );
  }
  const content = input.bytes();
  if (content.includes(0)) {
    throw new TaskError(
      `Input mapping '${name}': the content has a NUL byte, which no argument can have; map it to a file`,
    );
  }
  return content;
}

function outputNames(mapOutputs: readonly string[]): readonly string[] {
  if (mapOutputs.length === 0) return ["+out"];
  const names = mapOutputs.map((mapping) => {
    const name = fileName(mapping, "Output");
    if (name === "+in") throw new TaskError("Output mapping '+in': that is the standard input");
    return name;
  });
  for (let i = 1; i < names.length; i++) {
    if (names.indexOf(names[i]) < i) throw new TaskError(`Two outputs are mapped to '${names[i]}'`);
  }
  return names;
}

/** The name without `.`, `..` and double slashes; refuses what is outside of the directory. */
function fileName(mapping: string, what: "Input" | "Output"): string {
  // Nothing to tidy in the usual name.
  if (mapping !== "" && !mapping.includes("/") && mapping !== "." && mapping !== "..") {
    return mapping;
  }
  if (mapping === "") throw new TaskError(`${what} mapping '': a file needs a name`);
  const name = posix.normalize(mapping);
  if (name.startsWith("/") || name === ".." || name.startsWith("../")) {
    throw new TaskError(
      `${what} mapping '${mapping}' is outside of the program's working directory`,
    );
  }
  if (name === "." || name.endsWith("/")) {
    throw new TaskError(`${what} mapping '${mapping}' names a directory, not a file`);
  }
  return name;
}

/** Arguments that as a whole are a mapped variable are replaced. */
function substitute(
  args: readonly string[],
  variables: ReadonlyMap<string, Uint8Array>,
): readonly Field[] {
  if (variables.size === 0) return args;
  return args.map((arg) => variables.get(arg) ?? arg);
}

/** The folders of all files, outer ones first; refuses a folder that is also a file. */
function foldersOf(...groups: readonly (readonly (string | { name: string })[])[]): string[] {
  const files = new Set(["+in", "+out", "+err"]);
  const folders = new Set<string>();
  for (const group of groups) {
    for (const file of group) {
      const name = typeof file === "string" ? file : file.name;
      files.add(name);
      for (let at = name.indexOf("/"); at > 0; at = name.indexOf("/", at + 1)) {
        folders.add(name.slice(0, at));
      }
    }
  }
  for (const folder of folders) {
    if (files.has(folder)) {
      throw new TaskError(`'${folder}' is mapped to a file, so it can't be a folder of others`);
    }
  }
  return [...folders].sort();
}
