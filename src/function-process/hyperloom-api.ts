/**
 * What `require("hyperloom")` gives inside functions: what is needed to make tasks, nothing that
 * needs a client. Imported only when a function asks for it: it loads the protocol's code.
 */
import { LoomError } from "../base/index.js";
import { cpus, Task } from "../graph/index.js";
import { tasks } from "../tasks/index.js";
import { JS_TASK } from "./function-object.js";

/** Stands in for the client's: a module with functions may define several of them. */
function jsTask(fn: (...args: never[]) => unknown, options?: { context?: boolean }): unknown {
  const build = () => {
    const name = fn?.name || "anonymous";
    throw new LoomError(
      "usage",
      `the function made by jsTask from "${name}" makes tasks for a client and can't be called inside ` +
        `a running function: call the plain function instead (its member fn)`,
    );
  };
  return Object.assign(build, { fn, [JS_TASK]: { fn, context: options?.context === true } });
}

export const hyperloom = { tasks, Task, cpus, LoomError, jsTask };
