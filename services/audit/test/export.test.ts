import { readFile } from "node:fs/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { AuditService, Outcome } from "@plinth/proto/plinth/audit/v1/audit";
import { ExportFormat, type ExportPosition } from "@plinth/proto/plinth/audit/v1/log";
import { LoginFailedSchema, LoginSucceededSchema } from "@plinth/proto/plinth/auth/v1/events";
import { RelationshipsChangedSchema } from "@plinth/proto/plinth/authz/v1/events";
import { UserCreatedSchema } from "@plinth/proto/plinth/identity/v1/events";
import { eventually } from "@plinth/testing";
import { verifyExport } from "@plinth/transparency-log";
import { beforeAll, describe, expect, test } from "vitest";
import { ocsfClasses } from "../src/export/ocsf.ts";
import {
  codeOf,
  logClient,
  newId,
  publish,
  reader,
  record,
  service,
  trust,
  useAuditService,
  wholeCheckpoint,
} from "./audit-fixture.ts";

useAuditService();

async function exported(request: object): Promise<string> {
  let text = "";
  for await (const { lines } of (await logClient()).exportEntries(request)) text += Buffer.from(lines).toString();
  return text;
}

async function* linesOf(text: string): AsyncGenerator<string> {
  yield* text.trimEnd().split("\n");
}

const events = [
  [
    "auth.session.v1",
    LoginSucceededSchema,
    { userId: "u1", ipAddress: "192.0.2.1" },
    { actor: "user:u1", subject: "users/u1", source: "auth" },
  ],
  [
    "auth.session.v1",
    LoginFailedSchema,
    { reason: "invalid_credentials", ipAddress: "192.0.2.2" },
    { actor: "anonymous", subject: "", source: "auth" },
  ],
  [
    "identity.user.v1",
    UserCreatedSchema,
    { userId: "u2", email: "u2@mail.example" },
    { actor: "user:admin", subject: "users/u2", source: "identity", clientAddress: "192.0.2.3", via: "portal" },
  ],
  [
    "authz.relationship.v1",
    RelationshipsChangedSchema,
    { written: [{ subject: "user:u2", relation: "auditor", object: "platform:plinth" }] },
    { actor: "user:admin", subject: "platform:plinth", source: "authz" },
  ],
] as const;

beforeAll(async () => {
  await record(3);
  const sent = events.map(([topic, schema, message, about]) => ({
    id: newId(),
    ...{ topic, type: schema.typeName, data: toBinary(schema as never, create(schema as never, message as never)) },
    ...about,
  }));
  await publish(sent);
  const read = await reader();
  for (const { id } of sent) await eventually(() => read.getEntry({ id }));
  const reporter = await service.client(AuditService, { workload: "notes" });
  const formula = { action: "notes.named", resource: '=cmd|"x"', details: { text: "a,b\nc" } };
  await reporter.recordEntry({ id: newId(), actor: "service:notes", outcome: Outcome.DENIED, ...formula });
  await wholeCheckpoint();
});

describe("JSON Lines", () => {
  test("verify: everything, and a part with its proofs", async () => {
    const whole = await verifyExport(linesOf(await exported({ format: ExportFormat.JSON_LINES })), await trust());
    expect(whole).toMatchObject({ problem: undefined, entries: 8, complete: true });
    const request = { format: ExportFormat.JSON_LINES, proofs: true, filter: { source: "notes" } };
    const part = await verifyExport(linesOf(await exported(request)), await trust());
    expect(part).toMatchObject({ problem: undefined, entries: 4, complete: false });
    const created =
      (await exported({ format: ExportFormat.JSON_LINES })).split("\n").find((line) => line.includes("UserCreated")) ??
      "";
    expect(JSON.parse(created).who.part).toEqual({ actor: "user:admin", ip_address: "192.0.2.3", via: "portal" });
    const unproven = await exported({ ...request, proofs: false });
    expect((await verifyExport(linesOf(unproven), await trust())).problem).toContain("has no proof");
  });
});

describe("CSV", () => {
  test("has a row per entry, quoted, and no formulas", async () => {
    const text = await exported({ format: ExportFormat.CSV });
    expect(text.split("\r\n")[0]).toMatch(/^sequence,time,record_time,id,source,action,outcome,actor/);
    expect(text).toContain(',"\'=cmd|""x""",');
    expect(text).toContain('"{""text"":""a,b\\nc""}"');
    expect(text.split("\r\n").find((line) => line.includes("UserCreated"))).toMatch(/,192\.0\.2\.3,.*,portal,0$/);
    expect(text.trimEnd().split("\r\n")).toHaveLength(9);
  });
});

describe("OCSF", () => {
  test("puts sign-ins, accounts, roles and all else into their classes", async () => {
    const text = await exported({ format: ExportFormat.OCSF });
    const all = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const of = (action: string) => all.find((event) => event.metadata.event_code === action);
    expect(of("plinth.auth.v1.LoginSucceeded")).toMatchObject({
      ...{ class_uid: 3002, category_uid: 3, activity_id: 1, type_uid: 300201, status_id: 1, severity_id: 1 },
      ...{ user: { uid: "u1", type_id: 1 }, src_endpoint: { ip: "192.0.2.1" }, service: { name: "auth" } },
    });
    expect(of("plinth.auth.v1.LoginFailed")).toMatchObject({
      ...{ class_uid: 3002, status_id: 2, status_detail: "invalid_credentials", user: { type_id: 0 } },
    });
    expect(of("plinth.identity.v1.UserCreated")).toMatchObject({
      ...{ class_uid: 3001, activity_id: 1, type_uid: 300101 },
      ...{ actor: { user: { uid: "admin" }, invoked_by: "portal" }, user: { uid: "u2" } },
      src_endpoint: { ip: "192.0.2.3" },
    });
    expect(of("plinth.authz.v1.RelationshipsChanged")).toMatchObject({
      ...{ class_uid: 3005, activity_id: 1, privileges: ["user:u2 auditor platform:plinth"] },
    });
    expect(of("notes.n0")).toMatchObject({
      ...{
        class_uid: 6003,
        category_uid: 6,
        activity_id: 99,
        activity_name: "notes.n0",
        api: { operation: "notes.n0" },
      },
      metadata: { version: "1.1.0", sequence: expect.any(Number), uid: expect.any(String) },
    });
  });

  test("is mapped as docs/audit.md says", async () => {
    const page = await readFile(`${import.meta.dirname}/../../../docs/audit.md`, "utf8");
    const rows = [...page.matchAll(/^\| `(plinth\.\S+)` \| (\d+) \| (\d+) \|$/gm)];
    const documented = rows.map(([, action, uid, activity]) => [action, Number(uid), Number(activity)]);
    const mapped = Object.entries(ocsfClasses).map(([action, { class: uid, activity }]) => [action, uid, activity]);
    expect(documented).toEqual(mapped);
  });
});

test("an export wants a format that it knows", async () => {
  expect(await codeOf(exported({}))).toBe("InvalidArgument");
});

describe("an export that was cut goes on behind what came", () => {
  const large = { text: "x".repeat(200_000) };
  const send = async (count: number) => {
    const reporter = await service.client(AuditService, { workload: "large" });
    for (let n = 0; n < count; n++)
      await reporter.recordEntry({
        ...{ id: newId(), action: "a.b", actor: "anonymous", outcome: Outcome.SUCCESS, details: { ...large, n } },
      });
    await wholeCheckpoint();
  };
  beforeAll(() => send(12));

  /** As whoever gets one message from each call. */
  async function inPieces(request: object, between: () => Promise<unknown>): Promise<{ text: string; calls: number }> {
    let text = "";
    let position: ExportPosition | undefined;
    for (let calls = 1; ; calls++) {
      const cut = new AbortController();
      const { signal } = cut;
      const answers = (await logClient()).exportEntries({ ...request, ...(position ? { position } : {}) }, { signal });
      let came = false;
      for await (const answer of answers) {
        text += Buffer.from(answer.lines).toString();
        position = answer.position;
        came = true;
        break;
      }
      cut.abort();
      if (!came) return { text, calls };
      await between();
    }
  }

  test.each([
    ["JSON Lines", { format: ExportFormat.JSON_LINES }],
    ["JSON Lines with proofs", { format: ExportFormat.JSON_LINES, proofs: true, filter: { source: "large" } }],
    ["CSV", { format: ExportFormat.CSV }],
    ["OCSF", { format: ExportFormat.OCSF, filter: { source: "large" } }],
  ])("%s: the same bytes as from one call, whatever is recorded meanwhile", async (_, request) => {
    const whole = await exported(request);
    let recorded = 0;
    const { text, calls } = await inPieces(request, async () => {
      if (recorded++ === 0) await send(1);
    });
    expect(calls).toBeGreaterThan(3);
    expect(text === whole).toBe(true);
    if (request.format !== ExportFormat.JSON_LINES) return;
    const { problem } = await verifyExport(linesOf(text), await trust());
    expect(problem).toBeUndefined();
  });

  test("but not in a tree that the log does not have", async () => {
    const position = { sequence: 1n, treeSize: 1_000_000n };
    expect(await codeOf(exported({ format: ExportFormat.CSV, position }))).toBe("OutOfRange");
  });
});

test("large entries are sent in messages that any client takes", async () => {
  const reporter = await service.client(AuditService, { workload: "large" });
  const details = { text: "x".repeat(250_000) };
  for (let n = 0; n < 8; n++)
    await reporter.recordEntry({ id: newId(), action: "a.b", actor: "anonymous", outcome: Outcome.SUCCESS, details });
  await wholeCheckpoint();
  const sizes: number[] = [];
  const request = { format: ExportFormat.CSV, filter: { source: "large" } };
  for await (const { lines } of (await logClient()).exportEntries(request)) sizes.push(lines.length);
  // Far below the 4 MiB that a client takes unless it is told otherwise.
  expect(sizes.length).toBeGreaterThan(4);
  expect(Math.max(...sizes)).toBeLessThan(1_100_000);
});
