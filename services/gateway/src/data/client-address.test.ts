import { describe, expect, it } from "vitest";
import { rateLimitAddress, TrustedProxies } from "./client-address.ts";

describe("TrustedProxies", () => {
  const proxies = new TrustedProxies(["10.0.0.0/8", "fd00::/8", "192.0.2.7"]);

  it.each([
    ["1.2.3.4", "9.9.9.9", "1.2.3.4"],
    ["10.0.0.1", "9.9.9.9", "9.9.9.9"],
    ["10.0.0.1", "6.6.6.6, 9.9.9.9, 10.1.1.1", "9.9.9.9"],
    ["10.0.0.1", "6.6.6.6, nonsense", "10.0.0.1"],
    ["10.0.0.1", "", "10.0.0.1"],
    ["fd00::1", "2001:db8::1", "2001:db8::1"],
    ["192.0.2.8", "9.9.9.9", "192.0.2.8"],
  ])("peer %s with X-Forwarded-For %j is %s", (peer, forwardedFor, expected) => {
    expect(proxies.clientAddress(peer, forwardedFor)).toBe(expected);
  });

  it.each(["10.0.0.0/33", "proxy.example", "1.2.3.4/x", ""])("refuses %j", (network) => {
    expect(() => new TrustedProxies([network])).toThrow(/neither an address nor a CIDR/);
  });
});

it.each([
  ["203.0.113.9", "203.0.113.9"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8::1", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  ["fe80::1%eth0", "fe80:0:0:0"],
])("the limit for %s is shared by %s", (address, shared) => {
  expect(rateLimitAddress(address)).toBe(shared);
});
