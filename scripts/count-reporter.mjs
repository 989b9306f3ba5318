/**
 * vitest reporter that writes how many tests passed and failed to the file LOOM_TEST_COUNTS.
 * A file that could not be collected, or a hook that failed, counts as one failure. Used by
 * test.mjs.
 */
import { writeFileSync } from "node:fs";

export default class CountReporter {
  onTestRunEnd(testModules, unhandledErrors) {
    let passed = 0;
    let failed = unhandledErrors.length;
    for (const testModule of testModules) {
      for (const test of testModule.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") passed += 1;
        if (state === "failed") failed += 1;
      }
      const suites = [testModule, ...testModule.children.allSuites()];
      failed += suites.filter((suite) => suite.errors().length > 0).length;
    }
    if (process.env.LOOM_TEST_COUNTS) {
      writeFileSync(process.env.LOOM_TEST_COUNTS, JSON.stringify({ passed, failed }));
    }
  }
}
