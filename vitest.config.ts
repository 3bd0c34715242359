import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{packages,services,operator,cli,examples,sdk,tools}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**", "**/.plinth/**"],
    globalSetup: [
      "packages/testing/src/postgres/global-setup.ts",
      "packages/testing/src/redis/global-setup.ts",
      "packages/testing/src/kafka/global-setup.ts",
    ],
    pool: "forks",
    maxWorkers: 2,
    // Only what hangs is to end by these: with everything else on its two cores, a machine is five times as slow at times.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Skips carry their reason in the test's name; nothing is retried, a flaky test is a bug.
    retry: 0,
  },
});
