import { isFault } from "@plinth/kernel";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { composeModel } from "../../src/domain/model/compose-model.ts";
import type { Model } from "../../src/domain/model/model.ts";
import { type Relationship, relationshipKey } from "../../src/domain/relationship/relationship.ts";
import { isAssignable } from "../../src/domain/relationship/type-restriction.ts";
import { answerQuestion } from "../../src/engine/question.ts";
import { type OpenStore, openPostgresStore } from "../open-postgres-store.ts";
import knownFailures from "../openfga-known-failures.json" with { type: "json" };
import { type Case, type CheckAssertion, readCases, skipReason, toRelationship } from "./read-assertions.ts";

/** An assertion that we fail for a reason: written "case name / mode / index of the assertion". */
const known = new Map((knownFailures as { assertion: string; why: string }[]).map((entry) => [entry.assertion, entry]));
const cases = readCases();

/** OpenFGA's error numbers for what we call by reason. */
function errorCode(err: unknown): number {
  if (!isFault(err)) throw err;
  if (err.reason === "RESOLUTION_TOO_DEEP") return 2002;
  if (err.reason === "CONTEXTUAL_RELATIONSHIP_INVALID") return 2027;
  if (err.code === "invalid_argument") return 2000;
  throw err;
}

describe.skipIf(!cases)(
  cases ? "OpenFGA's check assertions" : `OpenFGA's check assertions (skipped: ${skipReason})`,
  () => {
    let opened: OpenStore;
    beforeAll(async () => {
      opened = await openPostgresStore();
    });
    afterAll(() => opened.close());

    async function ask(
      model: Model,
      assertion: CheckAssertion,
      more: readonly Relationship[],
    ): Promise<boolean | number> {
      const { object, relation, user } = assertion.tuple;
      const contextual = () => [...(assertion.contextualTuples ?? []).map(toRelationship), ...more];
      const question = { object, relation, subject: user, contextual };
      const signal = AbortSignal.timeout(60_000);
      return opened.store
        .read(undefined, (snapshot) => answerQuestion({ model, reader: snapshot.reader(), signal }, question))
        .catch(errorCode);
    }

    /** The outcomes that differ from the expected ones, by assertion. */
    async function run(testCase: Case, mode: "stored" | "contextual"): Promise<Map<string, string>> {
      await opened.test.admin("TRUNCATE authz.relationship");
      const differences = new Map<string, string>();
      const relationships: Relationship[] = [];
      let index = 0;
      for (const stage of testCase.stages) {
        const model = composeModel([{ name: "test", dsl: stage.model }]);
        const added = (stage.tuples ?? []).map(toRelationship);
        relationships.push(...added);
        if (mode === "stored") await opened.store.change("shared", (change) => change.insert(added));
        for (const assertion of stage.checkAssertions ?? []) {
          const own = new Set((assertion.contextualTuples ?? []).map(toRelationship).map(relationshipKey));
          const more = relationships.filter((r) => isAssignable(model, r) && !own.has(relationshipKey(r)));
          const outcome = await ask(model, assertion, mode === "contextual" ? more : []);
          const expected = assertion.errorCode ?? assertion.expectation;
          index++;
          if (outcome !== expected)
            differences.set(`${testCase.name} / ${mode} / ${index}`, `expected ${expected}, got ${outcome}`);
        }
      }
      return differences;
    }

    describe.each(["stored", "contextual"] as const)("%s", (mode) => {
      test.each((cases ?? []).map((testCase) => [testCase.name, testCase] as const))("%s", async (name, testCase) => {
        const differences = await run(testCase, mode);
        const listed = [...known.keys()].filter((assertion) => assertion.startsWith(`${name} / ${mode} /`));
        const unlisted = [...differences].filter(([assertion]) => !known.has(assertion));
        const fixed = listed.filter((assertion) => !differences.has(assertion));
        expect({ unlisted, fixed }).toEqual({ unlisted: [], fixed: [] });
      });
    });

    test("every known failure is explained and names a case", () => {
      for (const { assertion, why } of known.values()) {
        expect(why).not.toBe("");
        expect(cases?.some((testCase) => assertion.startsWith(`${testCase.name} / `))).toBe(true);
      }
    });

    test("the data holds the assertions that are claimed to pass", () => {
      const assertions = (cases ?? []).flatMap(({ stages }) => stages.flatMap((stage) => stage.checkAssertions ?? []));
      expect([cases?.length, assertions.length]).toEqual([137, 360]);
    });
  },
);
