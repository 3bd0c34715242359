import path from "node:path";
import { defineConfig } from "vitest/config";

const root = path.resolve(import.meta.dirname, "../..");
const shared = { root, pool: "forks", retry: 0 } as const;

/** Every driver that has a server: its contract suite, where the server is a container of the production image's name. */
const contracts = [
  "packages/testing/test/either-way.test.ts",
  "packages/bus/test/kafka-bus.test.ts",
  "packages/bus/test/postgres-bus.test.ts",
  "packages/bus/test/outbox-relay.test.ts",
  "packages/cache/test/redis-cache.test.ts",
  "packages/discovery/test/postgres-discovery.test.ts",
  "packages/postgres/test/{migrate,outbox,provision}.test.ts",
  "services/authz/test/authz-store.test.ts",
  "services/gateway/test/redis-rate-limiter.test.ts",
];

export default defineConfig({
  root,
  test: {
    // The stack is mostly waited for, so the contract suites run beside it.
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...{ ...shared, name: "compose", include: ["e2e/docker/suites/compose.test.ts"] },
          ...{ testTimeout: 600_000, hookTimeout: 1_800_000 },
        },
      },
      {
        test: {
          ...{ ...shared, name: "containers", include: ["e2e/docker/suites/containers.test.ts", ...contracts] },
          globalSetup: ["postgres", "redis", "kafka"].map((name) => `packages/testing/src/${name}/global-setup.ts`),
          ...{ testTimeout: 120_000, hookTimeout: 300_000 },
        },
      },
    ],
  },
});
