import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { parseObject, parseSubject } from "../../src/domain/relationship/entity.ts";
import type { Relationship } from "../../src/domain/relationship/relationship.ts";

export interface TupleText {
  object: string;
  relation: string;
  user: string;
}

export interface CheckAssertion {
  tuple: TupleText;
  contextualTuples?: TupleText[];
  expectation?: boolean;
  errorCode?: number;
}

export interface Stage {
  model: string;
  tuples?: TupleText[];
  checkAssertions?: CheckAssertion[];
}

export interface Case {
  name: string;
  stages: Stage[];
}

const repository = path.join(import.meta.dirname, "../../../..");
const file = "openfga/consolidated_1_1_tests.yaml";

/** OpenFGA's own assertions, read in place: undefined where the data is not on this machine. */
export function readCases(): Case[] | undefined {
  const folder = process.env["PLINTH_TEST_DATA"] ?? path.join(repository, "../shared/data");
  const source = path.join(folder, file);
  if (!existsSync(source)) {
    if (process.env["CI"] === "true") throw new Error(`${file} is required with CI=true; looked in ${folder}`);
    return undefined;
  }
  const { tests } = parse(readFileSync(source, "utf8")) as { tests: Case[] };
  return tests.map((test, index) => ({ ...test, name: `${index + 1} ${test.name}` }));
}

export const skipReason = `${file} not found: set PLINTH_TEST_DATA to the folder that holds it`;

export const toRelationship = (tuple: TupleText): Relationship => ({
  object: parseObject(tuple.object),
  relation: tuple.relation,
  subject: parseSubject(tuple.user),
  condition: undefined,
});
