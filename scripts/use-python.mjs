/**
 * `node --import ./scripts/use-python.mjs …`, or imported: workers started from here run Python
 * functions with the checkout's environment, unless LOOM_PYTHON names another interpreter.
 * Used by `npm run demo`, `npm run bench` and the tests.
 */
import { findPython } from "./python-environment.mjs";

const python = findPython();
if (python !== undefined) process.env.LOOM_PYTHON ??= python;
