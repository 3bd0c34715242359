import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, type Json } from "../src/canonical-json.ts";
import { commitTo, decodeLeaf, type EntryLeaf, encodeLeaf, opensTo } from "../src/entry-leaf.ts";

const hash = Buffer.alloc(32, 1).toString("base64");
const leaf: EntryLeaf = {
  v: 1,
  sequence: 7,
  id: "01920000-0000-7000-8000-000000000001",
  time: "2026-11-26T12:00:00.000Z",
  record_time: "2026-11-26T12:00:00.250Z",
  source: "identity",
  source_sequence: 3,
  action: "plinth.identity.v1.UserCreated",
  outcome: "success",
  request_id: "r-1",
  trace_id: "",
  who: { sealed: hash, commitment: hash },
  what: { commitment: hash, sealed: hash },
};

test("a leaf has one form, whatever the order of its fields", () => {
  const text = Buffer.from(encodeLeaf(leaf)).toString();
  expect(text).toBe(
    `{"action":"plinth.identity.v1.UserCreated","id":"01920000-0000-7000-8000-000000000001","outcome":"success","record_time":"2026-11-26T12:00:00.250Z","request_id":"r-1","sequence":7,"source":"identity","source_sequence":3,"time":"2026-11-26T12:00:00.000Z","trace_id":"","v":1,"what":{"commitment":"${hash}","sealed":"${hash}"},"who":{"commitment":"${hash}","sealed":"${hash}"}}`,
  );
  expect(encodeLeaf(decodeLeaf(JSON.parse(text)))).toEqual(encodeLeaf(leaf));
});

test.each([
  null,
  "leaf",
  { ...leaf, v: 2 },
  { ...leaf, more: 1 },
  { ...leaf, sequence: "7" },
  { ...leaf, sequence: 7.5 },
  { ...leaf, actor: undefined, source: undefined },
  { ...leaf, who: { commitment: hash } },
  { ...leaf, what: { commitment: hash, sealed: "AA==" } },
  { ...leaf, what: { commitment: `${hash} `, sealed: hash } },
])("%j is no leaf", (value) => expect(() => decodeLeaf(value)).toThrow("a leaf lacks a field"));

test("a commitment opens to its salt and part only", () => {
  const salt = Buffer.alloc(32, 5);
  const part = { actor: "user:1", ip_address: "192.0.2.1" };
  const binding = { commitment: commitTo(salt, part), sealed: hash };
  const opening = { salt: salt.toString("base64"), part };
  expect(opensTo(binding, opening)).toBe(true);
  expect(opensTo(binding, { ...opening, part: { ip_address: "192.0.2.1", actor: "user:1" } })).toBe(true);
  expect(opensTo(binding, { ...opening, part: { ...part, actor: "user:2" } })).toBe(false);
  expect(opensTo(binding, { ...opening, salt: Buffer.alloc(32, 6).toString("base64") })).toBe(false);
  expect(opensTo(binding, { ...opening, salt: "" })).toBe(false);
});

test("canonical JSON: examples of RFC 8785", () => {
  // Section 3.2.2 and 3.2.3: numbers, strings and the order of names.
  expect(canonicalJson([Number("333333333.33333329"), 1e30, 4.5, 2e-3, 1e-27, -0])).toBe(
    "[333333333.3333333,1e+30,4.5,0.002,1e-27,0]",
  );
  expect(
    canonicalJson({
      "\u20ac": "Euro",
      "\r": "CR",
      "\ufb33": "D",
      "1": "One",
      "\ud83d\ude00": "Smile",
      "\u0080": "C",
      "\u00f6": "o",
    }),
  ).toBe('{"\\r":"CR","1":"One","\u0080":"C","\u00f6":"o","\u20ac":"Euro","\ud83d\ude00":"Smile","\ufb33":"D"}');
  expect(() => canonicalJson(Number.NaN)).toThrow("JSON has no NaN");
});

test("canonical JSON is JSON and does not depend on order", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value as Json);
      expect(canonicalJson(JSON.parse(text) as Json)).toBe(text);
    }),
  );
});
