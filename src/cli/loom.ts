#!/usr/bin/env node
/** `loom`: all commands. */
import { createLoom, runProgram } from "./program.js";

await runProgram(createLoom, process.argv.slice(2));
