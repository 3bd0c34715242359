import { randomBytes } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import { type BusMessage, createPostgresBus } from "@plinth/bus";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { AuditService, Outcome } from "@plinth/proto/plinth/audit/v1/audit";
import { type Checkpoint, LogService } from "@plinth/proto/plinth/audit/v1/log";
import { eventually } from "@plinth/testing";
import { type ServiceFixture, startService } from "@plinth/testing/service";
import { parseNoteKey } from "@plinth/transparency-log";
import { afterAll, beforeAll } from "vitest";
import { audit } from "../src/app.ts";

export const auditor = "01920000-0000-7000-8000-000000000001";
export const nobody = "01920000-0000-7000-8000-000000000002";
export const keyManager = "01920000-0000-7000-8000-000000000003";
export const migrations = `${import.meta.dirname}/../migrations`;
/** Running while a file's tests run. */
export let service: ServiceFixture;

export function startAudit(env: Record<string, string> = {}): Promise<ServiceFixture> {
  return startService({
    definition: audit,
    migrations,
    env: { PLINTH_AUDIT_KEY_ENCRYPTION_KEY: randomBytes(32).toString("base64"), ...env },
    permissions: (subject, relation) =>
      (subject === `user:${auditor}` && relation === "can_read_audit") ||
      (subject === `user:${keyManager}` && relation === "can_manage_keys"),
  });
}

/** Starts the service for the tests of one file. */
export function useAuditService(env: Record<string, string> = {}): void {
  beforeAll(async () => {
    service = await startAudit(env);
  });
  afterAll(() => service.stop());
}

export const newId = () => systemRandom.uuidv7(Date.now());

export const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => "ok",
    (err: unknown) => (err instanceof ConnectError ? Code[err.code] : err),
  );

export async function publish(messages: Partial<BusMessage>[]): Promise<void> {
  const url = new URL(service.database.url);
  url.searchParams.set("options", "-c search_path=plinth_bus");
  const bus = createPostgresBus({
    url: url.href,
    applicationName: "test",
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
  });
  const defaults = {
    source: "identity",
    subject: "users/1",
    time: new Date(),
    topic: "identity.user.v1",
    key: "1",
    actor: "user:1",
    requestId: "r",
    traceparent: undefined,
  };
  await bus.publish(messages.map((m) => ({ ...defaults, id: newId(), type: "t", data: new Uint8Array(), ...m })));
  await bus.stop?.(AbortSignal.timeout(1_000));
}

export const logClient = (of: ServiceFixture = service) => of.client(LogService, { userId: auditor });
export const reader = (of: ServiceFixture = service) => of.client(AuditService, { userId: auditor });

/** Records entries, several at a time. Returns their ids. */
export async function record(count: number, of: ServiceFixture = service): Promise<string[]> {
  const reporter = await of.client(AuditService, { workload: "notes" });
  const ids = Array.from({ length: count }, newId);
  let next = 0;
  const worker = async () => {
    for (let n = next++; n < count; n = next++) {
      const about = { actor: `user:u${n % 3}`, resource: `notes/${n}`, ipAddress: "192.0.2.7", details: { n } };
      await reporter.recordEntry({ id: ids[n] as string, action: `notes.n${n}`, outcome: Outcome.SUCCESS, ...about });
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return ids;
}

/** A checkpoint that covers everything that is recorded by now; refusals that tests before caused may come in meanwhile. */
export async function wholeCheckpoint(of: ServiceFixture = service): Promise<Checkpoint> {
  const [head] = await of.database.admin("SELECT sequence FROM audit.head");
  const log = await logClient(of);
  return eventually(async () => {
    const checkpoint = await log.getCheckpoint({});
    if (checkpoint.size < BigInt(String(head?.["sequence"]))) throw new Error(`only ${checkpoint.size} leaves`);
    return checkpoint;
  });
}

/** What a verifier trusts. */
export async function trust(of: ServiceFixture = service) {
  const { origin, keys } = await (await logClient(of)).listLogKeys({});
  return { origin, keys: keys.map(({ key }) => parseNoteKey(key)), texts: keys.map(({ key }) => key) };
}
