import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["e2e/mesh/*.test.ts"],
    globalSetup: ["e2e/platform/global-setup.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 300_000,
    // Istio's images are built in it.
    hookTimeout: 60 * 60_000,
    retry: 0,
  },
});
