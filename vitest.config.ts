import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Builds dist/ before, looks for processes and files left behind after.
    globalSetup: ["scripts/vitest-setup.mjs"],
    // Two cores: more files at once only makes real processes slower.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
