#!/usr/bin/env node
/** `loom-worker`: the same as `loom worker`. */
import { createSingle, runProgram } from "./program.js";

await runProgram((onExitCode) => createSingle("worker", onExitCode), process.argv.slice(2));
