import { once } from "node:events";
import net from "node:net";
import { createHealth, silentLogger, systemClock } from "@plinth/kernel";
import { createTestDatabase, eventually } from "@plinth/testing";
import { expect, onTestFinished, test } from "vitest";
import { createDatabase } from "../src/index.ts";

/** A way to the server that is closed at first. */
async function gate(url: string): Promise<{ url: string; refused(): number; open(): void }> {
  const target = new URL(url);
  const port = Number(target.port);
  let refused = 0;
  let isOpen = false;
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    if (!isOpen) {
      refused++;
      socket.destroy();
      return;
    }
    const through = net.connect(port, target.hostname);
    through.on("error", () => socket.destroy());
    socket.pipe(through).pipe(socket);
    onTestFinished(() => void through.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  target.port = String((server.address() as net.AddressInfo).port);
  return {
    url: target.href,
    refused: () => refused,
    open() {
      isOpen = true;
    },
  };
}

async function databaseBehindGate() {
  const fixture = await createTestDatabase("late");
  const way = await gate(fixture.ddlUrl);
  const health = createHealth();
  const options = { applicationName: "test", logger: silentLogger, clock: systemClock, health };
  const database = createDatabase({ ...options, url: way.url });
  onTestFinished(() => fixture.drop());
  return { database, way, fixture, options };
}

test("a server that answers later is waited for", async () => {
  const { database, way } = await databaseBehindGate();
  const started = database.start?.();
  await eventually(() => expect(way.refused()).toBeGreaterThan(1));
  way.open();
  await started;
  expect(await database.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await database.stop?.(AbortSignal.timeout(5_000));
});

test("stopping ends the wait", async () => {
  const { database, way } = await databaseBehindGate();
  const started = database.start?.();
  await eventually(() => expect(way.refused()).toBeGreaterThan(0));
  await database.stop?.(AbortSignal.timeout(5_000));
  await expect(started).rejects.toThrow("cannot be used");
});

test("a server that refuses is not waited for", async () => {
  const { fixture, options } = await databaseBehindGate();
  const wrong = new URL(fixture.ddlUrl);
  wrong.password = "wrong";
  const database = createDatabase({ ...options, url: wrong.href });
  onTestFinished(() => database.stop?.(AbortSignal.timeout(5_000)));
  await expect(database.start?.()).rejects.toThrow(/cannot be used: .*password/);
});
