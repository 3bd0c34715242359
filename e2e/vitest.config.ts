import { defineConfig } from "vitest/config";
import { BaseSequencer } from "vitest/node";

/** In the order of their names: the first installs the platform, the last removes it. */
class ByName extends BaseSequencer {
  override async sort(files: Parameters<BaseSequencer["sort"]>[0]): ReturnType<BaseSequencer["sort"]> {
    return files.toSorted((a, b) => (a.moduleId < b.moduleId ? -1 : 1));
  }
}

export default defineConfig({
  test: {
    include: ["e2e/suites/*.test.ts"],
    globalSetup: ["e2e/platform/global-setup.ts"],
    pool: "forks",
    // One cluster, one platform: one suite after the other.
    fileParallelism: false,
    maxWorkers: 1,
    sequence: { sequencer: ByName },
    testTimeout: 1_200_000,
    hookTimeout: 1_800_000,
    retry: 0,
    bail: 0,
  },
});
