import fc from "fast-check";
import { expect, test } from "vitest";
import { contentHash, sameContent } from "../src/content-hash.ts";
import { childName } from "../src/names.ts";
import { controllerOf, isOwnedBy, ownerKeys, ownerReference } from "../src/owner.ts";

test("short parts are joined as they are", () => {
  expect(childName(["notes", "migrate", "0a1b"])).toBe("notes-migrate-0a1b");
});

test("long and irregular parts give a stable label within the limit", () => {
  const long = childName(["a".repeat(60), "migrate"]);
  expect(long).toHaveLength(63);
  expect(childName(["a".repeat(60), "migrate"])).toBe(long);
  expect(childName(["my.service_v2", "web"])).toMatch(/^my-service-v2-web-[0-9a-f]{10}$/);
});

test("any parts give a DNS label, and different long parts different ones", () => {
  const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
  const parts = fc.array(fc.string({ maxLength: 80 }), { minLength: 1, maxLength: 4 });
  fc.assert(fc.property(parts, (names) => label.test(childName(names))));
  fc.assert(
    fc.property(fc.integer(), (n) => childName(["x".repeat(70), String(n)]) !== childName(["x".repeat(70), `${n}0`])),
  );
});

test("a content hash sees values and order of lists, not order of fields", () => {
  expect(contentHash({ a: 1, b: { c: [1, 2], d: undefined } })).toBe(contentHash({ b: { c: [1, 2] }, a: 1 }));
  expect(contentHash({ a: [1, 2] })).not.toBe(contentHash({ a: [2, 1] }));
  expect(contentHash({ a: "1" })).not.toBe(contentHash({ a: 1 }));
});

test("the same content is what has the same hash", () => {
  const few = fc.constantFrom<unknown>(undefined, null, 0, 1, "", "a", true);
  const content = fc.letrec<{ any: unknown }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      few,
      fc.array(tie("any"), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom("a", "b", "__proto"), tie("any"), { maxKeys: 2 }),
    ),
  })).any;
  fc.assert(
    fc.property(content, content, (a, b) => sameContent(a, b) === (contentHash(a) === contentHash(b))),
    { numRuns: 2_000 },
  );
});

const services = {
  apiVersion: "plinth.dev/v1alpha1",
  kind: "PlatformService",
  plural: "platformservices",
  namespaced: true,
};

test("an owner is known by its uid, and its key is found from the child", () => {
  const owner = { metadata: { name: "notes", namespace: "team", uid: "1" } };
  const reference = ownerReference(services, owner);
  const child = { metadata: { name: "notes-db", namespace: "team", ownerReferences: [reference] } };
  expect(controllerOf(child)).toBe(reference);
  expect(isOwnedBy(child, owner)).toBe(true);
  expect(isOwnedBy(child, { metadata: { ...owner.metadata, uid: "2" } })).toBe(false);
  expect(ownerKeys(services)(child)).toEqual(["team/notes"]);
  expect(ownerKeys({ ...services, apiVersion: "plinth.dev/v1" })(child)).toEqual(["team/notes"]);
  expect(ownerKeys({ ...services, apiVersion: "other.dev/v1" })(child)).toEqual([]);
  expect(() => ownerReference(services, { metadata: { name: "new" } })).toThrow("no uid yet");
});
