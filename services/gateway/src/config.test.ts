import { type ConfigError, readConfig } from "@plinth/kernel";
import { expect, it } from "vitest";
import { gatewayConfig } from "./config.ts";

it("reports everything that is wrong at once", () => {
  const source = {
    PLINTH_GATEWAY_TRUSTED_PROXIES: "10.0.0.0/8, proxy.example",
    PLINTH_GATEWAY_ACCESS_LOG: "maybe",
    PLINTH_GATEWAY_DRAIN_DELAY: "soon",
    PLINTH_GATEWAY_TOKEN_CACHE_MAX: "0",
    PLINTH_GATEWAY_SOURCE: "etcd",
    PLINTH_GATEWAY_SERVICE_TYPE: "ExternalName",
  };
  let problems: readonly string[] = [];
  try {
    readConfig(gatewayConfig, source);
  } catch (err) {
    problems = (err as ConfigError).problems;
  }
  expect(problems).toHaveLength(6);
  expect(problems.join("\n")).toContain('"proxy.example" is neither an address nor a CIDR block');
});
