import { Fault } from "@plinth/kernel";

export interface User {
  id: string;
  /** Undefined once erased. */
  email: string | undefined;
  displayName: string;
  state: "active" | "disabled";
  attributes: Record<string, string>;
  /** PHC or crypt string. */
  passwordHash: string | undefined;
  createTime: Date;
  updateTime: Date;
  deleteTime: Date | undefined;
  eraseTime: Date | undefined;
  version: bigint;
}

/** What makes two e-mail addresses the same: compatibility-normalized lower case. */
export const emailKey = (email: string): string => email.normalize("NFKC").toLowerCase().trim();

/** Entity tag of a user's version (RFC 9110 section 8.8.3). */
export const etagOf = (user: Pick<User, "version">): string => `"${user.version}"`;

/** Throws Fault aborted when the caller saw another version. An empty etag asks for no check. */
export function requireEtag(user: User, etag: string): void {
  if (etag === "" || etag === etagOf(user)) return;
  throw new Fault({
    code: "aborted",
    reason: "ETAG_MISMATCH",
    message: "the user was changed since you read it: read it again and repeat the change",
    details: { etag: etagOf(user) },
  });
}

/** A user who may sign in. */
export const maySignIn = (user: User): boolean => user.state === "active" && user.deleteTime === undefined;

export const userNotFound = (id: string): Fault =>
  new Fault({ code: "not_found", reason: "USER_NOT_FOUND", message: `there is no user ${id}` });

export const emailTaken = (): Fault =>
  new Fault({
    code: "already_exists",
    reason: "EMAIL_TAKEN",
    message: "a user with this e-mail address exists already",
    details: { field: "email" },
  });

/** Throws Fault not_found for erased and, unless asked for, deleted users. */
export function requireThere(user: User | undefined, id: string, options: { deleted?: boolean } = {}): User {
  if (!user || user.eraseTime || (user.deleteTime && !options.deleted)) throw userNotFound(id);
  return user;
}
