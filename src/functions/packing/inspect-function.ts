/**
 * What only the engine knows about a function: the script and position it was compiled from
 * and the variables around it, through Node's inspector connected to this very thread. Owns the
 * conversation with the inspector; enables its debugger only for the moment of the question.
 */
import type { Debugger, Runtime, Session } from "node:inspector";
import type { AnyFunction } from "./function-source.js";
import { findInspector } from "./libraries.js";

/** Variables by name. */
export type Scope = Readonly<Record<string, unknown>>;

export interface InspectedFunction {
  /** In the script as it was executed, from 0: somewhere in the function's head. */
  readonly line: number;
  readonly column: number;
  readonly script: {
    /** A file's URL, or its path for CommonJS; anything for code that was evaluated. */
    readonly url: string;
    readonly sourceMapUrl: string;
    readonly isModule: boolean;
    readonly source: string;
  };
  /** Innermost first, without the global object. Only variables that some function uses are there. */
  readonly scopes: readonly Scope[];
}

/** How the inspector's side finds our objects: it evaluates text in this very thread. */
const MEETING_PLACE = "hyperloom.inspectedFunction";

/** Undefined if the inspector can't be used. */
export function inspectFunction(fn: AnyFunction): InspectedFunction | undefined {
  const inspector = findInspector();
  if (inspector === undefined) return undefined;
  const session = new inspector.Session();
  const globals = globalThis as unknown as Record<symbol, unknown>;
  const place = Symbol.for(MEETING_PLACE);
  try {
    session.connect();
    globals[place] = { fn };
    return askAbout(session, globals[place] as { fn: unknown; scope?: Scope });
  } catch {
    // Another context's globalThis, an inspector that is switched off, ...
    return undefined;
  } finally {
    delete globals[place];
    session.disconnect();
  }
}

function askAbout(session: Session, meeting: { fn: unknown; scope?: Scope }): InspectedFunction {
  const scripts = new Map<string, Debugger.ScriptParsedEventDataType>();
  session.on("Debugger.scriptParsed", ({ params }) => scripts.set(params.scriptId, params));
  const ask = <T>(method: string, parameters: object = {}): T => {
    let answer: T | undefined;
    let problem: Error | null = null;
    // Synchronous: the callback has been called when post returns.
    session.post(method, parameters, (error, result) => {
      problem = error;
      answer = result as T;
    });
    if (problem !== null || answer === undefined)
      throw problem ?? new Error(`no answer: ${method}`);
    return answer;
  };
  const propertiesOf = (objectId: string) =>
    ask<Runtime.GetPropertiesReturnType>("Runtime.getProperties", {
      objectId,
      ownProperties: true,
    });

  ask("Debugger.enable");
  try {
    const { result } = ask<Runtime.EvaluateReturnType>("Runtime.evaluate", {
      expression: `globalThis[Symbol.for(${JSON.stringify(MEETING_PLACE)})].fn`,
    });
    const internals = propertiesOf(result.objectId!).internalProperties ?? [];
    const find = (name: string) => internals.find((property) => property.name === name)?.value;
    const location = find("[[FunctionLocation]]")?.value as Debugger.Location;
    const script = scripts.get(location.scriptId)!;
    const scopes: Scope[] = [];
    for (const { value } of propertiesOf(find("[[Scopes]]")!.objectId!).result) {
      if (value?.objectId === undefined || value.description?.startsWith("Global")) continue;
      ask("Runtime.callFunctionOn", {
        objectId: value.objectId,
        functionDeclaration: `function () {
          globalThis[Symbol.for(${JSON.stringify(MEETING_PLACE)})].scope = this;
        }`,
      });
      const { scope } = meeting as { scope?: Scope };
      // The engine wraps the scope's variables, together with this description.
      const wrapped = scope !== undefined && scope.description === value.description;
      if (scope !== undefined) scopes.push(wrapped ? (scope.object as Scope) : scope);
    }
    const { scriptSource } = ask<Debugger.GetScriptSourceReturnType>("Debugger.getScriptSource", {
      scriptId: location.scriptId,
    });
    return {
      line: location.lineNumber,
      column: location.columnNumber ?? 0,
      script: {
        url: script.url,
        sourceMapUrl: script.sourceMapURL ?? "",
        isModule: script.isModule === true,
        source: scriptSource,
      },
      scopes,
    };
  } finally {
    ask("Debugger.disable");
  }
}
