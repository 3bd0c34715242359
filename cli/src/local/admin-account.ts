import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Clock } from "@plinth/kernel";
import { ensureAdministrator } from "../admin/ensure-administrator.ts";
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
const patienceMs = 60_000;

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
  const { identityUrl, authzUrl, workloadToken, clock } = options;
  const { userId } = await ensureAdministrator({
    ...{ email: account.email, password: account.password },
    // The file was lost: without a new password nobody could sign in any more.
    ifThere: "set password",
    ...{ identityUrl, authzUrl, workloadToken, clock, patienceMs },
  });
  const complete = { ...account, userId };
  await replaceFile(options.file, format(complete));
  return complete;
}

export async function readAdminAccount(file: string): Promise<AdminAccount | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as AdminAccount);
}

const format = (account: AdminAccount): string => `${JSON.stringify(account, null, 2)}\n`;
