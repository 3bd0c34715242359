import { isFault } from "@plinth/kernel";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { composeModel } from "../src/domain/model/compose-model.ts";
import { formatObject, formatSubject } from "../src/domain/relationship/entity.ts";
import { type Relationship, relationshipKey } from "../src/domain/relationship/relationship.ts";
import { createPermissionEngine } from "../src/engine/permission-engine.ts";
import type { QuestionText } from "../src/engine/question.ts";
import type { ModelCache } from "../src/model/model-cache.ts";
import { createMemoryStore } from "./memory-store.ts";
import { relationship } from "./relationships.ts";

const dsl = `
type user
type group
  relations
    define member: [user, user:*, group#member, group#member with odd]
    define guest: [user] but not member
type folder
  relations
    define parent: [folder]
    define owner: [user]
    define viewer: [user, group#member, group#guest] or owner or viewer from parent
type doc
  relations
    define parent: [folder]
    define banned: [user, group#member, group#guest]
    define editor: [user, group#member with odd]
    define viewer: ([user, group#member] or editor or viewer from parent) but not banned
    define auditor: [user, group#guest] and viewer
condition odd(n: int) {
  n % 2 == 1
}
`;
const model = composeModel([{ name: "test", dsl }]);
const models: ModelCache = { modelOf: async () => model };
const signal = new AbortController().signal;
const ids = ["1", "2", "3"];
const users = ["user:a", "user:b", "user:c"];
const groups = ids.map((id) => `group:${id}`);
const relationsOf = (type: string): string[] => [...(model.types.get(type)?.relations.keys() ?? [])];

const oneOf = (...parts: string[][]) => fc.constantFrom(...parts.flat());
const sets = (relation: string) => groups.map((group) => `${group}#${relation}`);
const plain = (object: string[], relation: string, subject: string[]) =>
  fc.tuple(oneOf(object), oneOf(subject)).map(([o, s]) => relationship(`${o}#${relation}@${s}`));
const odd = (object: string[], relation: string, subject: string[]) =>
  fc
    .tuple(oneOf(object), oneOf(subject), fc.option(fc.nat(3)))
    .map(([o, s, n]) => relationship(`${o}#${relation}@${s}`, { name: "odd", context: n === null ? {} : { n } }));
const folders = ids.map((id) => `folder:${id}`);
const docs = ids.map((id) => `doc:${id}`);
const anyRelationship = fc
  .oneof(
    plain(groups, "member", [...users, "user:*", ...sets("member")]),
    odd(groups, "member", sets("member")),
    plain(groups, "guest", users),
    plain(folders, "parent", folders),
    plain(folders, "owner", users),
    plain(folders, "viewer", [...users, ...sets("member"), ...sets("guest")]),
    plain(docs, "parent", folders),
    plain(docs, "banned", [...users, ...sets("member"), ...sets("guest")]),
    odd(docs, "editor", sets("member")),
    plain(docs, "viewer", [...users, ...sets("member")]),
    plain(docs, "auditor", [...users, ...sets("guest")]),
  )
  .filter(({ object, relation, subject }) => formatSubject(subject) !== `${formatObject(object)}#${relation}`);
const relationships = fc.uniqueArray(anyRelationship, { selector: relationshipKey, maxLength: 25 });
const anyQuestion = fc
  .tuple(oneOf(groups, folders, docs), oneOf(users), fc.option(fc.nat(3)))
  .chain(([object, subject, n]) =>
    fc
      .constantFrom(...relationsOf(object.split(":")[0] as string))
      .map((relation): QuestionText => ({ object, relation, subject, context: () => (n === null ? {} : { n }) })),
  );

async function engineOn(stored: readonly Relationship[]) {
  const store = createMemoryStore();
  await store.change("shared", (change) => change.insert(stored));
  return createPermissionEngine(store, models);
}

type Outcome = boolean | string;
const options = { atLeastAsFresh: "", signal };
const outcomeOf = (call: Promise<boolean>): Promise<Outcome> =>
  call.catch((err: unknown) => {
    if (isFault(err)) return err.reason;
    throw err;
  });

/**
 * Another way to the answer: all memberships of the subject, stratum by stratum, until nothing is added. The model
 * subtracts only what an earlier stratum has finished. Conditions without parameter are left to the caller.
 */
function reference(stored: readonly Relationship[], question: QuestionText): boolean {
  const context = question.context?.() ?? {};
  const counts = stored.filter(({ condition }) => !condition || oddOutcome(condition.context, context) === true);
  const yes = new Set<string>();
  const named = (object: string, relation: string): boolean =>
    counts.some((r) => {
      if (formatObject(r.object) !== object || r.relation !== relation) return false;
      if (r.subject.relation !== undefined) return yes.has(formatSubject(r.subject));
      return formatSubject(r.subject) === question.subject || formatSubject(r.subject) === "user:*";
    });
  const inherited = (object: string): boolean =>
    counts.some(
      (r) =>
        formatObject(r.object) === object && r.relation === "parent" && yes.has(`${formatSubject(r.subject)}#viewer`),
    );
  const strata: [string[], string, (object: string) => boolean][][] = [
    [[groups, "member", (o) => named(o, "member")]],
    [[groups, "guest", (o) => named(o, "guest") && !yes.has(`${o}#member`)]],
    [
      [folders, "owner", (o) => named(o, "owner")],
      [folders, "viewer", (o) => named(o, "viewer") || yes.has(`${o}#owner`) || inherited(o)],
      [docs, "banned", (o) => named(o, "banned")],
      [docs, "editor", (o) => named(o, "editor")],
    ],
    [
      [
        docs,
        "viewer",
        (o) => (named(o, "viewer") || yes.has(`${o}#editor`) || inherited(o)) && !yes.has(`${o}#banned`),
      ],
    ],
    [[docs, "auditor", (o) => named(o, "auditor") && yes.has(`${o}#viewer`)]],
  ];
  for (const stratum of strata) {
    for (let before = -1; before !== yes.size; ) {
      before = yes.size;
      for (const [objects, relation, rule] of stratum)
        for (const object of objects) if (rule(object)) yes.add(`${object}#${relation}`);
    }
  }
  return yes.has(`${question.object}#${question.relation}`);
}

const oddOutcome = (stored: { n?: unknown }, asked: { n?: unknown }): boolean | undefined => {
  const n = stored.n ?? asked.n;
  return n === undefined ? undefined : Number(n) % 2 === 1;
};

const runs = { numRuns: 400 };

describe("for any relationships", () => {
  test("the answer is that of a plain materialisation of all memberships", async () => {
    await fc.assert(
      fc.asyncProperty(relationships, anyQuestion, fc.nat(3), async (stored, question, n) => {
        const decided = { ...question, context: () => ({ n }) };
        const engine = await engineOn(stored);
        expect(await engine.check(decided, options)).toBe(reference(stored, decided));
      }),
      { numRuns: 2_000 },
    );
  });

  test("a missing parameter never makes a yes out of a no, nor a no out of a yes", async () => {
    await fc.assert(
      fc.asyncProperty(relationships, anyQuestion, async (stored, question) => {
        const engine = await engineOn(stored);
        const outcome = await outcomeOf(engine.check(question, options));
        const decided = await Promise.all(
          [0, 1].map((n) => engine.check({ ...question, context: () => ({ n, ...question.context?.() }) }, options)),
        );
        if (typeof outcome === "boolean") expect(decided).toEqual([outcome, outcome]);
        else expect(outcome).toBe("CONDITION_PARAMETER_MISSING");
      }),
      runs,
    );
  });

  test("a batch answers what single checks answer", async () => {
    await fc.assert(
      fc.asyncProperty(
        relationships,
        fc.array(anyQuestion, { minLength: 1, maxLength: 8 }),
        async (stored, questions) => {
          const engine = await engineOn(stored);
          const batch = await engine.batchCheck(questions, options);
          const singles = await Promise.all(questions.map((question) => outcomeOf(engine.check(question, options))));
          expect(batch.map((outcome) => (isFault(outcome) ? outcome.reason : outcome))).toEqual(singles);
        },
      ),
      runs,
    );
  });

  test("contextual relationships count like stored ones", async () => {
    await fc.assert(
      fc.asyncProperty(relationships, fc.nat(25), anyQuestion, async (all, cut, question) => {
        const whole = await engineOn(all);
        const part = await engineOn(all.slice(0, cut));
        const contextual = () => all.slice(cut);
        expect(await outcomeOf(part.check({ ...question, contextual }, options))).toBe(
          await outcomeOf(whole.check(question, options)),
        );
      }),
      runs,
    );
  });

  test("the list of permissions is the list of relations that a check allows", async () => {
    await fc.assert(
      fc.asyncProperty(relationships, anyQuestion, async (stored, question) => {
        const engine = await engineOn(stored);
        const relations = relationsOf(question.object.split(":")[0] as string);
        const checks = await Promise.all(
          relations.map(async (relation) => outcomeOf(engine.check({ ...question, relation }, options))),
        );
        const fault = checks.find((outcome) => typeof outcome === "string");
        const list = await engine.listPermissions(question, [], options).catch((err: { reason: string }) => err.reason);
        expect(list).toEqual(fault ?? relations.filter((_, index) => checks[index] === true).sort());
      }),
      runs,
    );
  });

  test("the order of what is stored does not matter", async () => {
    await fc.assert(
      fc.asyncProperty(relationships, anyQuestion, async (stored, question) => {
        const outcomes = [stored, stored.toReversed()].map(async (order) => {
          const read = async () => order;
          const snapshot = { revision: "1", modules: async () => [], reader: () => ({ read }), list: async () => [] };
          return outcomeOf(createPermissionEngine(createMemoryStore(), models).checkOn(snapshot, question, signal));
        });
        const stored1 = outcomeOf((await engineOn(stored)).check(question, options));
        expect(new Set(await Promise.all([...outcomes, stored1])).size).toBe(1);
      }),
      runs,
    );
  });
});
