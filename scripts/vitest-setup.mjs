/**
 * Around a whole run of vitest: builds dist/ once before it (tests start real processes), has
 * workers use the checkout's Python, and fails the run when something of it is left behind.
 * Called by vitest (globalSetup).
 */
import { build, buildIsStale } from "./build.mjs";
import { beginRun, reportLeftovers } from "./leftovers.mjs";
import "./use-python.mjs";

const VITESTS_OWN = /node_modules.*(vitest|esbuild)/;

export default function setup() {
  if (buildIsStale() && !build()) {
    console.warn("The build has errors (above): tests run with what could be compiled.");
  }
  const run = beginRun();
  Object.assign(process.env, run.env);

  return async function teardown() {
    const leftovers = await run.end((command) => VITESTS_OWN.test(command));
    reportLeftovers(leftovers);
    // vitest reports an error thrown here, but exits with 0.
    if (leftovers.length > 0) process.exitCode = 1;
  };
}
