import { chmod, chown, mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { cliWorkload } from "../local/admin-account.ts";
import { databaseUrl, infrastructure, rolesOf } from "../local/databases.ts";
import type { LocalService } from "../local/local-service.ts";
import { openSecrets, type Secrets } from "../local/secrets.ts";
import { manifestEnv } from "../local/service-env.ts";
import { envFile, folders, postgresAddress, redisAddress, userId } from "./places.ts";

export interface MakeSecretsOptions {
  services: readonly Pick<LocalService, "name" | "manifest">[];
  /** Holds a folder for everyone who gets something; see `folders`. */
  root: string;
}

/**
 * Makes every secret of a Compose project, once, and puts into each folder what its program needs and nothing else: the
 * Compose file holds none. May be repeated; what is there is kept. Run by root it gives the folders of Plinth's programs to
 * their user.
 */
export async function makeSecrets({ services, root }: MakeSecretsOptions): Promise<void> {
  const secrets = await openSecrets(path.join(root, folders.ground, "secrets.json"));
  const redisPassword = secrets.entry("plinth-redis", "password");
  for (const role of Object.values(infrastructure)) secrets.databasePassword(role);
  for (const service of services) {
    const schema = service.manifest.spec.database?.schema;
    const roles = schema === undefined ? undefined : rolesOf(schema);
    await writeEnv(path.join(root, folders.service(service.name)), {
      ...manifestEnv({ service, secrets }),
      PLINTH_REDIS_URL: `redis://:${encodeURIComponent(redisPassword)}@${redisAddress}`,
      ...(roles ? { PLINTH_DATABASE_URL: databaseUrl(postgresAddress, secrets, roles.runtime) } : {}),
    });
    if (!roles) continue;
    const access = { PLINTH_DATABASE_URL: databaseUrl(postgresAddress, secrets, roles.ddl) };
    await writeEnv(path.join(root, folders.migration(service.name)), access);
  }
  await writeEnv(path.join(root, folders.service(cliWorkload)), { PLINTH_ADMIN_PASSWORD: adminPassword(secrets) });
  await secrets.save();
  await mkdir(path.join(root, folders.keys), { recursive: true });
  await giveAway(root);
  // Read by the servers' own users, from volumes that nobody else has.
  await write(path.join(root, folders.postgres, "password"), secrets.postgresPassword, 0o644);
  await write(path.join(root, folders.redis, "redis.conf"), redisSettings(redisPassword), 0o644);
}

/** Of the first administrator. */
export const adminPassword = (secrets: Pick<Secrets, "entry">): string =>
  secrets.entry("plinth-administrator", "password");

const redisSettings = (password: string): string =>
  ["dir /data", "appendonly no", 'save ""', `requirepass "${password}"`, ""].join("\n");

async function writeEnv(folder: string, env: Record<string, string>): Promise<void> {
  const lines = Object.entries(env).map(([name, value]) => `${name}=${quoted(name, value)}\n`);
  await write(path.join(folder, envFile), lines.join(""), 0o600);
}

/** Node takes what is between quotes as it is, but for \n between double ones; it knows no way to escape a quote. */
function quoted(name: string, value: string): string {
  const quote = ["'", '"', "`"].find((candidate) => !value.includes(candidate));
  if (quote === undefined || (quote === '"' && value.includes("\\n")))
    throw new Error(`${name} has a value that an environment file cannot hold: it has all three kinds of quotes`);
  return quote + value + quote;
}

async function write(file: string, text: string, mode: number): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text, { mode });
  await chmod(file, mode);
}

async function giveAway(folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    await chown(path.join(entry.parentPath, entry.name), userId, userId);
}
