import { Fault, silentLogger } from "@plinth/kernel";
import { createFakeClock, createSeededRandom, eventually, type FakeClock } from "@plinth/testing";
import { expect, onTestFinished, test } from "vitest";
import { createApiClient } from "../src/api-client.ts";
import { fenceWrites } from "../src/fence.ts";
import { createLeaseElection, type LeaseElection, type Term } from "../src/lease-election.ts";
import type { ApiCall, Transport } from "../src/transport.ts";

interface StoredLease {
  metadata: { name: string; namespace: string; resourceVersion: string };
  spec: { holderIdentity?: string; leaseTransitions?: number };
}

/** One Lease with the API server's rules: create once, update only the version that was read. */
function createLeaseServer(): { send(call: ApiCall): unknown; lease(): StoredLease | undefined } {
  let stored: StoredLease | undefined;
  let version = 0;
  const refuse = (code: "not_found" | "aborted" | "already_exists"): never => {
    throw new Fault({ code, reason: "REFUSED", message: code });
  };
  return {
    lease: () => stored,
    send({ method, body }) {
      const lease = body as StoredLease | undefined;
      if (method === "GET") return stored ?? refuse("not_found");
      if (method === "POST" && stored) refuse("already_exists");
      if (method === "PUT" && lease?.metadata.resourceVersion !== stored?.metadata.resourceVersion) refuse("aborted");
      if (lease) stored = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++version) } };
      return stored;
    },
  };
}

type LeaseServer = ReturnType<typeof createLeaseServer>;

interface Candidate {
  election: LeaseElection;
  clock: FakeClock;
  terms: Term[];
  /** What happens to its calls. lost: they are carried out, and the answer is lost. */
  network: { state: "up" | "down" | "lost" };
}

let seed = 0;

function startCandidate(
  server: LeaseServer,
  options: { wallClockMs?: number; lead?: (term: Term) => Promise<void> } = {},
): Candidate {
  const clock = createFakeClock(options.wallClockMs);
  const network: Candidate["network"] = { state: "up" };
  const unreachable = (): Fault => new Fault({ code: "unavailable", reason: "DOWN", message: "down" });
  const transport: Transport = {
    async send(call) {
      if (network.state === "down") throw unreachable();
      const body = server.send(call);
      if (network.state === "lost" && call.method !== "GET") throw unreachable();
      return { body };
    },
    async *open() {},
    async close() {},
  };
  const terms: Term[] = [];
  const election = createLeaseElection({
    client: createApiClient(transport),
    lease: { namespace: "plinth", name: "operator" },
    identity: "test",
    clock,
    random: createSeededRandom(++seed),
    logger: silentLogger,
    async lead(term) {
      terms.push(term);
      await (options.lead?.(term) ?? untilAborted(term.signal));
    },
  });
  void election.start?.();
  onTestFinished(async () => {
    const stopped = election.stop?.(AbortSignal.timeout(1_000));
    clock.advance(60_000);
    await stopped;
  });
  return { election, clock, terms, network };
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
const breathe = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Lets time pass for all, in steps that no timer can miss, and looks after every step. */
async function pass(ms: number, candidates: readonly Candidate[], look: () => void = () => {}): Promise<void> {
  for (let passed = 0; passed < ms; passed += 200) {
    for (const { clock } of candidates) clock.advance(200);
    await breathe();
    look();
  }
}

const leaders = (candidates: readonly Candidate[]): number =>
  candidates.filter(({ terms }) => terms.some((term) => term.isHeld())).length;

test("one of two leads however wrong their wall clocks are, and for as long as it renews", async () => {
  const server = createLeaseServer();
  const first = startCandidate(server, { wallClockMs: Date.parse("1999-01-01T00:00:00Z") });
  await breathe();
  const second = startCandidate(server, { wallClockMs: Date.parse("2040-01-01T00:00:00Z") });
  const both = [first, second];
  await pass(120_000, both, () => expect(leaders(both)).toBe(1));
  expect([first.terms.length, second.terms.length]).toEqual([1, 0]);
  expect(second.election.leader()).toContain("test_");
});

test("a leader that cannot reach the server steps down before another takes over", async () => {
  const server = createLeaseServer();
  const first = startCandidate(server);
  await breathe();
  const second = startCandidate(server);
  const both = [first, second];
  await pass(4_000, both);
  first.network.state = "down";
  await pass(20_000, both, () => expect(leaders(both)).toBeLessThanOrEqual(1));
  expect(first.terms[0]?.signal.aborted).toBe(true);
  expect(second.terms).toHaveLength(1);
  expect(second.terms[0]?.token).toBeGreaterThan(first.terms[0]?.token ?? 0);
  first.network.state = "up";
  await pass(20_000, both, () => expect(leaders(both)).toBe(1));
  expect(first.terms).toHaveLength(1);
});

test("stopping hands over at once, and only after the leader's work has ended", async () => {
  const server = createLeaseServer();
  const finish = Promise.withResolvers<void>();
  const first = startCandidate(server, { lead: () => finish.promise });
  await breathe();
  const second = startCandidate(server);
  const stopped = first.election.stop?.(AbortSignal.timeout(1_000));
  await pass(3_000, [first, second]);
  expect(first.terms[0]?.signal.aborted).toBe(true);
  expect(second.terms).toHaveLength(0);
  finish.resolve();
  await stopped;
  expect(server.lease()?.spec.holderIdentity).toBe("");
  await pass(3_000, [second]);
  expect(second.terms.map(({ token }) => token)).toEqual([2]);
});

test("a renewal whose answer was lost does not end the term", async () => {
  const server = createLeaseServer();
  const only = startCandidate(server);
  await pass(3_000, [only]);
  only.network.state = "lost";
  await pass(4_000, [only]);
  only.network.state = "up";
  await pass(30_000, [only], () => expect(leaders([only])).toBe(1));
  expect(only.terms).toHaveLength(1);
});

test("a lease that another took is given up at the next look", async () => {
  const server = createLeaseServer();
  const only = startCandidate(server);
  await breathe();
  const lease = server.lease();
  if (!lease) throw new Error("no lease");
  const stolen = { ...lease, spec: { ...lease.spec, holderIdentity: "thief", leaseTransitions: 9 } };
  server.send({ method: "PUT", path: "", body: stolen });
  await pass(5_000, [only]);
  expect(only.terms[0]?.signal.aborted).toBe(true);
  await pass(20_000, [only]);
  expect(only.terms.map(({ token }) => token)).toEqual([1, 10]);
});

test("a term is over by the clock before any timer of a process that slept has run", async () => {
  const server = createLeaseServer();
  const only = startCandidate(server);
  await eventually(() => expect(only.terms).toHaveLength(1));
  const term = only.terms[0] as Term;
  expect(term.isHeld()).toBe(true);
  only.clock.advance(10_000);
  expect(term.isHeld()).toBe(false);
  const sent: string[] = [];
  const transport: Transport = {
    send: async ({ method }) => {
      sent.push(method);
      return { body: {} };
    },
    async *open() {},
    async close() {},
  };
  const fenced = fenceWrites(transport, term);
  await fenced.send({ method: "GET", path: "/" });
  await expect(fenced.send({ method: "PATCH", path: "/" })).rejects.toMatchObject({ reason: "LEADERSHIP_LOST" });
  expect(sent).toEqual(["GET"]);
});

test("work that fails gives leadership up and gets another term", async () => {
  const server = createLeaseServer();
  let failures = 0;
  const only = startCandidate(server, {
    lead: (term) => (++failures === 1 ? Promise.reject(new Error("broken")) : untilAborted(term.signal)),
  });
  await pass(6_000, [only]);
  expect(only.terms.map(({ token }) => token)).toEqual([1, 2]);
});
