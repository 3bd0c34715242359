import { describe, expect, test } from "vitest";
import { limits } from "../../src/domain/limits.ts";
import { composeModel } from "../../src/domain/model/compose-model.ts";
import type { Model } from "../../src/domain/model/model.ts";
import { usersetKey } from "../../src/domain/relationship/relationship.ts";
import { answerQuestion } from "../../src/engine/question.ts";
import { relationship } from "../relationships.ts";

const model = composeModel([
  {
    name: "test",
    dsl: `
type user
type group
  relations
    define member: [user, group#member]
    define blocked: [user, group#blocked, doc#viewer]
type folder
  relations
    define parent: [folder]
    define viewer: [user, group#member] or viewer from parent
type doc
  relations
    define parent: [folder]
    define banned: [user, doc#viewer, doc#banned]
    define viewer: [user, user:*, group#member with even] but not banned
    define trusted: [user, doc#trusted] and viewer
    define reader: viewer or viewer from parent
condition even(n: int) {
  n % 2 == 0
}
`,
  },
]);

interface Reads {
  rounds: number;
  keys: string[];
}

function ask(question: string, stored: string[], reads: Reads = { rounds: 0, keys: [] }, of: Model = model) {
  const relationships = stored.map((text) => {
    const [key = "", n] = text.split(" even ");
    return relationship(
      key,
      n === undefined ? undefined : { name: "even", context: n === "?" ? {} : { n: Number(n) } },
    );
  });
  const { object, relation, subject } = relationship(question);
  return answerQuestion(
    {
      model: of,
      reader: {
        async read(requests) {
          reads.rounds++;
          const wanted = requests.map((request) => usersetKey(request.object, request.relation));
          reads.keys.push(...wanted);
          return relationships.filter((r) => wanted.includes(usersetKey(r.object, r.relation)));
        },
      },
      signal: AbortSignal.timeout(60_000),
    },
    {
      object: `${object.type}:${object.id}`,
      relation,
      subject: `${subject.type}:${subject.id}${subject.relation ? `#${subject.relation}` : ""}`,
    },
  );
}

describe("circles", () => {
  test("groups in a circle: members are members, others are not", async () => {
    const circle = ["group:a#member@group:b#member", "group:b#member@group:c#member", "group:c#member@group:a#member"];
    expect(await ask("group:a#member@user:ann", [...circle, "group:c#member@user:ann"])).toBe(true);
    expect(await ask("group:a#member@user:ben", [...circle, "group:c#member@user:ann"])).toBe(false);
  });

  test("a circle of bans that nobody is in bans nobody", async () => {
    const stored = ["doc:1#viewer@user:ann", "doc:1#banned@doc:2#banned", "doc:2#banned@doc:1#banned"];
    expect(await ask("doc:1#viewer@user:ann", stored)).toBe(true);
    expect(await ask("doc:1#viewer@user:ann", [...stored, "doc:2#banned@user:ann"])).toBe(false);
  });

  test("viewers who are banned because they are viewers: a contradiction is no", async () => {
    const paradox = ["doc:1#viewer@user:ann", "doc:1#banned@doc:1#viewer"];
    expect(await ask("doc:1#viewer@user:ann", paradox)).toBe(false);
    expect(await ask("doc:1#banned@user:ann", paradox)).toBe(false);
    expect(await ask("doc:1#reader@user:ann", paradox)).toBe(false);
  });

  test("a contradiction inside a ban does not become a yes outside", async () => {
    const stored = [
      "doc:1#viewer@user:ann",
      "doc:1#banned@doc:1#viewer",
      "doc:2#viewer@user:ann",
      "doc:2#banned@doc:1#banned",
    ];
    expect(await ask("doc:2#viewer@user:ann", stored)).toBe(false);
  });

  test("two who ban each other: neither is decided, a third ban decides", async () => {
    const duel = [
      "doc:1#viewer@user:ann",
      "doc:2#viewer@user:ann",
      "doc:1#banned@doc:2#viewer",
      "doc:2#banned@doc:1#viewer",
    ];
    expect(await ask("doc:1#viewer@user:ann", duel)).toBe(false);
    expect(await ask("doc:1#viewer@user:ann", [...duel, "doc:2#banned@user:ann"])).toBe(true);
  });

  test("a chain of bans alternates, however the relationships are ordered", async () => {
    const chain = Array.from({ length: 6 }, (_, i) => [
      `doc:${i}#viewer@user:ann`,
      `doc:${i}#banned@doc:${i + 1}#viewer`,
    ]).flat();
    const stored = [...chain, "doc:6#viewer@user:ann"];
    for (const order of [stored, stored.toReversed()]) {
      expect(await ask("doc:0#viewer@user:ann", order)).toBe(true);
      expect(await ask("doc:1#viewer@user:ann", order)).toBe(false);
    }
  });

  test("an intersection that only refers to itself gives nothing", async () => {
    const stored = [
      "doc:1#viewer@user:ann",
      "doc:1#trusted@doc:2#trusted",
      "doc:2#trusted@doc:1#trusted",
      "doc:2#viewer@user:ann",
    ];
    expect(await ask("doc:1#trusted@user:ann", stored)).toBe(false);
    expect(await ask("doc:1#trusted@user:ann", [...stored, "doc:2#trusted@user:ann"])).toBe(true);
  });
});

describe("subjects that are sets", () => {
  test("a set is in itself and in what contains it", async () => {
    expect(await ask("group:a#member@group:a#member", [])).toBe(true);
    expect(await ask("group:a#member@group:b#member", ["group:a#member@group:b#member"])).toBe(true);
    expect(
      await ask("folder:1#viewer@group:b#member", ["folder:1#viewer@group:a#member", "group:a#member@group:b#member"]),
    ).toBe(true);
    expect(await ask("group:b#member@group:a#member", ["group:a#member@group:b#member"])).toBe(false);
  });

  test("everyone is a subject of its own", async () => {
    expect(await ask("doc:1#viewer@user:*", ["doc:1#viewer@user:*"])).toBe(true);
    expect(await ask("doc:1#viewer@user:*", ["doc:1#viewer@user:ann"])).toBe(false);
    expect(await ask("doc:1#viewer@group:a#member", ["doc:1#viewer@user:*"])).toBe(false);
  });
});

describe("relationships without effect", () => {
  test.each([
    ["a wildcard where the model has none", "folder:1#viewer@user:*"],
    ["a subject type that the model does not allow", "folder:1#viewer@folder:2"],
    ["a set without its condition", "doc:1#viewer@group:a#member"],
    ["a condition where the model has none", "folder:1#viewer@user:ann even 2"],
  ])("%s", async (_, stored) => {
    const { object, relation } = relationship(stored.split(" ")[0] as string);
    const question = `${object.type}:${object.id}#${relation}@user:ann`;
    expect(await ask(question, [stored, "group:a#member@user:ann"])).toBe(false);
  });
});

describe("conditions", () => {
  const member = "group:a#member@user:ann";

  test("decide whether a relationship counts", async () => {
    expect(await ask("doc:1#viewer@user:ann", ["doc:1#viewer@group:a#member even 2", member])).toBe(true);
    expect(await ask("doc:1#viewer@user:ann", ["doc:1#viewer@group:a#member even 3", member])).toBe(false);
  });

  test("without parameters are a fault only where they decide", async () => {
    const open = "doc:1#viewer@group:a#member even ?";
    await expect(ask("doc:1#viewer@user:ann", [open, member])).rejects.toMatchObject({
      reason: "CONDITION_PARAMETER_MISSING",
    });
    expect(await ask("doc:1#viewer@user:ann", [open, member, "doc:1#viewer@user:ann"])).toBe(true);
    expect(await ask("doc:1#viewer@user:ann", [open, member, "doc:1#banned@user:ann"])).toBe(false);
    expect(await ask("doc:1#viewer@user:ann", [open])).toBe(false);
  });
});

describe("limits", () => {
  const chain = (length: number): string[] => [
    ...Array.from({ length }, (_, i) => `folder:${i}#parent@folder:${i + 1}`),
    `folder:${length}#viewer@user:ann`,
  ];

  test("answers as many steps away as the limit says, and no farther", async () => {
    expect(await ask("folder:0#viewer@user:ann", chain(limits.resolutionStepsMax))).toBe(true);
    await expect(ask("folder:0#viewer@user:ann", chain(limits.resolutionStepsMax + 1))).rejects.toMatchObject({
      code: "failed_precondition",
      reason: "RESOLUTION_TOO_DEEP",
    });
  });

  test("what is too deep matters only where it decides", async () => {
    const stored = [...chain(40), "folder:0#viewer@user:ann"];
    expect(await ask("folder:0#viewer@user:ann", stored)).toBe(true);
  });

  test("a lattice with a million paths costs one read per level", async () => {
    const lattice = Array.from({ length: 20 }, (_, level) =>
      ["l", "r"].flatMap((side) =>
        ["l", "r"].map((to) => `group:${side}${level}#member@group:${to}${level + 1}#member`),
      ),
    ).flat();
    const reads: Reads = { rounds: 0, keys: [] };
    expect(await ask("group:l0#member@user:ann", lattice, reads)).toBe(false);
    expect(reads.rounds).toBe(21);
    expect(new Set(reads.keys).size).toBe(reads.keys.length);
  });

  test("a wide fan is refused instead of cut off", async () => {
    const fan = Array.from({ length: limits.checkNodesMax }, (_, i) => `group:0#member@group:x${i}#member`);
    await expect(ask("group:0#member@user:ann", fan)).rejects.toMatchObject({ reason: "CHECK_TOO_LARGE" });
  });

  test("what cannot change the answer is not read", async () => {
    const reads: Reads = { rounds: 0, keys: [] };
    await ask("doc:1#viewer@user:ann", ["doc:1#banned@user:ann", "doc:1#viewer@group:a#member even 2"], reads);
    expect(reads.keys).not.toContain("group:a#member");
    expect(reads.rounds).toBe(1);
  });

  test("stops when the caller is gone", async () => {
    const source = { model, reader: { read: async () => [] }, signal: AbortSignal.abort(new Error("gone")) };
    const question = { object: "doc:1", relation: "viewer", subject: "user:ann" };
    await expect(answerQuestion(source, question)).rejects.toThrow("gone");
  });
});
