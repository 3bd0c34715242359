import type { Entry } from "@plinth/proto/plinth/audit/v1/audit";
import { ConfigurationService } from "@plinth/proto/plinth/audit/v1/configuration";
import type { As } from "@plinth/testing/service";
import { expect, test } from "vitest";
import { auditor, codeOf, reader, service, useAuditService } from "./audit-fixture.ts";

useAuditService();

const report = async (group: string, values: Record<string, object>, as: As = { workload: "notes" }) => {
  const client = await service.client(ConfigurationService, as);
  const items = Object.entries(values).map(([name, value]) => ({ name, value: value as Record<string, string> }));
  return client.reportConfiguration({ group, items });
};

async function entriesOf(group: string, source = "notes"): Promise<Pick<Entry, "action" | "resource" | "details">[]> {
  const { entries } = await (await reader()).listEntries({
    filter: { source, action: "plinth.configuration." },
    pageSize: 500,
  });
  return entries
    .filter(({ resource }) => resource.startsWith(`configurations/${source}/${group}/`))
    .map(({ action, resource, details }) => ({ action, resource, details }))
    .toReversed();
}

test("each difference is one entry, with what it was before and after", async () => {
  expect(await report("kept", { a: { level: "info", port: 80 }, b: { level: "warn" } })).toMatchObject({ changes: 2 });
  expect(await report("kept", { a: { level: "debug", port: 80 }, c: {} })).toMatchObject({ changes: 3 });
  expect(await report("kept", { a: { port: 80 }, c: {} })).toMatchObject({ changes: 1 });
  const resource = (name: string) => `configurations/notes/kept/${name}`;
  expect(await entriesOf("kept")).toEqual([
    { action: "plinth.configuration.added", resource: resource("a"), details: { after: { level: "info", port: 80 } } },
    { action: "plinth.configuration.added", resource: resource("b"), details: { after: { level: "warn" } } },
    {
      action: "plinth.configuration.changed",
      resource: resource("a"),
      details: { before: { level: "info" }, after: { level: "debug" } },
    },
    { action: "plinth.configuration.added", resource: resource("c"), details: { after: {} } },
    { action: "plinth.configuration.removed", resource: resource("b"), details: { before: { level: "warn" } } },
    {
      action: "plinth.configuration.changed",
      resource: resource("a"),
      details: { before: { level: "debug" }, after: {} },
    },
  ]);
});

test("the same again is nothing new, also from instances that start together and in another order", async () => {
  const values = { a: { one: 1, two: ["x", { y: null }] }, b: { three: true } };
  const answers = await Promise.all(Array.from({ length: 8 }, () => report("together", values)));
  expect(answers.reduce((sum, { changes }) => sum + changes, 0)).toBe(2);
  const turned = { b: { three: true }, a: { two: ["x", { y: null }], one: 1 } };
  expect(await report("together", turned)).toMatchObject({ changes: 0 });
  expect(await entriesOf("together")).toHaveLength(2);
});

test("what changes back is told each time", async () => {
  for (const level of ["info", "debug", "info", "debug"]) await report("back", { process: { level } });
  expect((await entriesOf("back")).map(({ details }) => details?.["after"])).toEqual([
    ...[{ level: "info" }, { level: "debug" }, { level: "info" }, { level: "debug" }],
  ]);
});

test("more than fits into one transaction is told whole", async () => {
  const many = Object.fromEntries(Array.from({ length: 450 }, (_, n) => [`item-${n}`, { n }]));
  expect(await report("many", many)).toMatchObject({ changes: 450 });
  expect(await entriesOf("many")).toHaveLength(450);
  expect(await report("many", {})).toMatchObject({ changes: 450 });
  expect(await report("many", {})).toMatchObject({ changes: 0 });
});

test("a service speaks for itself only: another one's items are its own", async () => {
  await report("own", { a: { by: "notes" } });
  expect(await report("own", { a: { by: "shop" } }, { workload: "shop" })).toMatchObject({ changes: 1 });
  expect(await report("own", { a: { by: "notes" } })).toMatchObject({ changes: 0 });
  expect(await entriesOf("own", "shop")).toMatchObject([{ details: { after: { by: "shop" } } }]);
});

test("the gateway reports what is its own, and nothing that it passes on", async () => {
  const own = { workload: "gateway", headers: { "x-plinth-own-call": "true" } };
  expect(await report("routes", { "notes/0": { authentication: "None" } }, own)).toMatchObject({ changes: 1 });
  expect(await codeOf(report("routes", {}, { workload: "gateway" }))).toBe("Unauthenticated");
  expect(await entriesOf("routes", "gateway")).toHaveLength(1);
});

test.each([
  ["nobody", {}, "Unauthenticated"],
  ["a user who may read the log", { userId: auditor }, "PermissionDenied"],
] as const)("%s is refused", async (_, as, code) => {
  expect(await codeOf(report("refused", {}, as))).toBe(code);
});

test("an item that is too large or there twice is refused by name", async () => {
  const client = await service.client(ConfigurationService, { workload: "notes" });
  const large = { group: "large", items: [{ name: "big", value: { text: "x".repeat(70_000) } }] };
  await expect(client.reportConfiguration(large)).rejects.toThrow(
    /big has 7\d{4} bytes as JSON, and 65536 are the most/,
  );
  const item = { name: "same", value: {} };
  await expect(client.reportConfiguration({ group: "large", items: [item, item] })).rejects.toThrow(
    /same is in the report twice/,
  );
});
