/**
 * What a function takes along from its file. Owns the rules:
 *
 * - imports, and top-level functions, classes and `require`s travel as code, with what they use;
 * - other variables whose present value is plain data travel as that value;
 * - other top-level variables travel as their initialiser's code, run again on the worker;
 * - everything else is refused, with the function, the variable and what it is.
 */
import type { Definition, Variable } from "eslint-scope";
import type { ImportDeclaration, VariableDeclaration, VariableDeclarator } from "estree";
import { refused } from "./function-source.js";
import type { Scope } from "./inspect-function.js";
import { describeValue, findObstacle } from "./plain-data.js";
import { namesIn, type Range, type RangedNode, type Use, usesIn, walk } from "./syntax.js";
import type { UserFile } from "./user-file.js";

/** A stretch of top-level code that travels. */
export interface KeptCode extends Range {
  /** Put before it, e.g. "const "; the code of a variable is its declarator's only. */
  readonly keyword: string;
  /** Where the specifier of an import is. */
  readonly importSource: (Range & { readonly value: string }) | undefined;
}

export interface Selection {
  /** In the order of the text. */
  readonly kept: readonly KeptCode[];
  /** Values of top-level variables. */
  readonly captured: ReadonlyMap<string, unknown>;
  /** Values of variables of the functions and blocks around the function. */
  readonly closure: ReadonlyMap<string, unknown>;
}

/** `fn`: the function's text in the file; `scopes`: what the engine knows, innermost first. */
export function selectCode(
  file: UserFile,
  fn: Range,
  scopes: readonly Scope[],
  name: string,
): Selection {
  return new Selector(file, scopes, name).select(fn);
}

/** A use, and the names through which the function comes to it. */
interface OpenUse extends Use {
  readonly via: readonly string[];
}

type Origin =
  | { readonly kind: "import"; readonly node: ImportDeclaration & Range }
  | { readonly kind: "declaration"; readonly node: RangedNode }
  | {
      readonly kind: "variable";
      readonly node: VariableDeclarator & Range;
      readonly keyword: string;
    }
  /** A top-level variable without code of its own, e.g. of a top-level `for (var ...)`. */
  | { readonly kind: "value" }
  | { readonly kind: "closure" };

class Selector {
  private readonly kept = new Map<RangedNode, KeptCode>();
  private readonly captured = new Map<string, unknown>();
  private readonly closure = new Map<string, unknown>();
  private readonly seen = new Set<Variable>();
  private readonly topLevel: Set<unknown>;
  private readonly open: OpenUse[] = [];

  constructor(
    private readonly file: UserFile,
    private readonly scopes: readonly Scope[],
    private readonly name: string,
  ) {
    this.topLevel = new Set(
      file.syntax.program.body.map((statement) =>
        "declaration" in statement && statement.declaration ? statement.declaration : statement,
      ),
    );
  }

  select(fn: Range): Selection {
    this.addUses(fn, []);
    for (let use = this.open.pop(); use !== undefined; use = this.open.pop()) this.resolve(use);
    for (const node of this.kept.keys()) {
      if (node.type !== "VariableDeclarator") continue;
      // The code defines all names of its pattern, also those whose value could travel.
      for (const name of namesIn(node.id as RangedNode)) this.captured.delete(name);
    }
    const kept = [...this.kept.values()].sort((a, b) => a.start - b.start);
    return { kept, captured: this.captured, closure: this.closure };
  }

  private addUses(range: Range, via: readonly string[]): void {
    for (const use of usesIn(this.file.syntax, range)) this.open.push({ ...use, via });
  }

  private resolve(use: OpenUse): void {
    const { variable } = use;
    if (variable === undefined) {
      this.checkGlobal(use);
      return;
    }
    if (this.seen.has(variable)) return;
    this.seen.add(variable);
    const origin = this.originOf(variable);
    const reassigned = variable.references.some((one) => one.isWrite() && !one.init);
    switch (origin.kind) {
      case "import":
        this.keep(origin.node, use);
        return;
      case "declaration":
        if (reassigned) throw this.refuse(use, "is assigned to after its declaration", RENAME);
        this.keep(origin.node, use);
        return;
      case "closure":
        this.captureClosure(use);
        return;
      case "value":
        this.captureTop(use, undefined);
        return;
      case "variable": {
        const init = (origin.node.init ?? undefined) as RangedNode | undefined;
        if (!reassigned && init !== undefined && isCode(init)) {
          this.keep(origin.node, use, origin.keyword);
        } else {
          const again = reassigned || init === undefined ? undefined : origin;
          this.captureTop(use, again);
        }
      }
    }
  }

  private originOf(variable: Variable): Origin {
    const definition = variable.defs.at(-1) as Definition | undefined;
    const node = definition?.node as RangedNode | undefined;
    const parent = definition?.parent as RangedNode | undefined;
    if (definition?.type === "ImportBinding") {
      return { kind: "import", node: parent as ImportDeclaration & Range };
    }
    const top = variable.scope.block.type === "Program";
    if (!top || node === undefined) return { kind: "closure" };
    if (this.topLevel.has(node)) return { kind: "declaration", node };
    if (this.topLevel.has(parent) && node.type === "VariableDeclarator") {
      const { kind } = parent as VariableDeclaration & Range;
      // What is disposed of at the end of this program is nothing to be made again elsewhere.
      if (kind === "using" || kind === "await using") return { kind: "value" };
      return { kind: "variable", node, keyword: `${kind} ` };
    }
    return { kind: "value" };
  }

  private captureTop(
    use: OpenUse,
    code: { node: VariableDeclarator & Range; keyword: string } | undefined,
  ): void {
    // From outside: a variable of the same name nearer to the function is another one.
    const executed = this.executedName(use);
    const scope = this.scopes.findLast((one) => Object.hasOwn(one, executed));
    if (scope === undefined && code !== undefined) {
      this.keep(code.node, use, code.keyword);
      return;
    }
    const value = scope?.[executed];
    const obstacle = findObstacle(value, false);
    if (obstacle === undefined) {
      this.captured.set(use.name, value);
    } else if (code === undefined || MEANT_FOR_HERE.test(obstacle.what)) {
      throw this.refuseValue(use, value, obstacle.path, obstacle.what);
    } else if (hasTopLevelAwait(code.node)) {
      throw this.refuse(
        use,
        `is ${describeValue(value)} that a top-level await made, which can't be repeated there`,
        "make it inside the function",
      );
    } else {
      this.keep(code.node, use, code.keyword);
    }
  }

  private captureClosure(use: OpenUse): void {
    if (use.name === "arguments" && use.variable?.defs.length === 0) {
      throw this.refuse(use, "belongs to the function around it", PASS);
    }
    const executed = this.executedName(use);
    const value = this.scopes.find((one) => Object.hasOwn(one, executed))?.[executed];
    const obstacle = findObstacle(value, false);
    if (obstacle !== undefined) throw this.refuseValue(use, value, obstacle.path, obstacle.what);
    this.closure.set(use.name, value);
  }

  /** The name under which the engine knows the variable. */
  private executedName({ name, variable }: OpenUse): string {
    const identifiers = [
      ...(variable?.references ?? []).map((reference) => reference.identifier),
      ...(variable?.identifiers ?? []),
    ];
    const counts = new Map<string, number>();
    for (const identifier of identifiers) {
      const executed = this.file.executedNameAt((identifier as unknown as Range).start);
      if (executed !== undefined) counts.set(executed, (counts.get(executed) ?? 0) + 1);
    }
    // Most say the same; where the text was changed, as in `{ a: a2 }`, one may say another.
    return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? name;
  }

  private checkGlobal(use: OpenUse): void {
    const { name } = use;
    if (name === "module" || name === "exports") {
      throw this.refuse(use, "belongs to its file", "use the names of functions and variables");
    }
    if (isGlobalOfNode(name) || !Object.hasOwn(globalThis, name)) return;
    throw this.refuse(use, "is a global variable that this program has made", PASS);
  }

  private keep(node: RangedNode, use: OpenUse, keyword = ""): void {
    if (this.kept.has(node)) return;
    const importSource =
      node.type === "ImportDeclaration"
        ? (node.source as unknown as Range & { value: string })
        : undefined;
    const { start, end } = node;
    this.kept.set(node, { start, end, keyword, importSource });
    if (importSource === undefined) this.addUses(node, [...use.via, use.name]);
  }

  private refuseValue(use: OpenUse, value: unknown, path: string, what: string): Error {
    const is = path === "" ? `is ${what}` : `is ${describeValue(value)} with ${what} at ${path}`;
    if (!MEANT_FOR_HERE.test(what)) return this.refuse(use, is, PASS);
    const remedy = what === "a Client" ? "make it inside the function" : "pass it as an input";
    return this.refuse(use, is, remedy);
  }

  private refuse(use: OpenUse, problem: string, remedy: string): Error {
    const [first, ...rest] = [...use.via, use.name].map((name) => `"${name}"`);
    const chain = [`uses ${first}`, ...rest.map((name) => `uses ${name}`)].join(", which ");
    return refused(this.name, `${chain}, which ${problem}; ${remedy}`);
  }
}

const PASS = "pass it as a direct argument, or define it at the top level of the module";
const RENAME = "give it a name of its own";

/** Mean something only in this program, whoever makes them. */
const MEANT_FOR_HERE = /^(a task|a future|a Client)$/;

/** Code that means the same wherever it runs. */
function isCode(init: RangedNode): boolean {
  switch (init.type) {
    case "FunctionExpression":
    case "ArrowFunctionExpression":
    case "ClassExpression":
      return true;
    case "CallExpression":
      return init.callee.type === "Identifier" && init.callee.name === "require";
    default:
      return false;
  }
}

function hasTopLevelAwait(node: RangedNode): boolean {
  let found = false;
  walk(node, (inner) => {
    if (inner.type === "AwaitExpression") found = true;
    return inner.type !== "FunctionExpression" && inner.type !== "ArrowFunctionExpression";
  });
  return found;
}

/** Node's own enumerable globals. Programs' are enumerable, almost all of Node's are not. */
const ENUMERABLE_GLOBALS = new Set([
  ..."global clearImmediate setImmediate clearInterval clearTimeout setInterval".split(" "),
  ..."setTimeout queueMicrotask structuredClone atob btoa performance fetch".split(" "),
  ..."navigator crypto".split(" "),
]);

/** Whether every Node process has it. */
export function isGlobalOfNode(name: string): boolean {
  const property = Object.getOwnPropertyDescriptor(globalThis, name);
  return property !== undefined && (!property.enumerable || ENUMERABLE_GLOBALS.has(name));
}
