import type { Client } from "@connectrpc/connect";
import { Code, ConnectError } from "@connectrpc/connect";
import { integer, optionalText, secret, silentLogger, systemRandom, text } from "@plinth/kernel";
import type { ConfigurationService } from "@plinth/proto/plinth/audit/v1/configuration";
import { createFakeClock, eventually, type FakeClock } from "@plinth/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ConfigurationReporter, createConfigurationReporter, settingsOf } from "../src/configuration-reporter.ts";

let clock: FakeClock;
let reporter: ConfigurationReporter;
let answer: () => Promise<{ changes: number }>;
let told: { group: string; items: { name: string; value: object }[] }[];

beforeEach(() => {
  clock = createFakeClock(1_700_000_000_000);
  told = [];
  answer = async () => ({ changes: 1 });
  const audit = {
    async reportConfiguration(request: (typeof told)[number]) {
      const answered = await answer();
      told.push(request);
      return answered;
    },
  } as unknown as Client<typeof ConfigurationService>;
  reporter = createConfigurationReporter({ audit, logger: silentLogger, clock, random: systemRandom });
});
afterEach(() => reporter.stop?.(AbortSignal.timeout(1_000)));

/** Lets time pass until it is so. */
const passing = (assertion: () => void) =>
  eventually(async () => {
    clock.advance(1_000);
    assertion();
  });

test("what was reported before the start is told after it, and what follows close together once, as it is by then", async () => {
  let level = "info";
  reporter.report("settings", () => ({ process: { level } }));
  level = "debug";
  await reporter.start?.();
  reporter.report("routes", () => ({ a: {} }));
  reporter.report("routes", () => ({ b: {} }));
  await passing(() => expect(told).toHaveLength(2));
  expect(told).toEqual([
    { group: "settings", items: [{ name: "process", value: { level: "debug" } }] },
    { group: "routes", items: [{ name: "b", value: {} }] },
  ]);
});

test("the same again is not told again; what is other is", async () => {
  await reporter.start?.();
  for (const [n, value] of [1, 1, 2].entries()) {
    reporter.report("routes", () => ({ a: { value } }));
    reporter.report("round", () => ({ round: { n } }));
    await passing(() => expect(told.filter(({ group }) => group === "round")).toHaveLength(n + 1));
  }
  const routes = told.filter(({ group }) => group === "routes");
  expect(routes.map(({ items }) => items[0]?.value)).toEqual([{ value: 1 }, { value: 2 }]);
});

test("audit that is away is asked again until it has the newest", async () => {
  let asked = 0;
  answer = () => {
    asked++;
    return Promise.reject(new ConnectError("away", Code.Unavailable));
  };
  await reporter.start?.();
  reporter.report("routes", () => ({ a: {} }));
  await passing(() => expect(asked).toBeGreaterThan(6));
  reporter.report("routes", () => ({ b: {} }));
  answer = async () => ({ changes: 1 });
  await passing(() => expect(told).toHaveLength(1));
  expect(told[0]?.items).toEqual([{ name: "b", value: {} }]);
});

test("what audit refuses is not sent for ever, and the next report is", async () => {
  let asked = 0;
  answer = async () => {
    if (asked++ === 0) throw new ConnectError("too large", Code.InvalidArgument);
    return { changes: 0 };
  };
  await reporter.start?.();
  reporter.report("routes", () => ({ a: {} }));
  reporter.report("settings", () => ({ process: {} }));
  await passing(() => expect(told.map(({ group }) => group)).toEqual(["settings"]));
});

test("settings are those that instances have in common, without secrets, with the version", () => {
  const spec = {
    instanceId: optionalText("PLINTH_INSTANCE_ID", ""),
    port: integer("PLINTH_PORT", ""),
    level: text("SHOP_LEVEL", "", { default: "info" }),
    absent: optionalText("SHOP_ABSENT", ""),
    password: secret("SHOP_PASSWORD", ""),
  };
  const config = { instanceId: "shop-1", port: 8080, level: "info", absent: undefined, password: "hunter2" };
  expect(settingsOf("1.2.3", spec, config)).toEqual({
    process: { version: "1.2.3", SHOP_LEVEL: "info", SHOP_PASSWORD: "(secret)" },
  });
});
