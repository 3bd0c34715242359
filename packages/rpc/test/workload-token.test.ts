import { createHmac } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Fault } from "@plinth/kernel";
import { createFakeClock } from "@plinth/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createWorkloadTokenVerifier, type WorkloadTokenVerifier } from "../src/index.ts";
import { type Claims, createSigningKey, forgeToken, keySet, type SigningKey, signToken } from "./signing-key.ts";

const startS = 1_700_000_000;
const issuer = "plinth-local";
const claims: Claims = { iss: issuer, aud: "plinth", sub: "service:identity", exp: startS + 300 };
let folder: string;
let key: SigningKey;
let foreign: SigningKey;
let clock = createFakeClock(startS * 1000);
let verify: WorkloadTokenVerifier;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plinth-workload-"));
  key = await createSigningKey("w1", "EdDSA");
  foreign = await createSigningKey("w1", "EdDSA");
  await writeFile(path.join(folder, "jwks.json"), keySet(key));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  clock = createFakeClock(startS * 1000);
  verify = createWorkloadTokenVerifier({ jwks: path.join(folder, "jwks.json"), issuer, clock });
});

const sign = (changed: Claims = {}, by = key) => signToken(by, { ...claims, ...changed }, { typ: "JWT" });
const outcome = (token: string, verifier = verify): Promise<string> =>
  verifier(token).catch((err: unknown) => {
    expect(err).toBeInstanceOf(Fault);
    return `${(err as Fault).code} ${(err as Fault).reason}`;
  });
const refused = "unauthenticated WORKLOAD_TOKEN_INVALID";

describe("the name of the calling service", () => {
  test("comes from a token of the local supervisor", async () => {
    expect(await outcome(await sign())).toBe("identity");
  });

  test("comes from a projected ServiceAccount token of Kubernetes, whatever the algorithm of the cluster", async () => {
    const cluster = await createSigningKey("c1", "RS256");
    const file = path.join(folder, "cluster.json");
    await writeFile(file, keySet(cluster));
    const verifier = createWorkloadTokenVerifier({ jwks: file, issuer: "https://kubernetes.default.svc", clock });
    const token = await sign(
      { iss: "https://kubernetes.default.svc", sub: "system:serviceaccount:plinth:authz" },
      cluster,
    );
    expect(await outcome(token, verifier)).toBe("authz");
  });
});

describe("is refused", () => {
  test.each<[string, Claims]>([
    ["issuer", { iss: "plinth" }],
    ["issuer missing", { iss: undefined }],
    ["audience", { aud: "https://kubernetes.default.svc" }],
    ["audience missing", { aud: undefined }],
    ["subject missing", { sub: undefined }],
    ["subject of a user", { sub: "user:1" }],
    ["subject with an odd name", { sub: "service:../identity" }],
    ["subject with more behind the name", { sub: "service:identity:admin" }],
    ["expiry missing", { exp: undefined }],
    ["expired", { exp: startS - 6 }],
    ["not valid yet", { nbf: startS + 60 }],
  ])("for its claims: %s", async (_, changed) => {
    expect(await outcome(await sign(changed))).toBe(refused);
  });

  test("when another key signed it", async () => {
    expect(await outcome(await sign({}, foreign))).toBe(refused);
  });

  test("without a signature", async () => {
    const token = forgeToken({ alg: "none", kid: "w1", typ: "JWT" }, claims, () => Buffer.alloc(0));
    expect(await outcome(token)).toBe(refused);
  });

  test("with the public key as the secret of HS256", async () => {
    const hmac = (input: string) => createHmac("sha256", key.publicPem).update(input).digest();
    expect(await outcome(forgeToken({ alg: "HS256", kid: "w1", typ: "JWT" }, claims, hmac))).toBe(refused);
  });

  test("with an algorithm outside the allow list, although its key is in the set", async () => {
    const other = await createSigningKey("w3", "ES384");
    const file = path.join(folder, "other-algorithm.json");
    await writeFile(file, keySet(key, other));
    const verifier = createWorkloadTokenVerifier({ jwks: file, issuer, clock });
    expect(await outcome(await sign({}, other), verifier)).toBe(refused);
  });

  test.each(["", "nonsense", "a.b.c"])("when it is %o", async (token) => {
    expect(await outcome(token)).toBe(refused);
  });

  test("with a message that tells nothing of the reason", async () => {
    const fault = (await verify(await sign({ sub: "user:1" })).catch((err: unknown) => err)) as Fault;
    expect(fault.message).toBe("the workload token is not valid");
    expect(fault.cause).toBeInstanceOf(Error);
  });
});

test("a remembered token ends when it expires", async () => {
  const token = await sign();
  expect(await outcome(token)).toBe("identity");
  clock.advance(299_000);
  expect(await outcome(token)).toBe("identity");
  clock.advance(7_000);
  expect(await outcome(token)).toBe(refused);
});

describe("keys by URL", () => {
  let answer: { status: number; body: string } = { status: 200, body: "" };
  const issuerServer = createServer((_, response) => {
    response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
  });
  let viaUrl: WorkloadTokenVerifier;
  beforeAll(() => new Promise<void>((resolve) => issuerServer.listen(0, "127.0.0.1", resolve)));
  afterAll(() => {
    issuerServer.closeAllConnections();
    issuerServer.close();
  });
  beforeEach(() => {
    const { port } = issuerServer.address() as AddressInfo;
    viaUrl = createWorkloadTokenVerifier({ jwks: `http://127.0.0.1:${port}/jwks`, issuer, clock });
  });

  test("are fetched when first needed", async () => {
    answer = { status: 200, body: keySet(key) };
    expect(await outcome(await sign(), viaUrl)).toBe("identity");
    expect(await outcome(await sign({}, foreign), viaUrl)).toBe(refused);
  });

  test("that cannot be had make calls unavailable, not unauthenticated, and only as long as that lasts", async () => {
    answer = { status: 503, body: "" };
    expect(await outcome(await sign(), viaUrl)).toBe("unavailable KEYS_UNAVAILABLE");
    answer = { status: 200, body: keySet(key) };
    expect(await outcome(await sign(), viaUrl)).toBe("identity");
  });
});

describe("keys in a file", () => {
  test("that is not there make calls unavailable until it is", async () => {
    const file = path.join(folder, "later.json");
    const verifier = createWorkloadTokenVerifier({ jwks: file, issuer, clock });
    expect(await outcome(await sign(), verifier)).toBe("unavailable KEYS_UNAVAILABLE");
    await writeFile(file, keySet(key));
    expect(await outcome(await sign(), verifier)).toBe("identity");
  });

  test("that were replaced, as a new substrate does, are found by their new id", async () => {
    const file = path.join(folder, "replaced.json");
    await writeFile(file, keySet(key));
    const verifier = createWorkloadTokenVerifier({ jwks: file, issuer, clock });
    expect(await outcome(await sign(), verifier)).toBe("identity");
    const next = await createSigningKey("w2", "EdDSA");
    await writeFile(file, keySet(key, next));
    clock.advance(10_000);
    expect(await outcome(await sign({}, next), verifier)).toBe("identity");
  });
});
