// Types as a user sees them; compiled in a folder of its own, never run.
import { createPlinth, isFault, items, type Plinth, pages, type Session } from "@plinth/sdk";
import type { Entry } from "@plinth/sdk/audit";
import { LogService } from "@plinth/sdk/audit-log";
import { AuthService, type Session as DeviceSession } from "@plinth/sdk/auth";
import type { CheckResponse } from "@plinth/sdk/authz";
import { IdentityService, type User, UserState } from "@plinth/sdk/identity";

const plinth = createPlinth({ url: "http://127.0.0.1:8080", timeoutMs: 2_000 });

export async function everything(): Promise<[User, boolean, Entry[], DeviceSession[]]> {
  const session: Session = plinth.session;
  const stop: () => void = session.onChange((who, change) => {
    const id: string | undefined = who?.userId;
    const ended: boolean = change === "ended";
    return void [id, ended];
  });
  await session.signIn({ email: "a@b.example", password: "..." });
  const user: User = await plinth.identity.createUser({ email: "b@b.example" });
  const answer: CheckResponse = await plinth.authz.check({ object: "a:b", relation: "c", subject: `user:${user.id}` });
  const entries: Entry[] = [];
  for await (const entry of items(plinth.audit.listEntries, { pageSize: 100 })) entries.push(entry);
  for await (const page of pages(plinth.client(IdentityService).listUsers, { filter: { state: UserState.ACTIVE } }))
    user.displayName = page.users[0]?.displayName ?? "";
  const { sessions } = await plinth.client(AuthService).listSessions({});
  plinth.client(LogService);
  stop();
  return [user, answer.allowed, entries, sessions];
}

export function reasonOf(error: unknown): string | undefined {
  if (!isFault(error)) return undefined;
  if (isFault(error, "USER_NOT_FOUND", "NOTE_MISSING_OF_OURS")) return `${error.code} ${error.retryAfterMs ?? 0}`;
  return error.fieldViolations.map(({ field }) => field).join();
}

export const closed: Plinth = plinth;

// @ts-expect-error: an unknown field is found by the compiler
await plinth.identity.createUser({ mail: "b@b.example" });
// @ts-expect-error: what has no pages cannot be gone through
items(plinth.identity.getUser, { id: "" });
