import { expect, test } from "vitest";
import { createStaticResolver, type Endpoint, parseStaticEndpoints } from "../src/index.ts";

test("static endpoints are known at once", () => {
  const resolver = createStaticResolver(
    parseStaticEndpoints("auth=127.0.0.1:8081,auth=[::1]:8082,authz=authz.local:80"),
  );
  const seen: Record<string, readonly Endpoint[]> = {};
  for (const service of ["auth", "authz", "none"]) resolver.watch(service, (endpoints) => (seen[service] = endpoints));
  expect(seen["auth"]?.map((e) => [e.host, e.port])).toEqual([
    ["127.0.0.1", 8081],
    ["::1", 8082],
  ]);
  expect(seen["authz"]).toHaveLength(1);
  expect(seen["none"]).toEqual([]);
});

test.each(["auth", "auth=host", "auth=:80", "AUTH=host:80", "auth=host:123456"])(
  "refuses %s with the form it wants",
  (text) => {
    expect(() => parseStaticEndpoints(text)).toThrow("service=host:port");
  },
);
