import { createSecretKey } from "node:crypto";
import { systemClock } from "@plinth/kernel";
import { eventually } from "@plinth/testing";
import { exportSPKI, generateKeyPair, importJWK, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  type Running,
  service,
  startGateway,
  startTestAuth,
  type TestAuth,
  tokenAudience,
  tokenIssuer,
} from "./harness.ts";
import { startHttpUpstream, type Upstream } from "./upstream.ts";

let auth: TestAuth;
let upstream: Upstream;
let running: Running;

beforeAll(async () => {
  auth = await startTestAuth("ES256");
  upstream = await startHttpUpstream();
  const rules = [
    { path: "/required/" },
    { path: "/optional/", authentication: "Optional" },
    { path: "/none/", authentication: "None" },
  ];
  running = await startGateway([service("web", rules)], { web: [upstream.port], auth: [auth.upstream.port] });
});
afterAll(async () => {
  await running.stop();
  await upstream.close();
  await auth.upstream.close();
});

const call = (path: string, authorization?: string) =>
  fetch(`${running.url}${path}`, authorization === undefined ? {} : { headers: { authorization } });

const now = () => Math.floor(Date.now() / 1000);

describe("a token of auth", () => {
  it("opens a route that requires one and travels on", async () => {
    const token = await auth.token();
    for (let i = 0; i < 2; i++) expect((await call("/required/x", `Bearer ${token}`)).status).toBe(200);
    expect(upstream.requests.at(-1)?.headers.authorization).toBe(`Bearer ${token}`);
  });

  it("is missing: 401 says what to send", async () => {
    const answer = await call("/required/x");
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="plinth"');
    const said = (await answer.json()) as object;
    expect(said).toMatchObject({ code: "unauthenticated", reason: "TOKEN_MISSING" });
    const info = { "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "TOKEN_MISSING", domain: "plinth.dev" };
    expect(said).toMatchObject({ error: { code: 401, status: "UNAUTHENTICATED", details: [info] } });
    const connect = await fetch(`${running.url}/required/x`, { headers: { "connect-protocol-version": "1" } });
    expect(await connect.json()).not.toHaveProperty("error");
    expect((await call("/optional/x")).status).toBe(200);
    expect((await call("/none/x")).status).toBe(200);
  });

  it("is bad: refused where it is looked at, passed on where it is not", async () => {
    expect((await call("/optional/x", "Bearer bad")).status).toBe(401);
    expect((await call("/none/x", "Bearer bad")).status).toBe(200);
    expect(upstream.requests.at(-1)?.headers.authorization).toBe("Bearer bad");
    expect((await call("/required/x", "Basic dTpw")).status).toBe(401);
  });
});

describe("forged and unfit tokens", () => {
  const claims = () => ({ iss: tokenIssuer, aud: tokenAudience, sub: "user:u1", iat: now(), exp: now() + 300 });
  const header = { typ: "at+jwt", kid: "key-1" };

  const forged: Record<string, () => Promise<string> | string> = {
    "another audience": () => auth.token({ aud: "other" }),
    "another issuer": () => auth.token({ iss: "http://other" }),
    "another type": () => auth.token({}, { typ: "JWT" }),
    "no type": () => auth.token({}, { typ: undefined }),
    "no subject": () => auth.token({ sub: undefined }),
    "no expiry": () => auth.token({ exp: undefined }),
    "valid only later": () => auth.token({ nbf: now() + 600 }),
    "algorithm none": () => {
      const [, payload] = new UnsecuredJWT(claims()).encode().split(".");
      return `${Buffer.from(JSON.stringify({ alg: "none", ...header })).toString("base64url")}.${payload}.x`;
    },
    "a signature by another key": async () => {
      const { privateKey } = await generateKeyPair("ES256");
      return new SignJWT(claims()).setProtectedHeader({ alg: "ES256", ...header }).sign(privateKey);
    },
    "HS256 with the public key as secret": async () => {
      const pem = await exportSPKI((await importJWK({ ...auth.publicJwk, ext: true }, "ES256")) as CryptoKey);
      const secret = createSecretKey(Buffer.from(pem));
      return new SignJWT(claims()).setProtectedHeader({ alg: "HS256", ...header }).sign(secret);
    },
    "an unknown key id": () => auth.token({}, { kid: "nobody" }),
    "a key of its own in the header": async () => {
      const { privateKey } = await generateKeyPair("ES256");
      const own = { alg: "ES256", ...header, kid: "own", jwk: auth.publicJwk };
      return new SignJWT(claims()).setProtectedHeader(own).sign(privateKey);
    },
    "a changed payload": async () => {
      const [head, , signature] = (await auth.token()).split(".");
      return `${head}.${Buffer.from(JSON.stringify({ ...claims(), sub: "user:root" })).toString("base64url")}.${signature}`;
    },
    "a huge token": () => `${"a".repeat(9_000)}.b.c`,
  };

  it.each(Object.entries(forged))("refuses %s", async (_name, make) => {
    const answer = await call("/required/x", `Bearer ${await make()}`);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ reason: "TOKEN_INVALID" });
  });

  it("refuses an expired one and says so; a little clock difference is forgiven", async () => {
    const nowMs = Date.now();
    // Its clock stands: what is forgiven is less than a call may take.
    const own = await startGateway(
      [service("web", [{ path: "/required/" }])],
      { web: [upstream.port], auth: [auth.upstream.port] },
      { clock: { ...systemClock, now: () => nowMs } },
    );
    onTestFinished(() => own.stop());
    const expired = async (forS: number) => {
      const authorization = `Bearer ${await auth.token({ exp: Math.floor(nowMs / 1000) - forS })}`;
      return fetch(`${own.url}/required/x`, { headers: { authorization } });
    };
    expect(await (await expired(60)).json()).toMatchObject({ reason: "TOKEN_EXPIRED" });
    expect((await expired(1)).status).toBe(200);
  });
});

describe("auth's keys", () => {
  it("are fetched again for an unknown key id, and kept while auth is away", async () => {
    const other = await startTestAuth("EdDSA");
    const own = await startGateway([service("web", [{ path: "/required/" }])], {
      web: [upstream.port],
      auth: [other.upstream.port],
    });
    const status = async (token: string) =>
      (await fetch(`${own.url}/required/x`, { headers: { authorization: `Bearer ${token}` } })).status;
    try {
      const first = await other.token();
      await eventually(async () => expect(await status(first)).toBe(200));
      await other.upstream.close();
      expect(await status(await other.token({ sub: "user:u2" }))).toBe(200);
    } finally {
      await own.stop();
    }
  });

  it("were never seen: the answer is 503, not 401", async () => {
    const own = await startGateway([service("web", [{ path: "/required/" }])], { web: [upstream.port], auth: [] });
    const headers = { authorization: `Bearer ${await auth.token()}` };
    const answer = await fetch(`${own.url}/required/x`, { headers });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("1");
    // It recovers as soon as auth appears.
    own.resolver.set("auth", auth.upstream.port);
    await eventually(async () => expect((await fetch(`${own.url}/required/x`, { headers })).status).toBe(200));
    await own.stop();
  });
});
