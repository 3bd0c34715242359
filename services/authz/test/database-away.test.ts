import { isFault } from "@plinth/kernel";
import { eventually, startTcpProxy, type TcpProxy } from "@plinth/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPermissionEngine } from "../src/engine/permission-engine.ts";
import { createModelCache } from "../src/model/model-cache.ts";
import { type OpenStore, openPostgresStore } from "./open-postgres-store.ts";
import { relationship } from "./relationships.ts";

let opened: OpenStore;
/** The way to PostgreSQL. It keeps its port while it is cut: another process would get it. */
let way: TcpProxy;

beforeAll(async () => {
  opened = await openPostgresStore(async (given) => {
    const url = new URL(given);
    way = await startTcpProxy(url.host);
    url.host = `127.0.0.1:${way.port}`;
    return url.href;
  });
});
afterAll(async () => {
  await opened.close();
  await way.close();
});

test("fails closed with unavailable while the database is away and goes on afterwards by itself", async () => {
  const engine = createPermissionEngine(opened.store, createModelCache());
  const question = { object: "platform:plinth", relation: "can_manage_users", subject: "user:ann" };
  const check = () => engine.check(question, { atLeastAsFresh: "", signal: AbortSignal.timeout(60_000) });
  await opened.store.change("shared", (change) =>
    change.insert([relationship("platform:plinth#user_manager@user:ann")]),
  );
  expect(await check()).toBe(true);
  way.cut();
  const calls = [check(), check(), opened.store.change("shared", async () => {})];
  for (const outcome of await Promise.allSettled(calls)) {
    const failure: unknown = outcome.status === "rejected" ? outcome.reason : undefined;
    expect(isFault(failure)).toBe(true);
    expect(failure).toMatchObject({ code: "unavailable", retryAfterMs: expect.any(Number) });
  }
  way.heal();
  expect(await eventually(check)).toBe(true);
});
