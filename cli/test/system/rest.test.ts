import path from "node:path";
import { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import { LogService } from "@plinth/proto/plinth/audit/v1/log";
import { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import { httpBindingsOf } from "@plinth/rpc";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Platform, startHookMs, startPlatform } from "./platform.ts";

let platform: Platform;
let admin: string;
const notes = path.resolve(import.meta.dirname, "../../../examples/notes");
/** RPCs that have answered. */
const called = new Set<string>();

beforeAll(async () => {
  platform = await startPlatform("--log-level", "warn", "--no-check", "-f", notes);
  admin = (await rest<Tokens>("Login", "POST", "/auth/v1/sessions:login", platform.admin, "")).accessToken;
}, startHookMs);
afterAll(() => platform?.stop());

interface Tokens {
  accessToken: string;
  refreshToken: string;
  sessionId: string;
}

const send = (method: string, target: string, body?: object, token = admin): Promise<Response> =>
  fetch(`${platform.gateway}${target}`, {
    method,
    headers: {
      ...(body ? { "content-type": "application/json" } : {}),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });

/** Calls an RPC through the gateway, as the administrator if nobody else is named. */
async function rest<T = Record<string, unknown>>(
  rpc: string,
  method: string,
  target: string,
  body?: object,
  token = admin,
): Promise<T> {
  const response = await send(method, target, body, token);
  const answer = await response.text();
  if (!response.ok) throw new Error(`${method} ${target}: ${response.status} ${answer}`);
  called.add(rpc);
  return JSON.parse(answer) as T;
}

const password = "walnut ferry oblique";
const email = "ben@example.com";

test("users", async () => {
  const users = "/identity/v1/users";
  const ben = await rest<{ id: string; etag: string }>("CreateUser", "POST", users, {
    email,
    displayName: "Ben",
    password,
  });
  const own = `${users}/${ben.id}`;
  expect(await rest("GetUser", "GET", own)).toMatchObject({ email, state: "USER_STATE_ACTIVE", attributes: {} });
  const changed = { displayName: "Benjamin", updateMask: "displayName" };
  expect(await rest("UpdateUser", "PATCH", own, changed)).toMatchObject({ displayName: "Benjamin", email });
  expect(await rest("ListUsers", "GET", `${users}?page_size=5&filter.email=${email}`)).toMatchObject({
    users: [{ id: ben.id }],
    nextPageToken: "",
  });
  await rest("SetPassword", "POST", `${own}:setPassword`, { password: `${password} two` });
  const login = { email, password: `${password} two` };
  const { accessToken } = await rest<Tokens>("Login", "POST", "/auth/v1/sessions:login", login, "");
  const passwords = { currentPassword: `${password} two`, newPassword: `${password} three` };
  await rest("ChangePassword", "POST", `${users}:changePassword`, passwords, accessToken);
  const imported = { users: [{ email: "cleo@example.com", displayName: "Cleo" }] };
  expect(await rest("ImportUsers", "POST", `${users}:import`, imported)).toMatchObject({ results: [{}] });
  await rest("DeleteUser", "DELETE", own);
  await rest("RestoreUser", "POST", `${own}:restore`);
  await rest("DeleteUser", "DELETE", `${own}?etag=`);
  await rest("EraseUser", "POST", `${own}:erase`);
  expect(await rest("GetUserErasure", "GET", `${own}/erasure`)).toMatchObject({ userId: ben.id });
});

test("sessions and tokens", async () => {
  const auth = "/auth/v1";
  const first = await rest<Tokens>("Login", "POST", `${auth}/sessions:login`, platform.admin, "");
  const { refreshToken } = first;
  const second = await rest<Tokens>("Refresh", "POST", `${auth}/sessions:refresh`, { refreshToken }, "");
  expect(
    await rest("IntrospectToken", "POST", `${auth}/tokens:introspect`, { token: second.accessToken }),
  ).toMatchObject({
    active: true,
  });
  const listed = await rest<{ sessions: object[] }>("ListSessions", "GET", `${auth}/sessions?page_size=50`);
  expect(listed.sessions).toContainEqual(expect.objectContaining({ id: first.sessionId }));
  await rest("RevokeSession", "DELETE", `${auth}/sessions/${first.sessionId}`);
  const third = await rest<Tokens>("Login", "POST", `${auth}/sessions:login`, platform.admin, "");
  await rest("Logout", "POST", `${auth}/sessions:logout`, { refreshToken: third.refreshToken }, "");
  expect(await rest("RevokeAllSessions", "POST", `${auth}/sessions:revokeAll`, { keepCurrent: true })).toHaveProperty(
    "revokedCount",
  );
  const { credential, clientSecret } = await rest<{ credential: { clientId: string }; clientSecret: string }>(
    "CreateServiceCredential",
    "POST",
    `${auth}/serviceCredentials`,
    { serviceName: "robot" },
  );
  const robot = `${auth}/serviceCredentials/${credential.clientId}`;
  expect(await rest("IssueServiceToken", "POST", `${robot}:issueToken`, { clientSecret }, "")).toMatchObject({
    tokenType: "Bearer",
    refreshToken: "",
  });
  expect(await rest("ListServiceCredentials", "GET", `${auth}/serviceCredentials`)).toMatchObject({
    credentials: [{ serviceName: "robot" }],
  });
  await rest("RevokeServiceCredential", "DELETE", robot);
  expect(await rest("GetJwks", "GET", `${auth}/jwks`, undefined, "")).toHaveProperty("jwksJson");
  expect(await rest("RotateSigningKey", "POST", `${auth}/signingKeys:rotate`)).toHaveProperty("kid");
});

test("permissions", async () => {
  const authz = "/authz/v1";
  const tuple = { object: "platform:plinth", relation: "can_read_users", subject: "user:nobody" };
  const question = new URLSearchParams({ object: tuple.object, subject: tuple.subject });
  expect(await rest("Check", "POST", `${authz}/permissions:check`, tuple)).toEqual({ allowed: false });
  expect(await rest("BatchCheck", "POST", `${authz}/permissions:batchCheck`, { checks: [tuple] })).toEqual({
    results: [{ allowed: false }],
  });
  for (const relations of ["", "&relations=can_read_users&relations=can_manage_users"])
    expect(await rest("ListPermissions", "GET", `${authz}/permissions?${question}${relations}`)).toEqual({
      relations: [],
    });
  const { object, subject } = tuple;
  expect(await rest("ListPermissions", "POST", `${authz}/permissions:list`, { object, subject })).toEqual({
    relations: [],
  });
  const dsl = "model\n  schema 1.1\ntype parcel\n  relations\n    define owner: [user]\n";
  expect(await rest("PutModelModule", "PUT", `${authz}/modelModules/parcels`, { dsl })).toMatchObject({
    changed: true,
  });
  const owned = { object: "parcel:7", relation: "owner", subject: "user:nobody" };
  await rest("WriteRelationships", "POST", `${authz}/relationships:write`, { writes: [owned] });
  expect(await rest("ReadRelationships", "GET", `${authz}/relationships?filter.object=parcel:7`)).toMatchObject({
    relationships: [owned],
  });
  expect(await rest("GetModel", "GET", `${authz}/model`)).toMatchObject({
    modules: expect.arrayContaining([expect.objectContaining({ module: "parcels" })]),
  });
});

test("the audit log, a stream and what says where a call came from included", async () => {
  const audit = "/audit/v1";
  const entry = {
    id: "01920000-0000-7000-8000-00000000aaaa",
    action: "test.rest",
    actor: "user:me",
    outcome: "OUTCOME_SUCCESS",
  };
  expect(await rest("RecordEntry", "POST", `${audit}/entries`, entry)).toMatchObject({ action: "test.rest" });
  const own = `${audit}/entries/${entry.id}`;
  expect(await rest("GetEntry", "GET", own)).toMatchObject({ id: entry.id, outcome: "OUTCOME_SUCCESS" });
  const found = `${audit}/entries?filter.action=test.rest&filter.outcome=OUTCOME_SUCCESS&filter.start_time=2020-01-01T00:00:00Z`;
  expect(await rest("ListEntries", "GET", found)).toMatchObject({ entries: [{ id: entry.id }] });
  await eventually(() => rest("GetInclusionProof", "GET", `${own}/inclusionProof`), 90_000);
  expect(await rest("GetEntryProof", "GET", `${own}/proof`)).toMatchObject({ entry: { id: entry.id } });
  const checkpoint = await rest<{ size: string }>("GetCheckpoint", "GET", `${audit}/log/checkpoint`);
  expect(Number(checkpoint.size)).toBeGreaterThan(0);
  await rest("GetConsistencyProof", "GET", `${audit}/log/consistencyProof?from_size=1`);
  expect(await rest("ListLogKeys", "GET", `${audit}/log/keys`)).toMatchObject({ keys: [{}] });
  expect(await rest("ListGaps", "GET", `${audit}/log/gaps`)).toEqual({ gaps: [], reuses: [] });
  expect(await rest("RotateLogKey", "POST", `${audit}/log/keys:rotate`)).toHaveProperty("key");
  expect(await rest("GetWitnessRequest", "GET", `${audit}/log/witnessRequest?old_size=0`)).toHaveProperty("body");

  // No signature at all: that the service says so is its answer.
  const nobodys = await send("POST", `${audit}/log/checkpoints/${checkpoint.size}:addCosignatures`, { lines: "x" });
  expect(await nobodys.json()).toMatchObject({ error: { details: [{ reason: "CHECKPOINT_INVALID" }] } });
  called.add("AddCosignatures");

  const exported = await send("POST", `${audit}/entries:export`, { format: "EXPORT_FORMAT_CSV" });
  expect(exported.headers.get("content-type")).toBe("application/jsonl");
  const lines = (await exported.text())
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { lines: string });
  const csv = lines.map((line) => Buffer.from(line.lines, "base64").toString()).join("");
  expect(csv).toContain("test.rest");
  called.add("ExportEntries");
});

test("notes, a service that is not the platform's", async () => {
  const note = await rest<{ id: string }>("CreateNote", "POST", "/notes/v1/notes", { title: "Shopping", text: "milk" });
  expect(await rest("GetNote", "GET", `/notes/v1/notes/${note.id}`)).toMatchObject({ title: "Shopping" });
  expect(await rest("ListNotes", "GET", "/notes/v1/notes?page_size=1")).toMatchObject({ notes: [{ id: note.id }] });
  const userId = "01920000-0000-7000-8000-00000000beef";
  expect(await rest("ShareNote", "POST", `/notes/v1/notes/${note.id}:share`, { userId })).toEqual({});
  expect(await rest("DeleteNote", "DELETE", `/notes/v1/notes/${note.id}`)).toEqual({});
});

describe("refusals", () => {
  const error = async (response: Response) => ((await response.json()) as { error: object }).error;

  test("of the gateway and of a service have one form", async () => {
    const atTheEdge = await send("GET", "/identity/v1/users", undefined, "");
    expect(atTheEdge.status).toBe(401);
    expect(await error(atTheEdge)).toMatchObject({
      ...{ code: 401, status: "UNAUTHENTICATED" },
      details: [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "TOKEN_MISSING", domain: "plinth.dev" }],
    });
    const inside = await send("GET", "/identity/v1/users/01920000-0000-7000-8000-00000000beef");
    expect(inside.status).toBe(404);
    expect(inside.headers.get("x-request-id")).not.toBeNull();
    expect(await error(inside)).toMatchObject({
      code: 404,
      status: "NOT_FOUND",
      details: [{ reason: "USER_NOT_FOUND" }],
    });
  });

  test("name what is wrong", async () => {
    const invalid = await send("GET", "/identity/v1/users/7");
    expect(await error(invalid)).toMatchObject({
      code: 400,
      details: [{ reason: "REQUEST_INVALID", metadata: { fields: "id" } }],
    });
    const unknown = await send("GET", "/identity/v1/nothing");
    expect(await error(unknown)).toMatchObject({
      code: 404,
      status: "NOT_FOUND",
      details: [{ reason: "PATH_UNKNOWN" }],
    });
    const method = await send("PUT", "/identity/v1/users", {});
    expect([method.status, method.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS, POST"]);
  });
});

test("every RPC with a path was called above", () => {
  const services = [AuditService, LogService, AuthService, AuthzService, IdentityService];
  const bound = services.flatMap((service) => httpBindingsOf(service).map(({ rpc }) => rpc.name));
  expect([...new Set(bound)].filter((name) => !called.has(name))).toEqual([]);
});
