import type { Entry } from "../domain/entry.ts";

/** Where an action belongs in the Open Cybersecurity Schema Framework. */
export interface OcsfClass {
  category: number;
  class: number;
  activity: number;
}

const version = "1.1.0";
const iam = 3;
const application = 6;
const authentication = (activity: number): OcsfClass => ({ category: iam, class: 3002, activity });
const account = (activity: number): OcsfClass => ({ category: iam, class: 3001, activity });
const other = 99;

/** Classes by action; docs/audit.md has the same table, and a test compares them. */
export const ocsfClasses: Readonly<Record<string, OcsfClass>> = {
  "plinth.auth.v1.LoginSucceeded": authentication(1),
  "plinth.auth.v1.LoginFailed": authentication(1),
  "plinth.auth.v1.SessionRevoked": authentication(2),
  "plinth.auth.v1.ServiceTokenIssued": authentication(3),
  "plinth.identity.v1.UserCreated": account(1),
  "plinth.identity.v1.UserRestored": account(2),
  "plinth.identity.v1.PasswordChanged": account(3),
  "plinth.identity.v1.UserDeleted": account(6),
  "plinth.identity.v1.UserErased": account(6),
  "plinth.identity.v1.UserUpdated": account(other),
};

const roles: OcsfClass = { category: iam, class: 3005, activity: other };
const apiActivity: OcsfClass = { category: application, class: 6003, activity: other };
const rolesAction = "plinth.authz.v1.RelationshipsChanged";

/** The entry as an event of OCSF 1.1: what it has no place for is in `unmapped`. */
export function ocsfEvent(entry: Entry): Record<string, unknown> {
  const found = entry.action === rolesAction ? rolesClass(entry) : (ocsfClasses[entry.action] ?? apiActivity);
  const { category, class: classUid, activity } = found;
  const endpoint = entry.ipAddress === "" ? { name: "unknown" } : { ip: entry.ipAddress };
  return {
    category_uid: category,
    class_uid: classUid,
    activity_id: activity,
    ...(activity === other ? { activity_name: entry.action } : {}),
    type_uid: classUid * 100 + activity,
    time: entry.time.getTime(),
    severity_id: entry.outcome === "success" ? 1 : 2,
    status_id: entry.outcome === "success" ? 1 : 2,
    ...(entry.outcome === "success" ? {} : { status_detail: entry.details["reason"] ?? entry.outcome }),
    metadata: {
      version,
      product: { name: "Plinth", vendor_name: "Plinth", feature: { name: entry.source } },
      uid: entry.id,
      sequence: Number(entry.sequence),
      logged_time: entry.recordTime.getTime(),
      event_code: entry.action,
      correlation_uid: entry.requestId,
      log_name: "audit",
    },
    actor: { user: user(entry.actor), ...(entry.via === undefined ? {} : { invoked_by: entry.via }) },
    ...(category === iam ? { user: user(targetOf(entry)) } : {}),
    ...(classUid === 3002 ? { service: { name: entry.source } } : {}),
    ...(classUid === 3005 ? { privileges: privilegesOf(entry) } : {}),
    ...(classUid === 6003 ? { api: { operation: entry.action, service: { name: entry.source } } } : {}),
    src_endpoint: endpoint,
    unmapped: {
      resource: entry.resource,
      trace_id: entry.traceId,
      personal_data: entry.personalData,
      details: entry.details,
    },
  };
}

/** OCSF's types of user: 1 is a person, 3 a system. */
function user(subject: string): Record<string, unknown> {
  const [, kind, uid] = /^(user|service):(.+)$/.exec(subject) ?? [];
  return kind === undefined ? { name: subject || "unknown", type_id: 0 } : { uid, type_id: kind === "user" ? 1 : 3 };
}

/** Whom it was about: the user that the resource is, otherwise the actor. */
function targetOf({ resource, actor }: Entry): string {
  const [, id] = /^users\/([^/]+)/.exec(resource) ?? [];
  return id === undefined ? actor : `user:${id}`;
}

const listOf = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value : []);

/** Assigned when relationships were only written, revoked when they were only deleted. */
function rolesClass({ details }: Entry): OcsfClass {
  const [written, deleted] = [listOf(details["written"]).length, listOf(details["deleted"]).length];
  return { ...roles, activity: deleted === 0 ? 1 : written === 0 ? 2 : other };
}

function privilegesOf({ details }: Entry): string[] {
  const all = [...listOf(details["written"]), ...listOf(details["deleted"])];
  return all.map(({ subject, relation, object }) => `${String(subject)} ${String(relation)} ${String(object)}`);
}
