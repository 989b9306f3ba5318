#!/usr/bin/env node
/** `loom-server`: the same as `loom server`. */
import { createSingle, runProgram } from "./program.js";

await runProgram((onExitCode) => createSingle("server", onExitCode), process.argv.slice(2));
