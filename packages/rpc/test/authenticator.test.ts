import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Fault, silentLogger } from "@plinth/kernel";
import { createFakeClock } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AccessRule,
  type Authenticator,
  access,
  actorOf,
  type CallContext,
  createAccessTokenVerifier,
  createAuthenticator,
  createKeySet,
  createWorkloadTokenVerifier,
  enforceAccess,
} from "../src/index.ts";
import { createSigningKey, keySet, type SigningKey, signToken } from "./signing-key.ts";

const startS = 1_700_000_000;
const clock = createFakeClock(startS * 1000);
let folder: string;
let userKey: SigningKey;
let workloadKey: SigningKey;
let authenticator: Authenticator;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-authenticator-"));
  userKey = await createSigningKey("a1", "EdDSA");
  workloadKey = await createSigningKey("w1", "EdDSA");
  const jwks = path.join(folder, "jwks.json");
  await writeFile(jwks, keySet(workloadKey));
  authenticator = createAuthenticator({
    accessTokens: createAccessTokenVerifier({
      keys: createKeySet({ fetch: async () => keySet(userKey), clock }),
      issuer: "plinth",
      audience: "plinth",
      clock,
    }),
    workloadTokens: createWorkloadTokenVerifier({ jwks, issuer: "plinth-local", clock }),
  });
});
afterAll(() => rm(folder, { recursive: true }));

const times = { iat: startS, exp: startS + 300 };
const accessToken = (sub = "user:u-1") =>
  signToken(userKey, { iss: "plinth", aud: "plinth", sub, sid: "s-1", ...times });
const workloadToken = (name: string) =>
  signToken(workloadKey, { iss: "plinth-local", aud: "plinth", sub: `service:${name}`, ...times }, { typ: "JWT" });
async function caller(tokens: { user?: string; workload?: string; more?: Record<string, string> }) {
  const headers = new Headers(tokens.more);
  if (tokens.user !== undefined) headers.set("authorization", `Bearer ${await accessToken(tokens.user)}`);
  if (tokens.workload !== undefined) headers.set("x-plinth-workload-token", await workloadToken(tokens.workload));
  return authenticator.authenticate(headers);
}
const user = { kind: "user", userId: "u-1", sessionId: "s-1" };

describe("who calls", () => {
  test("without any token: anonymous", async () => {
    expect(await caller({})).toEqual({
      principal: { kind: "anonymous" },
      workload: undefined,
      accessToken: undefined,
      throughEdge: false,
    });
  });

  test("with an access token: the user", async () => {
    expect(await caller({ user: "user:u-1" })).toMatchObject({ principal: user, workload: undefined });
  });

  test("with a workload token: the service", async () => {
    expect(await caller({ workload: "identity" })).toMatchObject({
      principal: { kind: "service", name: "identity" },
      workload: "identity",
    });
  });

  test("with both: the user, by way of the service", async () => {
    expect(await caller({ user: "user:u-1", workload: "notes" })).toMatchObject({ principal: user, workload: "notes" });
  });
});

describe("the edge", () => {
  test("passes on strangers as strangers: its own token makes nobody a service", async () => {
    expect(await caller({ workload: "gateway" })).toEqual({
      principal: { kind: "anonymous" },
      workload: undefined,
      accessToken: undefined,
      throughEdge: true,
    });
  });

  test("passes on users as users, without the rights of a service", async () => {
    expect(await caller({ user: "user:u-1", workload: "gateway" })).toMatchObject({
      principal: user,
      workload: undefined,
      throughEdge: true,
    });
  });

  test.each<[string, AccessRule]>([
    ["any service", access.service()],
    ["the service called gateway", access.service("gateway")],
    [
      "any service or who has the permission",
      access.any(access.service(), access.permission("admin", "platform:plinth")),
    ],
  ])("a call through it does not pass the rule for %s", async (_, rule) => {
    const { principal, workload } = await caller({ workload: "gateway" });
    const context = { principal, workload, actor: actorOf(principal), logger: silentLogger } as CallContext;
    const decision = enforceAccess(rule, {}, context, { check: async () => true });
    await expect(decision).rejects.toMatchObject({ code: "unauthenticated", reason: "CREDENTIALS_MISSING" });
  });

  test("is a service for what it calls for itself, which only it can say", async () => {
    const more = { "x-plinth-own-call": "true" };
    expect(await caller({ workload: "gateway", more })).toEqual({
      principal: { kind: "service", name: "gateway" },
      workload: "gateway",
      accessToken: undefined,
      throughEdge: false,
    });
    expect(await caller({ more })).toMatchObject({ principal: { kind: "anonymous" }, workload: undefined });
    expect(await caller({ user: "user:u-1", more })).toMatchObject({ principal: user, workload: undefined });
  });

  test("a service account that is called gateway is not the edge", async () => {
    expect(await caller({ user: "service:gateway" })).toMatchObject({
      principal: { kind: "service", name: "gateway" },
      workload: undefined,
      throughEdge: false,
    });
  });
});

describe("bad credentials are refused, never taken for none", () => {
  const refusal = async (headers: Record<string, string>, by = authenticator) => {
    const err = await by.authenticate(new Headers(headers)).catch((thrown: unknown) => thrown);
    expect(err).toBeInstanceOf(Fault);
    return `${(err as Fault).code} ${(err as Fault).reason}`;
  };

  test.each(["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "Bearer a b", "Bearer a,b", `Bearer ${"x".repeat(8_193)}`, ""])(
    "authorization: %s",
    async (authorization) => {
      expect(await refusal({ authorization })).toBe("unauthenticated AUTHORIZATION_MALFORMED");
    },
  );

  test("an access token in place of a workload token, and the other way round", async () => {
    expect(await refusal({ "x-plinth-workload-token": await accessToken() })).toBe(
      "unauthenticated WORKLOAD_TOKEN_INVALID",
    );
    expect(await refusal({ authorization: `Bearer ${await workloadToken("identity")}` })).toBe(
      "unauthenticated TOKEN_INVALID",
    );
  });

  test("a bad workload token beside a good access token", async () => {
    const headers = { authorization: `Bearer ${await accessToken()}`, "x-plinth-workload-token": "x" };
    expect(await refusal(headers)).toBe("unauthenticated WORKLOAD_TOKEN_INVALID");
  });

  test("any workload token where none are accepted", async () => {
    const without = createAuthenticator({
      accessTokens: { verify: () => Promise.reject(new Error("not asked")) },
      workloadTokens: undefined,
    });
    const token = await workloadToken("identity");
    expect(await refusal({ "x-plinth-workload-token": token }, without)).toBe("unauthenticated WORKLOAD_TOKEN_INVALID");
  });
});
