/**
 * What `require("hyperloom")` gives inside functions: what is needed to make tasks, nothing that
 * needs a client. Imported only when a function asks for it: it loads the protocol's code.
 */
import { LoomError } from "../base/index.js";
import { jsTask } from "../functions/index.js";
import { cpus, Task } from "../graph/index.js";
import { tasks } from "../tasks/index.js";

export const hyperloom = { tasks, Task, cpus, LoomError, jsTask };
