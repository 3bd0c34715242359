import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createPlinth, items, type Plinth, PlinthError } from "../src/browser.ts";
import { ErrorInfoSchema, RetryInfoSchema } from "../src/gen/google/rpc/error_details_pb.ts";
import { AuthService } from "../src/gen/plinth/auth/v1/auth_pb.ts";
import { IdentityService } from "../src/gen/plinth/identity/v1/identity_pb.ts";
import { startFailingServer } from "./failing-server.ts";

/** "user:ann", signed by nobody. */
const tokenOf = (name: string): string => `e30.${btoa(JSON.stringify({ sub: "user:ann", name }))}.`;

/** For what happens by itself on a machine that others use as well. */
const soon = { timeout: 30_000, interval: 20 };

let failures: ConnectError[];
let calls: string[];
let refreshes: number;
let refreshing: Promise<void>;
/** What a server waits for before it answers, or fails. */
let answering: () => Promise<void>;
let logins: number;
let waitsMs: number[];
/** What the clients' clock is ahead of the real one. */
let aheadMs: number;
let server: Awaited<ReturnType<typeof startFailingServer>>;
let plinth: Plinth;

const clock = {
  now: () => Date.now() + aheadMs,
  sleep: async (ms: number) => void waitsMs.push(ms),
};

beforeEach(async () => {
  failures = [];
  calls = [];
  refreshes = 0;
  refreshing = Promise.resolve();
  answering = async () => {};
  logins = 0;
  waitsMs = [];
  aheadMs = 0;
  const answer = async (authorization: string | null) => {
    calls.push(authorization ?? "anonymous");
    await answering();
    const failure = failures.shift();
    if (failure) throw failure;
    return {};
  };
  server = await startFailingServer((router) => {
    router.service(IdentityService, {
      getUser: (_, { requestHeader }) => answer(requestHeader.get("authorization")),
      createUser: (_, { requestHeader }) => answer(requestHeader.get("authorization")),
      listUsers: () => ({ nextPageToken: "" }),
    });
    router.service(AuthService, {
      login: ({ email }) => ({
        accessToken: tokenOf(email),
        expiresIn: 300,
        refreshToken: "r0",
        sessionId: `s${++logins}`,
      }),
      refresh: async () => {
        refreshes++;
        await refreshing;
        return {
          accessToken: tokenOf(`later ${refreshes}`),
          expiresIn: 300,
          refreshToken: "r1",
          sessionId: `s${logins}`,
        };
      },
      logout: () => ({}),
    });
  });
  // Longer than a test: what ends earlier does so by its own deadline.
  plinth = createPlinth({ url: server.url, clock, timeoutMs: 60_000 });
});
afterEach(() => server.stop());

const unavailable = (headers: Record<string, string> = {}) => new ConnectError("away", Code.Unavailable, headers);

describe("calls that the proto declares idempotent", () => {
  test("are made again while the server is unavailable, with growing random waits", async () => {
    failures = [unavailable(), unavailable()];
    await plinth.identity.getUser({ id: "x" });
    expect(calls).toHaveLength(3);
    expect(waitsMs).toHaveLength(2);
    for (const [index, ceiling] of [50, 100].entries()) {
      expect(waitsMs[index]).toBeGreaterThanOrEqual(ceiling / 10);
      expect(waitsMs[index]).toBeLessThanOrEqual(ceiling);
    }
  });

  test("are given up after three attempts", async () => {
    failures = Array.from({ length: 5 }, () => unavailable());
    await expect(plinth.identity.getUser({ id: "x" })).rejects.toMatchObject({ code: "unavailable", message: "away" });
    expect(calls).toHaveLength(3);
  });

  test("wait as long as the server wants, and not at all when that is too long or never", async () => {
    failures = [unavailable({ "grpc-retry-pushback-ms": "700" })];
    await plinth.identity.getUser({ id: "x" });
    expect(waitsMs[0]).toBeGreaterThanOrEqual(700);
    for (const wish of ["never", "60000"]) {
      failures = [unavailable({ "grpc-retry-pushback-ms": wish })];
      await expect(plinth.identity.getUser({ id: "x" })).rejects.toThrow("away");
    }
    expect(calls).toHaveLength(4);
  });

  test("are made again after a refusal for want of room only when the server says when", async () => {
    const full = () => new ConnectError("full", Code.ResourceExhausted);
    failures = [full()];
    await expect(plinth.identity.getUser({ id: "x" })).rejects.toMatchObject({ retryAfterMs: undefined });
    const told = full();
    told.details.push({ desc: RetryInfoSchema, value: { retryDelay: { seconds: 1n, nanos: 500_000_000 } } });
    failures = [told];
    await plinth.identity.getUser({ id: "x" });
    expect(waitsMs).toEqual([expect.any(Number)]);
    expect(waitsMs[0]).toBeGreaterThanOrEqual(1_500);
  });

  test("are at most a tenth more than without retries, and ten at once", async () => {
    failures = Array.from({ length: 200 }, () => unavailable());
    for (let made = 0; made < 50; made++) await plinth.identity.getUser({ id: "x" }).catch(() => {});
    // The ten of the beginning, and 4 or 5 of the 50 calls.
    expect(calls.length - 50).toBeGreaterThanOrEqual(14);
    expect(calls.length - 50).toBeLessThanOrEqual(15);
  });

  test("are not made again when that would be after the deadline", async () => {
    failures = [unavailable({ "grpc-retry-pushback-ms": "4000" })];
    answering = async () => {
      aheadMs += 57_000;
    };
    await expect(plinth.identity.getUser({ id: "x" })).rejects.toThrow("away");
    expect(calls).toHaveLength(1);
  });
});

test("other calls are made once", async () => {
  failures = [unavailable()];
  await expect(plinth.identity.createUser({ email: "a@b.example" })).rejects.toThrow("away");
  expect(calls).toHaveLength(1);
});

test("an error says everything that the server said", async () => {
  const failure = new ConnectError("email: wrong; id: missing", Code.InvalidArgument, { "x-request-id": "r-1" });
  failure.details.push({
    desc: ErrorInfoSchema,
    value: { reason: "REQUEST_INVALID", domain: "plinth.dev", metadata: { fields: "email,id" } },
  });
  failures = [failure];
  const error = await plinth.identity.createUser({}).catch((err: unknown) => err);
  expect(error).toBeInstanceOf(PlinthError);
  expect(error).toMatchObject({
    code: "invalid_argument",
    reason: "REQUEST_INVALID",
    message: "email: wrong; id: missing",
    requestId: "r-1",
    retryAfterMs: undefined,
    fieldViolations: [
      { field: "email", description: "wrong" },
      { field: "id", description: "missing" },
    ],
  });
});

test("a server that is not there is unavailable, without a reason", async () => {
  await server.stop();
  await expect(plinth.identity.createUser({})).rejects.toMatchObject({ code: "unavailable", reason: "" });
});

describe("the session", () => {
  const refused = () => new ConnectError("over", Code.Unauthenticated);
  const admin = { email: "a@b.example", password: "..." };

  test("is renewed once for all calls whose token is refused, and each is made once more only", async () => {
    await plinth.session.signIn(admin);
    failures = [refused(), refused(), refused()];
    // All are under way with the first token.
    const all = Promise.withResolvers<void>();
    answering = () => {
      if (calls.length >= 3) all.resolve();
      return all.promise;
    };
    await Promise.all(["1", "2", "3"].map(() => plinth.identity.createUser({})));
    expect(refreshes).toBe(1);
    expect(calls.slice(3)).toEqual(Array(3).fill(`Bearer ${tokenOf("later 1")}`));
    failures = [refused(), refused()];
    await expect(plinth.identity.createUser({})).rejects.toMatchObject({ code: "unauthenticated" });
    expect(refreshes).toBe(2);
  });

  test("that was signed out while it was renewed stays signed out", async () => {
    await plinth.session.signIn(admin);
    let release = (): void => {};
    refreshing = new Promise((resolve) => {
      release = resolve;
    });
    failures = [refused()];
    const call = plinth.identity.createUser({});
    await expect.poll(() => refreshes, soon).toBe(1);
    const out = plinth.session.signOut();
    release();
    await Promise.all([call, out]);
    await expect(plinth.session.current()).resolves.toBeUndefined();
    await plinth.identity.createUser({});
    expect(calls.at(-1)).toBe("anonymous");
  });

  test("is not waited for by a caller that gives up, who does not stop it for others", async () => {
    await plinth.session.signIn(admin);
    let release = (): void => {};
    refreshing = new Promise((resolve) => {
      release = resolve;
    });
    failures = [refused(), refused()];
    const stop = new AbortController();
    const [impatient, patient] = [
      plinth.identity.createUser({}, { signal: stop.signal }),
      plinth.identity.createUser({}),
    ];
    // Both were refused, and wait for the one renewal.
    await expect.poll(() => [refreshes, failures], soon).toEqual([1, []]);
    stop.abort();
    await expect(impatient).rejects.toMatchObject({ code: "canceled" });
    release();
    await patient;
    expect(refreshes).toBe(1);
  });

  test("is never another's in the middle of a call: who signed in meanwhile does not make it", async () => {
    await plinth.session.signIn(admin);
    const { promise, resolve: release } = Promise.withResolvers<void>();
    answering = () => promise;
    failures = [refused()];
    const call = plinth.identity.createUser({});
    await expect.poll(() => calls, soon).toHaveLength(1);
    await plinth.session.signIn({ ...admin, email: "b@b.example" });
    release();
    await expect(call).rejects.toMatchObject({ code: "unauthenticated", message: "over" });
    expect(calls).toEqual([`Bearer ${tokenOf(admin.email)}`]);
    expect(refreshes).toBe(0);
  });

  test("is not waited for beyond the deadline of a call", async () => {
    await plinth.session.signIn(admin);
    let release = (): void => {};
    refreshing = new Promise((resolve) => {
      release = resolve;
    });
    failures = [refused(), refused()];
    const patient = plinth.identity.createUser({});
    await expect.poll(() => refreshes, soon).toBe(1);
    const hurried = plinth.identity.createUser({}, { timeoutMs: 1_500 });
    await expect(hurried).rejects.toMatchObject({ code: "deadline_exceeded" });
    expect(refreshes).toBe(1);
    // Its own refusal may not even have come by then.
    failures = [];
    release();
    await patient;
    await expect(plinth.session.accessToken()).resolves.toBe(tokenOf("later 1"));
  });

  test("goes with every call but those that bring a token of their own", async () => {
    await plinth.session.signIn(admin);
    await plinth.identity.createUser({}, { headers: { authorization: "Bearer own" } });
    expect(calls).toEqual(["Bearer own"]);
  });
});

test("a client acts as a user or as a service", async () => {
  const session = { load: () => undefined, save: () => {} };
  const both = { url: server.url, session, credentials: { clientId: "a", clientSecret: "b" } };
  expect(() => createPlinth(both)).toThrow("not both");
  const service = createPlinth({ url: server.url, credentials: both.credentials });
  await expect(service.session.signIn({ email: "a@b.example", password: "..." })).rejects.toThrow("acts as a service");
});

test("an answer that is no page of one list is refused", async () => {
  const list = async () => ({ nextPageToken: "", names: ["a"], ids: ["b"] });
  await expect(items(list, {} as { pageToken?: string }).next()).rejects.toThrow("this one has 2");
});
