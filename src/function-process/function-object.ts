/** Takes the object of a function apart: header, code, captured values. Called by function-table.ts. */
import { CallProblem } from "./call-problem.js";

/** Carries the plain function of what `jsTask` gives: `{ fn, context }`. */
export const JS_TASK: unique symbol = Symbol.for("hyperloom.jsTask") as never;

export interface FunctionHeader {
  /** For messages. */
  readonly name: string;
  readonly hash: string;
  readonly codeBytes: number;
  /** The first argument is the context. */
  readonly context: boolean;
  /** URL of the user's file. */
  readonly url: string | undefined;
  /** In place of code: a module of the worker and the name of the export. */
  readonly module: string | undefined;
  readonly export: string;
}

export interface FunctionObject {
  readonly header: FunctionHeader;
  readonly code: Buffer;
  readonly captured: Buffer;
}

const LENGTH_BYTES = 4;

/** @throws CallProblem saying what is wrong with the object */
export function parseFunctionObject(bytes: Buffer): FunctionObject {
  if (bytes.length < LENGTH_BYTES) throw malformed(`it has ${bytes.length} bytes`);
  const headerEnd = LENGTH_BYTES + bytes.readUInt32LE(0);
  if (headerEnd > bytes.length) throw malformed("its header is longer than the object");
  const header = parseHeader(bytes.toString("utf8", LENGTH_BYTES, headerEnd));
  const codeEnd = headerEnd + header.codeBytes;
  if (codeEnd > bytes.length) throw malformed("its code is longer than the object");
  return {
    header,
    code: bytes.subarray(headerEnd, codeEnd),
    captured: bytes.subarray(codeEnd),
  };
}

function parseHeader(text: string): FunctionHeader {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (cause) {
    throw malformed("its header is no JSON", cause);
  }
  if (typeof fields !== "object" || fields === null) throw malformed("its header is no object");
  const { name, hash, codeBytes, context, url, module, ...rest } = fields as Record<
    string,
    unknown
  >;
  const isSize = Number.isSafeInteger(codeBytes) && (codeBytes as number) >= 0;
  if (!isSize && module === undefined) throw malformed("its header has no codeBytes");
  return {
    name: typeof name === "string" && name !== "" ? name : "anonymous",
    hash: typeof hash === "string" ? hash : "",
    codeBytes: isSize ? (codeBytes as number) : 0,
    context: context === true,
    url: typeof url === "string" ? url : undefined,
    module: typeof module === "string" ? module : undefined,
    export: typeof rest.export === "string" ? rest.export : "default",
  };
}

function malformed(reason: string, cause?: unknown): CallProblem {
  return new CallProblem(`the function's object is malformed: ${reason}`, { cause });
}
