import { randomBytes } from "node:crypto";
import { silentLogger, systemRandom } from "@plinth/kernel";
import { createDataKey } from "@plinth/postgres";
import { expect, test } from "vitest";
import { opensLogKey } from "../src/log/log-keys.ts";
import { logParts, newEntry } from "./log-parts.ts";

test("with another key encryption key what was written can be read, users are found and erased, and the log goes on", async () => {
  const [earlier, next] = [randomBytes(32), randomBytes(32)];
  // As releases without a data key did it: everything is derived from the setting itself.
  const before = await logParts({ master: earlier });
  await before.recorder.record(newEntry({ actor: "user:ada" }));
  await before.integrateAll();

  async function start(current: Buffer, previous?: Buffer) {
    const options = { database: before.database, random: systemRandom, logger: silentLogger, earlier: opensLogKey };
    const key = createDataKey({ ...options, setting: "PLINTH_AUDIT_KEY_ENCRYPTION_KEY", current, previous });
    await key.start?.();
    return before.again({ master: key.key() });
  }
  const both = await start(next, earlier);
  await both.recorder.record(newEntry({ actor: "user:ada" }));
  await both.sequencer.start?.();
  await both.sequencer.stop?.(AbortSignal.timeout(60_000));

  const after = await start(next);
  await after.integrateAll();
  const page = { before: undefined, limit: 10 };
  const found = await after.entries.list({ actor: "user:ada" }, page);
  expect(found.map(({ personalData, actor }) => `${personalData} ${actor}`)).toEqual(
    Array.from({ length: 2 }, () => "readable user:ada"),
  );
  expect((await after.checkpoint())?.size).toBe(2);
  await after.erase("ada");
  const all = await after.entries.list({}, page);
  expect(all.map(({ personalData }) => personalData)).toEqual(["erased", "erased"]);
  await expect(start(earlier)).rejects.toThrow("PLINTH_AUDIT_KEY_ENCRYPTION_KEY is not the key");
  for (const parts of [both, after]) await parts.database.stop?.(AbortSignal.timeout(1_000));
});
