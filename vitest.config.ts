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
    testTimeout: 120_000,
    hookTimeout: 180_000,
    // Skips carry their reason in the test's name; nothing is retried, a flaky test is a bug.
    retry: 0,
  },
});
