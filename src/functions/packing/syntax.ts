/**
 * JavaScript text as a syntax tree with its scopes. Owns parsing, walking and which variables a
 * stretch of text uses; what becomes of them is decided elsewhere in packing.
 */
import type { Reference, ScopeManager, Variable } from "eslint-scope";
import type { Function as FunctionNode, Node, Program } from "estree";
import { acorn, eslintScope } from "./libraries.js";

/** Offsets into the text, as acorn sets them. */
export interface Range {
  readonly start: number;
  readonly end: number;
}
export type RangedNode = Node & Range;
export type RangedFunction = FunctionNode & Range;

/** A parsed text. */
export interface Syntax {
  readonly text: string;
  readonly program: Program & Range;
  readonly references: readonly Reference[];
}

/** How a variable is used in a stretch of text that does not define it. */
export interface Use {
  readonly name: string;
  /** Undefined: nothing in the text defines it. */
  readonly variable: Variable | undefined;
}

/** @throws SyntaxError */
export function parse(text: string): Syntax {
  let program: Program & Range;
  let sourceType: "module" | "commonjs" = "module";
  try {
    program = parseAs(text, "module");
  } catch (error) {
    try {
      program = parseAs(text, "script");
    } catch {
      throw error;
    }
    sourceType = "commonjs";
  }
  const scopes = eslintScope().analyze(program, { ecmaVersion: 2022, sourceType });
  return { text, program, references: allReferences(scopes) };
}

function parseAs(text: string, sourceType: "module" | "script"): Program & Range {
  const program = acorn().parse(text, {
    ecmaVersion: "latest",
    sourceType,
    ranges: true,
    allowHashBang: true,
    allowReturnOutsideFunction: true,
    allowSuperOutsideMethod: true,
  });
  return program as unknown as Program & Range;
}

function allReferences(scopes: ScopeManager): Reference[] {
  return scopes.scopes.flatMap((scope) => scope.references);
}

/** The variables that are used between `start` and `end` and defined elsewhere, each once. */
export function usesIn(syntax: Syntax, { start, end }: Range): Use[] {
  const uses = new Map<Variable | string, Use>();
  for (const reference of syntax.references) {
    const identifier = reference.identifier as unknown as Range & { name: string };
    if (identifier.start < start || identifier.end > end) continue;
    const variable = reference.resolved ?? undefined;
    if (variable !== undefined) {
      const block = variable.scope.block as unknown as Range & { type: string };
      if (block.type !== "Program" && block.start >= start && block.end <= end) continue;
    }
    uses.set(variable ?? identifier.name, { name: identifier.name, variable });
  }
  return [...uses.values()];
}

/** Visits the node and what is in it, parents first; `visit` returns false to leave a part out. */
export function walk(node: RangedNode, visit: (node: RangedNode) => boolean | undefined): void {
  if (visit(node) === false) return;
  for (const child of childrenOf(node)) walk(child, visit);
}

function childrenOf(node: RangedNode): RangedNode[] {
  const children: RangedNode[] = [];
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === "string" && typeof child.start === "number") children.push(child);
    }
  }
  return children;
}

export function isFunction(node: Node): node is RangedFunction {
  return (
    node.type === "FunctionDeclaration" ||
    node.type === "FunctionExpression" ||
    node.type === "ArrowFunctionExpression"
  );
}

/** Variables' names in a pattern: `{ a, b: [c] }` → a, c. */
export function namesIn(pattern: RangedNode): string[] {
  const names: string[] = [];
  walk(pattern, (node) => {
    if (node.type === "Identifier") names.push(node.name);
    else if (node.type === "Property") {
      names.push(...namesIn(node.value as RangedNode));
      return false;
    } else if (node.type === "AssignmentPattern") {
      names.push(...namesIn(node.left as RangedNode));
      return false;
    }
    return undefined;
  });
  return names;
}
