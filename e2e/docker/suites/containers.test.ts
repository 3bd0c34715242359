import { testKafka } from "@plinth/testing";
import { testRedis } from "@plinth/testing/redis";
import { expect, inject, test } from "vitest";
import { docker } from "../platform/engine.ts";

test("the servers that the contract suites here share are containers", async () => {
  const [broker = ""] = await testKafka();
  const ports = [inject("postgresUrl"), testRedis().url, `kafka://${broker}`].map((url) => new URL(url).port);
  const listed = (await docker("ps", "--format", "{{.Image}} {{.Ports}}")).trim().split("\n");
  const image = (port: string) => listed.find((line) => line.includes(`:${port}->`))?.split(" ")[0];
  expect(ports.map(image)).toEqual(["postgres:18", "redis:8", expect.stringMatching(/^apache\/kafka:\d/)]);
});
