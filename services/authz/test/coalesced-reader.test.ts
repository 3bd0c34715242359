import { expect, test } from "vitest";
import type { ReadRequest } from "../src/domain/check/relationship-reader.ts";
import { limits } from "../src/domain/limits.ts";
import type { Relationship } from "../src/domain/relationship/relationship.ts";
import { createCoalescedReaders } from "../src/store/coalesced-reader.ts";
import { relationship, texts } from "./relationships.ts";

const request = (id: string): ReadRequest => ({
  object: { type: "group", id },
  relation: "member",
  subject: undefined,
  usersets: true,
  objects: false,
});
const crowd = relationship("group:big#member@group:x#member");

/** One member for every group, more than any check may read for the group "big". */
function source() {
  const batches: string[][] = [];
  let running = 0;
  const readers = createCoalescedReaders(async (requests, limit) => {
    expect(++running).toBe(1);
    batches.push(requests.map(({ object }) => object.id));
    await Promise.resolve();
    running--;
    const found = requests.flatMap(({ object }): Relationship[] =>
      object.id === "big"
        ? Array(limits.checkRelationshipsMax + 1).fill(crowd)
        : [relationship(`group:${object.id}#member@user:u`)],
    );
    return found.slice(0, limit);
  });
  return { batches, readers };
}

test("reads of the same moment go out together, one query at a time, and each gets its own", async () => {
  const { batches, readers } = source();
  const [a, b] = [readers(), readers()];
  const first = await Promise.all([a.read([request("1"), request("2")]), b.read([request("3")])]);
  expect(first.map(texts)).toEqual([["group:1#member@user:u", "group:2#member@user:u"], ["group:3#member@user:u"]]);
  await Promise.all([a.read([request("4")]), b.read([request("5")])]);
  expect(batches).toEqual([
    ["1", "2", "3"],
    ["4", "5"],
  ]);
});

test("a read that is too large fails alone", async () => {
  const { readers } = source();
  const [large, small] = await Promise.allSettled([readers().read([request("big")]), readers().read([request("1")])]);
  expect(large).toMatchObject({ status: "rejected", reason: { reason: "CHECK_TOO_LARGE" } });
  expect(small).toMatchObject({ status: "fulfilled", value: [{ object: { id: "1" } }] });
});

test("the limit counts all reads of one check", async () => {
  const half = limits.checkRelationshipsMax / 2;
  const readers = createCoalescedReaders(async (_, limit) => Array(Math.min(limit, half)).fill(crowd));
  const reader = readers();
  await reader.read([request("big")]);
  await reader.read([request("big")]);
  await expect(reader.read([request("big")])).rejects.toMatchObject({ reason: "CHECK_TOO_LARGE" });
});

test("more pairs than fit into one query are read in several", async () => {
  const { batches, readers } = source();
  const many = Array.from({ length: limits.readBatchMax + 1 }, (_, i) => request(String(i)));
  expect(await readers().read(many)).toHaveLength(many.length);
  expect(batches.map((batch) => batch.length)).toEqual([limits.readBatchMax, 1]);
});

test("a failed query fails the reads that wait for it, not the next ones", async () => {
  let fail = true;
  const readers = createCoalescedReaders(async () => {
    if (fail) throw new Error("away");
    return [];
  });
  await expect(readers().read([request("1")])).rejects.toThrow("away");
  fail = false;
  await expect(readers().read([request("1")])).resolves.toEqual([]);
});
