/**
 * The text of an error for the person who wrote the function: message and stack, with positions in
 * their files and without frames of this process, then causes. Must not fail, whatever was thrown.
 */
import { inspect, types } from "node:util";
import { CallProblem, INSTALL_MODULE } from "./call-problem.js";
import { mapPositions } from "./code-files.js";

/** Folder of HyperLoom's own code: its frames say nothing to users. */
const OWN_CODE = new URL("..", import.meta.url).href;
const MAX_CAUSES = 10;
const MAX_ERRORS = 10;

export function describeError(error: unknown): string {
  return describe(error, 0);
}

/** A stack as it is, for who looks for its origin. */
export function stackOf(error: unknown): string {
  const stack = types.isNativeError(error) ? readText(error, "stack") : undefined;
  return stack ?? "";
}

function describe(error: unknown, depth: number): string {
  if (!types.isNativeError(error) && !isErrorLike(error)) return describeNonError(error);
  let text = error instanceof CallProblem ? error.message : headAndFrames(error);
  const cause = read(error, "cause");
  if (cause !== undefined && depth < MAX_CAUSES) {
    text += `\nCaused by: ${describe(cause, depth + 1)}`;
  }
  const errors = read(error, "errors");
  if (Array.isArray(errors) && depth < MAX_CAUSES) {
    errors.slice(0, MAX_ERRORS).forEach((one, i) => {
      const inner = describe(one, depth + 1).replaceAll("\n", "\n  ");
      text += `\nError ${i + 1} of ${errors.length}: ${inner}`;
    });
  }
  return text;
}

/** Errors of other realms and of libraries that make their own. */
function isErrorLike(value: unknown): value is object {
  try {
    return value instanceof Error;
  } catch {
    return false;
  }
}

function describeNonError(value: unknown): string {
  try {
    return `${inspect(value, { depth: 2 })} was thrown, which is no Error`;
  } catch {
    return `something was thrown that can't be shown (a ${typeof value})`;
  }
}

function headAndFrames(error: object): string {
  const name = readText(error, "name") ?? "Error";
  const message = readText(error, "message") ?? "(its message can't be read)";
  const stack = readText(error, "stack") ?? "";
  const head = message === "" ? name : `${name}: ${message}`;
  const framesAt = stack.startsWith(head) ? head.length : stack.search(/^ +at /m);
  const before = framesAt > 0 && !stack.startsWith(head) ? syntaxPlace(stack) : "";
  const frames = framesAt === -1 ? "" : ownFramesRemoved(stack.slice(framesAt));
  const isMissing = readText(error, "code")?.endsWith("MODULE_NOT_FOUND");
  return mapPositions(`${before}${head}${isMissing ? `\n(${INSTALL_MODULE})` : ""}${frames}`);
}

/** The stack of a SyntaxError begins with the place in the code. */
function syntaxPlace(stack: string): string {
  const [first] = stack.split("\n", 1);
  return /^\S*:\d+$/.test(first) ? `${first}\n` : "";
}

function ownFramesRemoved(text: string): string {
  const frames = text.split("\n").filter((line) => {
    return /^ +at /.test(line) && !line.includes(OWN_CODE) && !line.includes("node:internal/");
  });
  // Below the user's frames there is only how the process came to call them.
  while (frames.length > 0 && frames[frames.length - 1].includes("(node:")) frames.pop();
  return frames.map((frame) => `\n${frame}`).join("");
}

function read(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function readText(object: object, key: string): string | undefined {
  const value = read(object, key);
  return typeof value === "string" ? value : undefined;
}
