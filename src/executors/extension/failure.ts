/**
 * What is said of an error that the code of an extension threw: its name and message, and where in the
 * extension it comes from. Owns the text; used for tasks and for values.
 */
import { fileURLToPath } from "node:url";
import { LoomError } from "../../base/index.js";

/** Frames of HyperLoom and of Node say nothing to the author of an extension. */
const OWN_CODE = fileURLToPath(new URL("../..", import.meta.url));
const MAX_FRAMES = 8;

/** The thrown thing as text, with the extension's frames of its stack. */
export function describeThrown(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  // Already says what is to be said.
  if (error instanceof LoomError) return error.message;
  const { name, message } = error;
  const head = message === "" ? name : `${name}: ${message}`;
  return [head, ...framesOf(error)].join("\n");
}

function framesOf({ stack = "" }: Error): string[] {
  const frames = stack.split("\n").filter((line) => /^ +at /.test(line));
  const theirs = frames.filter(
    (line) => !line.includes(OWN_CODE) && !/\(?node:|^ +at async Promise/.test(line),
  );
  return theirs.slice(0, MAX_FRAMES);
}
