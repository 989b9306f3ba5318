/**
 * A function's own text: what kind of function it is and which names it uses. Owns what can be
 * told without the file it stands in; refuses what can't travel in any way.
 */
import { LoomError } from "../../base/index.js";
import {
  isFunction,
  parse,
  type RangedFunction,
  type RangedNode,
  type Syntax,
  usesIn,
  walk,
} from "./syntax.js";

// biome-ignore lint/complexity/noBannedTypes: any function at all
export type AnyFunction = Function;

export type FunctionKind = "arrow" | "function" | "method";

/** What functions must have in common to be the same one, whatever a loader did to them. */
export interface FunctionShape {
  readonly kind: FunctionKind;
  readonly async: boolean;
  readonly generator: boolean;
  readonly parameters: number;
  /** Functions inside of it. */
  readonly inner: number;
}

export interface FunctionSource {
  /** As `fn.toString()` gives it. */
  readonly text: string;
  /** An expression that gives the function: `before + text + after`. */
  readonly before: string;
  readonly after: string;
  /** Of the whole expression. */
  readonly syntax: Syntax;
  readonly shape: FunctionShape;
  /** The most arguments it can take; Infinity with a rest parameter or `arguments`. */
  readonly maxArguments: number;
  readonly freeNames: ReadonlySet<string>;
  /** It has `import(...)` or `import.meta`, which mean something only in its file. */
  readonly usesImport: boolean;
}

/** How a function of this kind becomes an expression. */
export function expressionAround(kind: FunctionKind): { before: string; after: string } {
  return kind === "method"
    ? { before: "Object.values({ ", after: " })[0]" }
    : { before: "(", after: ")" };
}

/** @throws LoomError("usage") for functions without text of their own, and for classes */
export function readFunction(fn: AnyFunction, name: string): FunctionSource {
  const text = Function.prototype.toString.call(fn);
  if (/\{\s*\[native code\]\s*\}$/.test(text)) {
    throw refused(name, "is a bound or native function; wrap it in an arrow function");
  }
  if (/^class\b/.test(text)) throw refused(name, "is a class; wrap it in an arrow function");
  for (const kind of ["function", "method"] as const) {
    const { before, after } = expressionAround(kind);
    let syntax: Syntax;
    try {
      syntax = parse(before + text + after);
    } catch {
      continue;
    }
    return describe(syntax, text, kind, name);
  }
  if (/\bnew\s*\.\s*target\b/.test(text)) throw usesAround(name, "new.target");
  throw refused(
    name,
    "has a text that can't be read outside of its class or object; wrap it in an arrow function",
  );
}

function describe(
  syntax: Syntax,
  text: string,
  wrapped: "function" | "method",
  name: string,
): FunctionSource {
  const { before, after } = expressionAround(wrapped);
  let node: RangedFunction | undefined;
  walk(syntax.program, (inner) => {
    if (inner.type === "Property" && node === undefined && inner.kind !== "init") {
      throw refused(name, "is a getter or setter; wrap it in an arrow function");
    }
    if (isFunction(inner)) node ??= inner;
    return node === undefined;
  });
  if (node === undefined) throw refused(name, "has no function in its text");
  const kind = kindOf(node, wrapped === "method");
  checkLexicalNames(node, name);
  const range = { start: before.length, end: before.length + text.length };
  const uses = usesIn(syntax, range);
  let usesImport = false;
  let usesArguments = false;
  walk(node, (inner) => {
    if (inner.type === "ImportExpression") usesImport = true;
    if (inner.type === "MetaProperty" && inner.meta.name === "import") usesImport = true;
    if (inner.type === "Identifier" && inner.name === "arguments") usesArguments = true;
    return undefined;
  });
  const open = usesArguments || node.params.at(-1)?.type === "RestElement";
  return {
    text,
    before,
    after,
    syntax,
    shape: shapeOf(node, kind),
    maxArguments: open ? Number.POSITIVE_INFINITY : node.params.length,
    freeNames: new Set(uses.map((use) => use.name)),
    usesImport,
  };
}

export function kindOf(node: RangedFunction, isMethod: boolean): FunctionKind {
  if (isMethod) return "method";
  return node.type === "ArrowFunctionExpression" ? "arrow" : "function";
}

export function shapeOf(node: RangedFunction, kind: FunctionKind): FunctionShape {
  return {
    kind,
    async: node.async === true,
    generator: node.generator === true,
    parameters: node.params.length,
    inner: countFunctions(node) - 1,
  };
}

function countFunctions(node: RangedNode): number {
  let count = 0;
  walk(node, (inner) => {
    if (isFunction(inner)) count++;
    return undefined;
  });
  return count;
}

/** Inner functions aside: some loaders make more of them. */
export function sameShape(a: FunctionShape, b: FunctionShape): boolean {
  return (
    a.kind === b.kind &&
    a.async === b.async &&
    a.generator === b.generator &&
    a.parameters === b.parameters
  );
}

/** What belongs to the function or object around it can't travel. */
function checkLexicalNames(fn: RangedFunction, name: string): void {
  const arrow = fn.type === "ArrowFunctionExpression";
  const refuse = (what: string) => usesAround(name, what);
  const visit = (ownThis: boolean, ownSuper: boolean) => (node: RangedNode) => {
    if (node === fn) return undefined;
    if (node.type === "ThisExpression" && !ownThis) throw refuse("this");
    if (node.type === "Super" && !ownSuper) throw refuse("super");
    if (node.type === "MetaProperty" && node.meta.name === "new" && !ownThis) {
      throw refuse("new.target");
    }
    if (node.type === "Identifier" && node.name === "arguments" && !ownThis) {
      throw refuse("arguments");
    }
    if (node.type === "MemberExpression" && !node.computed) {
      walk(node.object as RangedNode, visit(ownThis, ownSuper));
      return false;
    }
    if (node.type === "Property" && !node.computed) {
      const own = ownSuper || node.method || node.kind !== "init";
      walk(node.value as RangedNode, visit(ownThis, own));
      return false;
    }
    if (node.type === "FunctionExpression" || node.type === "FunctionDeclaration") {
      if (ownThis) return undefined;
      for (const part of [...node.params, node.body])
        walk(part as RangedNode, visit(true, ownSuper));
      return false;
    }
    if (node.type === "ClassBody") {
      for (const member of node.body) {
        if ("computed" in member && member.computed) {
          walk(member.key as RangedNode, visit(ownThis, ownSuper));
        }
        const value = member.type === "StaticBlock" ? member.body : [member.value];
        for (const part of value) if (part) walk(part as RangedNode, visit(true, true));
      }
      return false;
    }
    return undefined;
  };
  walk(fn, visit(!arrow, false));
}

function usesAround(name: string, what: string): LoomError {
  return refused(name, `uses \`${what}\` of what is around it; pass what it needs as arguments`);
}

/** The error for a function that can't travel. `problem` continues: function "f" ... */
export function refused(name: string, problem: string, cause?: unknown): LoomError {
  const what = name === "" ? "the function" : `function "${name}"`;
  return new LoomError("usage", `${what} can't run on workers: it ${problem}`, { cause });
}
