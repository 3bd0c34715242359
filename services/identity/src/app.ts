import { readFile } from "node:fs/promises";
import { ConfigError } from "@plinth/kernel";
import type { ServiceDefinition } from "@plinth/service";
import { config } from "./config.ts";
import { normalizePassword, type PasswordPolicy } from "./domain/password-policy.ts";
import { onUserDataErased } from "./events/on-user-data-erased.ts";
import { createBcryptWorkers } from "./passwords/bcrypt-workers.ts";
import { createPasswordHasher } from "./passwords/password-hasher.ts";
import { createWorkLimit } from "./passwords/work-limit.ts";
import { routes } from "./routes.ts";
import { createPostgresErasureStore } from "./store/postgres-erasure-store.ts";
import { createPostgresUserStore } from "./store/postgres-user-store.ts";

/** Beside this file as TypeScript, beside the bundle as JavaScript. */
const workerFile = new URL(
  import.meta.url.endsWith(".ts") ? "./bcrypt.worker.ts" : "./bcrypt.worker.js",
  import.meta.url,
);

export const identity: ServiceDefinition<typeof config> = {
  name: "identity",
  version: "0.1.0",
  config,
  uses: { database: true, bus: true },
  comments: async () => (await import("@plinth/proto/comments/plinth/identity/v1")).comments,
  async compose({ database, bus, clock, random }, settings) {
    const bcrypt = createBcryptWorkers(workerFile);
    const limit = createWorkLimit({ concurrencyMax: settings.hashConcurrencyMax, queueMax: settings.hashQueueMax });
    const cost = { memoryKiB: settings.argon2MemoryKiB, iterations: settings.argon2Iterations, parallelism: 1 };
    const hasher = createPasswordHasher(cost, limit, bcrypt);
    const policy: PasswordPolicy = {
      lengthMin: settings.passwordLengthMin,
      blocked: await readBlocklist(settings.blocklistFile),
    };
    const users = createPostgresUserStore(database, clock);
    const erasures = createPostgresErasureStore(database);
    const expected = settings.erasureServices;
    return {
      services: [routes({ users, hasher, policy, clock, random, erasures, erasureServices: expected })],
      workers: [bcrypt, hasher, onUserDataErased({ bus, database, erasures, expected, clock })],
    };
  },
};

async function readBlocklist(file: string | undefined): Promise<ReadonlySet<string>> {
  if (file === undefined) return new Set();
  const text = await readFile(file, "utf8").catch((err: Error) => {
    throw new ConfigError([`PLINTH_IDENTITY_BLOCKLIST_FILE cannot be read: ${err.message}`]);
  });
  return new Set(
    text
      .split("\n")
      .map((line) => normalizePassword(line.trimEnd()))
      .filter(Boolean),
  );
}
