import { createMemoryCache } from "@plinth/cache";
import { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import { createFakeClock } from "@plinth/testing";
import { startService } from "@plinth/testing/service";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { authz } from "../src/app.ts";
import { formatToken } from "../src/domain/consistency-token.ts";
import { composeModel } from "../src/domain/model/compose-model.ts";
import { cacheDecisions, forgetOnChange } from "../src/engine/decision-cache.ts";
import { createPermissionEngine, type PermissionEngine } from "../src/engine/permission-engine.ts";
import type { ModelCache } from "../src/model/model-cache.ts";
import type { AuthzStore } from "../src/store/authz-store.ts";
import { createMemoryStore } from "./memory-store.ts";
import { relationship } from "./relationships.ts";

const dsl = `
type user
type group
  relations
    define member: [user, group#member]
type doc
  relations
    define banned: [user, group#member]
    define editor: [user, group#member]
    define viewer: ([user] or editor) but not banned
`;
const model = composeModel([{ name: "test", dsl }]);
const models: ModelCache = { modelOf: async () => model };
const signal = new AbortController().signal;
const latest = { atLeastAsFresh: "", signal };
const ttlMs = 1_000;

/** An instance of the service: what it has in memory is its own, the store everybody's. */
function instanceOn(shared: AuthzStore, clock = createFakeClock()) {
  const decisions = createMemoryCache<boolean>({ entriesMax: 100, ttlMs, clock });
  const store = forgetOnChange(shared, decisions);
  return { store, engine: cacheDecisions(createPermissionEngine(store, models), decisions) };
}

const question = (text: string) => {
  const { object, relation, subject } = relationship(text);
  return {
    object: `${object.type}:${object.id}`,
    relation,
    subject: `${subject.type}:${subject.id}${subject.relation === undefined ? "" : `#${subject.relation}`}`,
  };
};

const users = ["user:a", "user:b"];
const sets = ["group:1#member"];
const pick = (...values: string[]) => fc.constantFrom(...values);
const anyRelationship = fc.oneof(
  fc.tuple(pick("group:1"), pick("member"), pick(...users)),
  fc.tuple(pick("doc:1"), pick("banned", "editor"), pick(...users, ...sets)),
);
const anyQuestion = fc.tuple(pick("doc:1"), pick("viewer", "editor"), pick(...users));
const text = ([object, relation, subject]: [string, string, string]) => `${object}#${relation}@${subject}`;
/** Mostly one of the two changes and the other one asks: what it remembers is then often not what is. */
const changer = fc.constantFrom(0, 0, 0, 1);
const asker = fc.constantFrom(1, 1, 1, 0);
const anyStep = fc.oneof(
  fc.record({ kind: fc.constant("insert" as const), text: anyRelationship.map(text), by: changer }),
  fc.record({ kind: fc.constant("remove" as const), text: anyRelationship.map(text), by: changer }),
  fc.record({ kind: fc.constant("check" as const), text: anyQuestion.map(text), by: asker }),
  fc.record({ kind: fc.constant("check" as const), text: anyQuestion.map(text), by: asker }),
  fc.record({ kind: fc.constant("check" as const), text: anyQuestion.map(text), by: asker }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 700 }) }),
);

describe("decisions from memory", () => {
  test("are those of the store: with a token, after a change of one's own, and otherwise as of the last second", async () => {
    let fromMemory = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 10, maxLength: 60 }), async (steps) => {
        const shared = createMemoryStore();
        const clock = createFakeClock();
        const plain = createPermissionEngine(shared, models);
        const instances = [instanceOn(shared, clock), instanceOn(shared, clock)];
        let token = "";
        let lastBy: number | undefined;
        /** What the store answered, by question, with when it began to: every answer before a change is one that was true. */
        const states: { atMs: number; engine: PermissionEngine }[] = [{ atMs: 0, engine: await frozen(shared) }];
        for (const step of steps) {
          if (step.kind === "wait") {
            clock.advance(step.ms);
            continue;
          }
          const { store, engine } = instances[step.by] as (typeof instances)[number];
          if (step.kind !== "check") {
            await store.change("shared", async (change) => {
              token = formatToken(change.token);
              await change[step.kind]([relationship(step.text)]);
            });
            lastBy = step.by;
            states.push({ atMs: clock.monotonicMs(), engine: await frozen(shared) });
            continue;
          }
          const asked = question(step.text);
          const now = await plain.check(asked, latest);
          expect(await engine.check(asked, { atLeastAsFresh: token, signal })).toBe(now);
          const answer = await engine.check(asked, latest);
          // A state counts for as long as the next one is not older than the time to live.
          const recent = states.filter(
            (_, index) => clock.monotonicMs() - (states[index + 1]?.atMs ?? Number.POSITIVE_INFINITY) <= ttlMs,
          );
          const possible = await Promise.all(recent.map((state) => state.engine.check(asked, latest)));
          expect(possible).toContain(answer);
          if (lastBy === step.by) expect(answer).toBe(now);
          if (answer !== now) fromMemory++;
        }
      }),
      { numRuns: 200 },
    );
    // Otherwise nothing was remembered and nothing was tested.
    expect(fromMemory).toBeGreaterThan(0);
  });

  test("of another instance's change may be those of before, for the time to live, and never with its token", async () => {
    const shared = createMemoryStore();
    const clock = createFakeClock();
    const [one, other] = [instanceOn(shared, clock), instanceOn(shared, clock)];
    const asked = question("doc:1#viewer@user:a");
    expect(await one.engine.check(asked, latest)).toBe(false);
    let token = "";
    await other.store.change("shared", async (change) => {
      token = formatToken(change.token);
      await change.insert([relationship("doc:1#editor@user:a")]);
    });
    clock.advance(ttlMs - 1);
    expect(await one.engine.check(asked, latest)).toBe(false);
    expect(await one.engine.check(asked, { atLeastAsFresh: token, signal })).toBe(true);
    clock.advance(1);
    expect(await one.engine.check(asked, latest)).toBe(true);
  });

  test("ask the store once, and again when something has changed", async () => {
    const shared = createMemoryStore();
    let reads = 0;
    const counted: AuthzStore = {
      ...shared,
      read: (...args) => {
        reads++;
        return shared.read(...args);
      },
    };
    const { engine, store } = instanceOn(counted);
    const asked = question("doc:1#viewer@user:a");
    for (let i = 0; i < 3; i++) expect(await engine.check(asked, latest)).toBe(false);
    expect(reads).toBe(1);
    await store.change("shared", (change) => change.insert([relationship("doc:1#editor@user:a")]));
    for (let i = 0; i < 3; i++) expect(await engine.check(asked, latest)).toBe(true);
    expect(reads).toBe(2);
  });

  test("take nothing from checks with relationships or parameters of their own, and give them nothing", async () => {
    const { engine } = instanceOn(createMemoryStore());
    const asked = question("doc:1#viewer@user:a");
    const contextual = () => [relationship("doc:1#editor@user:a")];
    expect(await engine.check({ ...asked, contextual }, latest)).toBe(true);
    expect(await engine.check(asked, latest)).toBe(false);
    expect(await engine.check({ ...asked, contextual }, latest)).toBe(true);
    expect(await engine.check({ ...asked, context: () => ({ n: 1 }) }, latest)).toBe(false);
  });

  test("are forgotten when a change fails, which may have been made all the same", async () => {
    const shared = createMemoryStore();
    const lost: AuthzStore = {
      ...shared,
      async change(mode, work) {
        await shared.change(mode, work);
        throw new Error("the answer to the commit is lost");
      },
    };
    const { engine, store } = instanceOn(lost);
    const asked = question("doc:1#viewer@user:a");
    expect(await engine.check(asked, latest)).toBe(false);
    const made = store.change("shared", (change) => change.insert([relationship("doc:1#editor@user:a")]));
    await expect(made).rejects.toThrow("lost");
    expect(await engine.check(asked, latest)).toBe(true);
  });

  test("one caller's cancelled check does not fail the others", async () => {
    const shared = createMemoryStore();
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const gated: AuthzStore = { ...shared, read: (...args) => gate.then(() => shared.read(...args)) };
    const { engine } = instanceOn(gated);
    const asked = question("doc:1#viewer@user:a");
    const impatient = new AbortController();
    const both = [engine.check(asked, { atLeastAsFresh: "", signal: impatient.signal }), engine.check(asked, latest)];
    impatient.abort();
    open();
    expect(await both[1]).toBe(false);
  });
});

test("the whole service remembers decisions when it is told to, and forgets them with a write", async () => {
  const service = await startService({
    definition: authz,
    migrations: `${import.meta.dirname}/../migrations`,
    env: { PLINTH_AUTHZ_ADMINS: "service:root", PLINTH_AUTHZ_DECISION_TTL: "1h" },
  });
  onTestFinished(() => service.stop());
  const root = await service.client(AuthzService, { workload: "root" });
  const admin = { object: "platform:plinth", relation: "admin", subject: "user:ann" };
  const isAdmin = async () => (await root.check(admin)).allowed;
  expect(await isAdmin()).toBe(false);
  await root.writeRelationships({ writes: [admin] });
  expect(await isAdmin()).toBe(true);
  // Behind the service's back: only its memory can still say yes.
  await service.database.admin("DELETE FROM authz.relationship WHERE subject_id = 'ann'");
  expect(await isAdmin()).toBe(true);
  await root.writeRelationships({ writes: [{ ...admin, subject: "user:bob" }] });
  expect(await isAdmin()).toBe(false);
});

/** An engine on what the store has now. */
async function frozen(store: AuthzStore): Promise<PermissionEngine> {
  const { promise, resolve } = Promise.withResolvers<Parameters<Parameters<AuthzStore["read"]>[1]>[0]>();
  await store.read(undefined, async (snapshot) => resolve(snapshot));
  const snapshot = await promise;
  return createPermissionEngine({ ...store, read: (_, work) => work(snapshot) }, models);
}
