import { randomBytes } from "node:crypto";
import { eventually, kafkaMissing } from "@plinth/testing";
import { type OtlpReceiver, startOtlpReceiver } from "@plinth/testing/otlp";
import { whyNoRedis } from "@plinth/testing/redis";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { call, type Platform, signIn, startHookMs, startPlatform } from "./platform.ts";

vi.setConfig({ testTimeout: 600_000 });
/** Events go over Kafka, and each step of an erasure over it once more. */
const boundMs = 90_000;

const why = (await kafkaMissing({ own: true })) ?? whyNoRedis();

interface Entry {
  action: string;
  actor: string;
  resource: string;
  outcome: string;
  traceId: string;
  details: Record<string, unknown>;
  personalData?: string;
}

describe.skipIf(why)(`a platform with Kafka and Redis${why ? ` (skipped: ${why})` : ""}`, () => {
  let platform: Platform;
  let otlp: OtlpReceiver;
  let token: string;

  beforeAll(async () => {
    otlp = await startOtlpReceiver();
    vi.stubEnv("PLINTH_OTLP_ENDPOINT", otlp.endpoint);
    platform = await startPlatform("--with", "kafka,redis", "--log-level", "warn");
    vi.unstubAllEnvs();
  }, startHookMs);
  // A token is over after five minutes.
  beforeEach(async () => {
    token = await signIn(platform);
  });
  afterAll(async () => {
    await platform?.stop();
    otlp?.close();
  });

  const identity = <T>(rpc: string, request: object, as = token): Promise<T> =>
    call<T>(platform.gateway, `plinth.identity.v1.IdentityService/${rpc}`, request, as);
  const entries = async (filter: object): Promise<Entry[]> =>
    (await call<{ entries?: Entry[] }>(platform.gateway, "plinth.audit.v1.AuditService/ListEntries", { filter }, token))
      .entries ?? [];
  const freshEmail = (): string => `${randomBytes(6).toString("hex")}@test.example`;

  test("one trace leads from the HTTP request through Kafka to the audit record", async () => {
    const traceId = randomBytes(16).toString("hex");
    const response = await fetch(`${platform.gateway}/plinth.identity.v1.IdentityService/CreateUser`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${token}`,
        traceparent: `00-${traceId}-${randomBytes(8).toString("hex")}-01`,
      },
      body: JSON.stringify({ email: freshEmail() }),
    });
    const { id } = (await response.json()) as { id: string };
    await eventually(async () => {
      const [entry] = await entries({ resource: `users/${id}` });
      expect(entry).toMatchObject({ action: "plinth.identity.v1.UserCreated", traceId });
    }, boundMs);
    await eventually(() => {
      const seen = otlp.spans
        .filter((span) => span.traceId === traceId)
        .map(({ service, name }) => `${service}: ${name}`);
      expect(seen).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^gateway: /),
          "identity: plinth.identity.v1.IdentityService/CreateUser",
          "audit: process identity.user.v1",
        ]),
      );
    }, boundMs);
  });

  test("an erased user is gone everywhere, and the report says who confirmed", async () => {
    const email = freshEmail();
    const password = "walnut ferry oblique";
    const { id } = await identity<{ id: string }>("CreateUser", { email, password, displayName: "Forget Me" });
    await call(platform.gateway, "plinth.auth.v1.AuthService/Login", { email, password });
    await eventually(async () => expect((await entries({ actor: `user:${id}` })).length).toBeGreaterThan(0), boundMs);
    await identity("DeleteUser", { id });
    await identity("EraseUser", { id });
    interface Erasure {
      confirmations?: { service: string; removed?: Record<string, string> }[];
      pending?: string[];
      completeTime?: string;
    }
    await eventually(async () => {
      const report = await identity<Erasure>("GetUserErasure", { id });
      expect(report.pending ?? []).toEqual([]);
      expect(report.completeTime).toBeDefined();
      expect(report.confirmations?.map(({ service }) => service).toSorted()).toEqual(["audit", "auth", "authz"]);
      expect(report.confirmations?.find(({ service }) => service === "auth")?.removed).toEqual({ sessions: "1" });
    }, boundMs);
    await eventually(async () => expect(await entries({ resource: `users/${id}` })).toEqual([]), boundMs);
  });

  test("who is refused is in the audit log, with from where", async () => {
    const email = freshEmail();
    const password = "walnut ferry oblique";
    const { id } = await identity<{ id: string }>("CreateUser", { email, password });
    const { accessToken } = await call<{ accessToken: string }>(platform.gateway, "plinth.auth.v1.AuthService/Login", {
      ...{ email, password },
    });
    await expect(identity("DeleteUser", { id }, accessToken)).rejects.toMatchObject({ status: 403 });
    await eventually(async () => {
      const [entry] = await entries({ actor: `user:${id}`, action: "plinth.audit.v1.AccessDenied" });
      expect(entry).toMatchObject({
        outcome: "OUTCOME_DENIED",
        resource: "rpcs/plinth.identity.v1.IdentityService/DeleteUser",
        details: { reason: "PERMISSION_DENIED", ipAddress: "127.0.0.1" },
      });
    }, boundMs);
  });
});
