import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { Clock, Logger } from "@plinth/kernel";
import { cliWorkload } from "../local/admin-account.ts";
import { createDatabases } from "../local/databases.ts";
import type { LocalService } from "../local/local-service.ts";
import { openSecrets } from "../local/secrets.ts";
import { createWorkloadTokens } from "../local/workload-tokens.ts";
import { folders, jwksFile } from "./places.ts";

export interface KeepGroundOptions {
  services: readonly Pick<LocalService, "name" | "manifest">[];
  /** Filled by makeSecrets. */
  root: string;
  postgres: { host: string; port: number };
  /** Written when everything is there. */
  readyFile: string;
  logger: Logger;
  clock: Clock;
}

/**
 * What services of a Compose project stand on: database, schemas and roles, and workload tokens, which are kept fresh until
 * `stop` is called. Safe to repeat.
 */
export async function keepGround(options: KeepGroundOptions): Promise<{ stop(): Promise<void> }> {
  const { services, root, postgres, logger, clock } = options;
  const secrets = await openSecrets(path.join(root, folders.ground, "secrets.json"));
  const url = (database: string) =>
    `postgres://postgres:${secrets.postgresPassword}@${postgres.host}:${postgres.port}/${database}`;
  const databases = createDatabases({ ...postgres, url }, secrets);
  await databases.ensureDatabase();
  await databases.ensureInfrastructure();
  for (const { name, manifest } of services) {
    const schema = manifest.spec.database?.schema;
    if (schema !== undefined) await databases.ensureSchema(schema, name);
  }
  const tokens = createWorkloadTokens({
    privateKey: secrets.workloadKey,
    directory: root,
    jwksFile: path.join(root, folders.keys, jwksFile),
    clock,
    logger,
  });
  await tokens.start?.();
  for (const name of [...services.map((service) => service.name), cliWorkload]) await tokens.fileFor(name);
  await writeFile(options.readyFile, "");
  logger.info({ services: services.map(({ name }) => name) }, "schemas, roles and workload tokens are there");
  return { stop: async () => tokens.stop?.(AbortSignal.timeout(1_000)) };
}
