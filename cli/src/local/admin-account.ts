import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { Clock } from "@plinth/kernel";
import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import { replaceFile } from "./replace-file.ts";

/** The first administrator, kept in a file that only its owner can read. */
export interface AdminAccount {
  email: string;
  password: string;
  /** Absent until the account exists in the platform. */
  userId?: string;
}

/** The name under which the CLI calls services; authz makes it an administrator. */
export const cliWorkload = "plinth-cli";

const adminEmail = "admin@plinth.localhost";
const callTimeoutMs = 15_000;
const patienceMs = 10_000;

export interface AdminAccountOptions {
  file: string;
  /** Base URLs of the services themselves: a workload token does not pass the gateway. */
  identityUrl: string;
  authzUrl: string;
  workloadToken: string;
  clock: Clock;
}

/**
 * Makes sure that there is an administrator whose password is known. Does nothing when there is; an account whose file
 * was lost gets a new password.
 */
export async function ensureAdminAccount(options: AdminAccountOptions): Promise<AdminAccount> {
  const existing = await readAdminAccount(options.file);
  if (existing?.userId !== undefined) return existing;
  const account: AdminAccount = existing ?? { email: adminEmail, password: randomBytes(18).toString("base64url") };
  // Before the account exists: a crash in between must not leave an account whose password nobody knows.
  await replaceFile(options.file, format(account));
  const userId = await patiently(options.clock, () => ensureUser(account, options));
  const authz = createClient(AuthzService, transport(options.authzUrl, options.workloadToken));
  const admin = { object: "platform:plinth", relation: "admin", subject: `user:${userId}` };
  await patiently(options.clock, () => authz.writeRelationships({ writes: [admin], idempotent: true }));
  const complete = { ...account, userId };
  await replaceFile(options.file, format(complete));
  return complete;
}

export async function readAdminAccount(file: string): Promise<AdminAccount | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as AdminAccount);
}

async function ensureUser({ email, password }: AdminAccount, options: AdminAccountOptions): Promise<string> {
  const identity = createClient(IdentityService, transport(options.identityUrl, options.workloadToken));
  try {
    return (await identity.createUser({ email, password, displayName: "Administrator" })).id;
  } catch (err) {
    if (!(err instanceof ConnectError) || err.code !== Code.AlreadyExists) throw err;
  }
  const { users } = await identity.listUsers({ filter: { email }, pageSize: 1 });
  const [user] = users;
  if (!user) throw new Error(`identity says that ${email} exists but does not list it`);
  await identity.setPassword({ id: user.id, password });
  return user.id;
}

/** Services that have just become ready may still look for each other. */
async function patiently<T>(clock: Clock, call: () => Promise<T>): Promise<T> {
  const deadline = clock.monotonicMs() + patienceMs;
  for (;;) {
    try {
      return await call();
    } catch (err) {
      const away = err instanceof ConnectError && err.code === Code.Unavailable;
      if (!away || clock.monotonicMs() > deadline) {
        throw new Error(`the first administrator could not be made: ${(err as Error).message}`, { cause: err });
      }
      await clock.sleep(100);
    }
  }
}

function transport(baseUrl: string, token: string) {
  const withToken: Interceptor = (next) => (request) => {
    request.header.set("x-plinth-workload-token", token);
    return next(request);
  };
  return createConnectTransport({
    baseUrl,
    httpVersion: "1.1",
    interceptors: [withToken],
    defaultTimeoutMs: callTimeoutMs,
    readMaxBytes: 4 * 1024 * 1024,
  });
}

const format = (account: AdminAccount): string => `${JSON.stringify(account, null, 2)}\n`;
