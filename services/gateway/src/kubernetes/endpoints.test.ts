import { describe, expect, it } from "vitest";
import { endpointsOf, type Slice } from "./endpoints.ts";
import type { Service } from "./snapshot.ts";

const service: Service = {
  metadata: { name: "web", namespace: "shop" },
  spec: {
    ports: [
      { name: "first", port: 8080, targetPort: 3000 },
      { name: "second", port: 8081, targetPort: "named" },
    ],
  },
};
const slice = (
  endpoints: NonNullable<Slice["endpoints"]>,
  ports: NonNullable<Slice["ports"]>,
  addressType = "IPv4",
): Slice => ({
  metadata: { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
  addressType,
  endpoints,
  ports,
});
const ports = [
  { name: "first", port: 3000 },
  { name: "second", port: 3001 },
];

describe("endpoints of a port of a Service", () => {
  it("have the number that the slice gives for the port's name", () => {
    const slices = [slice([{ addresses: ["198.18.0.2"] }], ports)];
    expect(endpointsOf(service, 8080, slices)).toEqual([{ host: "198.18.0.2", port: 3000, draining: false }]);
    expect(endpointsOf(service, 8081, slices)).toEqual([{ host: "198.18.0.2", port: 3001, draining: false }]);
    expect(endpointsOf(service, 9999, slices)).toEqual([]);
    expect(endpointsOf(undefined, 8080, slices)).toEqual([]);
  });

  it("are those that serve; what terminates drains, unless another slice knows better", () => {
    const slices = [
      slice(
        [
          { addresses: ["198.18.0.5"], conditions: { ready: false } },
          { addresses: ["198.18.0.4"], conditions: { ready: false, serving: true, terminating: true } },
          { addresses: ["198.18.0.3"], conditions: { serving: true, terminating: true } },
        ],
        ports,
      ),
      slice([{ addresses: ["198.18.0.3"], conditions: { ready: true } }], ports),
      slice([{ addresses: ["example.com"] }], ports, "FQDN"),
    ];
    expect(endpointsOf(service, 8080, slices)).toEqual([
      { host: "198.18.0.3", port: 3000, draining: false },
      { host: "198.18.0.4", port: 3000, draining: true },
    ]);
  });

  it("of a Service with one port without a name need no name", () => {
    const unnamed: Service = { ...service, spec: { ports: [{ port: 80 }] } };
    const slices = [slice([{ addresses: ["198.18.0.2"] }], [{ port: 3000 }])];
    expect(endpointsOf(unnamed, 80, slices)).toHaveLength(1);
  });
});
