import type { EventContext } from "@plinth/bus";
import type { User } from "../domain/user.ts";
import type { UserEvent } from "../events/user-events.ts";

export type NewUser = Pick<User, "id" | "displayName" | "attributes" | "passwordHash"> & { email: string };

export interface ListFilter {
  email?: string;
  emailPrefix?: string;
  displayNameContains?: string;
  state: "active" | "disabled" | "deleted" | "present";
}

/** What a change does to a user; the event is published with it. */
export interface Change {
  fields: Partial<Omit<User, "id" | "version" | "createTime" | "updateTime">>;
  event: UserEvent;
}

/**
 * Users. Duties: a write and its event are one transaction; writes of one user happen one after another; every write
 * raises the version; e-mail addresses are unique by `emailKey` until erased (Fault already_exists).
 */
export interface UserStore {
  insert(user: NewUser, event: UserEvent, context: EventContext): Promise<User>;
  /** Locks the user, asks `decide` what to do (it may throw) and does it; undefined from `decide` writes nothing. Fault not_found for an unknown id. */
  change(id: string, context: EventContext, decide: (current: User) => Change | undefined): Promise<User>;
  /** Replaces a hash by a better one of the same password, if nobody changed it meanwhile. No event: nothing changed for anybody. */
  upgradeHash(id: string, from: string, to: string): Promise<void>;
  get(id: string): Promise<User | undefined>;
  findByEmail(email: string): Promise<User | undefined>;
  /** In the order of creation, those after the id `after`. */
  list(filter: ListFilter, page: { after: string | undefined; limit: number }): Promise<User[]>;
}
