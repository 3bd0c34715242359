import { connect, createServer, type Server, type Socket } from "node:net";
import { isFault } from "@plinth/kernel";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPermissionEngine } from "../src/engine/permission-engine.ts";
import { createModelCache } from "../src/model/model-cache.ts";
import { type OpenStore, openPostgresStore } from "./open-postgres-store.ts";
import { relationship } from "./relationships.ts";

/** The way to PostgreSQL, which can be cut and mended. */
function createCuttablePath(target: URL) {
  const sockets = new Set<Socket>();
  let port = 0;
  let server: Server | undefined;
  return {
    async mend(): Promise<URL> {
      server = createServer((client) => {
        const upstream = connect(Number(target.port), target.hostname);
        for (const socket of [client, upstream]) {
          sockets.add(socket);
          socket.on("error", () => {}).on("close", () => sockets.delete(socket));
        }
        client.pipe(upstream).pipe(client);
      });
      const listening = server;
      await new Promise<void>((resolve) => listening.listen(port, "127.0.0.1", resolve));
      port = (listening.address() as { port: number }).port;
      const url = new URL(target);
      url.host = `127.0.0.1:${port}`;
      return url;
    },
    async cut(): Promise<void> {
      const closed = new Promise((resolve) => server?.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

let opened: OpenStore;
let path: ReturnType<typeof createCuttablePath>;

beforeAll(async () => {
  opened = await openPostgresStore(async (url) => {
    path = createCuttablePath(new URL(url));
    return (await path.mend()).href;
  });
});
afterAll(async () => {
  await opened.close();
  await path.cut();
});

test("fails closed with unavailable while the database is away and goes on afterwards by itself", async () => {
  const engine = createPermissionEngine(opened.store, createModelCache());
  const question = { object: "platform:plinth", relation: "can_manage_users", subject: "user:ann" };
  const check = () => engine.check(question, { atLeastAsFresh: "", signal: AbortSignal.timeout(5_000) });
  await opened.store.change("shared", (change) =>
    change.insert([relationship("platform:plinth#user_manager@user:ann")]),
  );
  expect(await check()).toBe(true);
  await path.cut();
  const calls = [check(), check(), opened.store.change("shared", async () => {})];
  for (const outcome of await Promise.allSettled(calls)) {
    const failure: unknown = outcome.status === "rejected" ? outcome.reason : undefined;
    expect(isFault(failure)).toBe(true);
    expect(failure).toMatchObject({ code: "unavailable", retryAfterMs: expect.any(Number) });
  }
  await path.mend();
  expect(await eventually(check)).toBe(true);
});
