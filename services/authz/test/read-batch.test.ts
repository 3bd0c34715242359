import { afterAll, beforeAll, expect, test } from "vitest";
import type { ReadRequest } from "../src/domain/check/relationship-reader.ts";
import { readBatch } from "../src/store/postgres/read-batch.ts";
import { type OpenStore, openPostgresStore } from "./open-postgres-store.ts";
import { relationship, texts } from "./relationships.ts";

interface PlanNode {
  "Node Type": string;
  "Rows Removed by Filter"?: number;
  Plans?: PlanNode[];
}

let opened: OpenStore;

beforeAll(async () => {
  opened = await openPostgresStore();
  // Without statistics, as after an import: the planner must find the way all the same.
  const crowd = Array.from({ length: 5_000 }, (_, i) => relationship(`group:big#member@user:u${i}`));
  await opened.store.change("shared", (change) => change.insert(crowd));
  const others = ["group:big#member@group:x#member", "group:big#member@user:*", "doc:1#parent@folder:f"];
  await opened.store.change("shared", (change) => change.insert(others.map((text) => relationship(text))));
});
afterAll(() => opened.close());

const big = { object: { type: "group", id: "big" }, relation: "member", usersets: true, objects: false };
const requests: ReadRequest[] = [
  { ...big, subject: { type: "user", id: "u7", relation: undefined } },
  { ...big, object: { type: "doc", id: "1" }, relation: "parent", subject: undefined, usersets: false, objects: true },
];

test("reads the subject, everyone, sets and parents, and nobody else", async () => {
  const found = texts(await readBatch(opened.database, requests, 100));
  expect(found.sort()).toEqual([
    "doc:1#parent@folder:f",
    "group:big#member@group:x#member",
    "group:big#member@user:*",
    "group:big#member@user:u7",
  ]);
});

test("takes no row of a crowd that it was not asked for", async () => {
  const plans: PlanNode[] = [];
  const explained = {
    ...opened.database,
    async query<T>(sql: string, params?: unknown[]): Promise<T[]> {
      const [row] = await opened.database.query<{ "QUERY PLAN": { Plan: PlanNode }[] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`,
        params,
      );
      for (const { Plan } of row?.["QUERY PLAN"] ?? []) plans.push(Plan);
      return [];
    },
  };
  await readBatch(explained, requests, 100);
  for (let at = 0; at < plans.length; at++) plans.push(...(plans[at]?.Plans ?? []));
  expect(plans.length).toBeGreaterThan(5);
  expect(plans.map((plan) => plan["Node Type"])).not.toContain("Seq Scan");
  expect(Math.max(...plans.map((plan) => plan["Rows Removed by Filter"] ?? 0))).toBeLessThan(5);
});

test("returns as many as the limit when there are more", async () => {
  const everyone = [{ ...big, subject: undefined, usersets: false, objects: true }];
  expect(await readBatch(opened.database, everyone, 100)).toHaveLength(100);
});
