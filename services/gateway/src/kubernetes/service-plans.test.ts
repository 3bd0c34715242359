import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WantedService } from "./compile/compiled-cluster.ts";
import { targetPortsOf } from "./gateway-service.ts";
import { ServicePlans } from "./service-plans.ts";
import type { Service } from "./snapshot.ts";
import { allocateTargetPorts, targetPorts } from "./target-ports.ts";

const wanted = (name: string, ports: number[], extra: object = {}): WantedService => ({
  gateway: {
    metadata: { name, namespace: "n" },
    spec: { gatewayClassName: "plinth", listeners: [], ...extra },
  },
  ports,
  address: undefined,
});

/** Plays the API server: carries plans out until there are none. */
function carryOut(plans: ServicePlans, gateways: readonly WantedService[], services: readonly Service[]): Service[] {
  const stored = new Map(services.map((service) => [service.metadata.name, service]));
  for (const plan of plans.plan(gateways, services).values()) {
    if ("remove" in plan) stored.delete(plan.remove.metadata.name);
    else stored.set(plan.apply.metadata.name, plan.apply as Service);
  }
  return [...stored.values()];
}

const targetsOf = (services: readonly Service[]): number[] =>
  services.flatMap((service) => [...targetPortsOf(service).values()]);

describe("plans for Services", () => {
  it("end: what was carried out needs nothing more, in this process and in the next", () => {
    const plans = new ServicePlans({ platformNamespace: "plinth", type: "LoadBalancer" });
    const gateways = [wanted("a", [80, 443]), wanted("b", [80])];
    const services = carryOut(plans, gateways, []);
    expect(plans.plan(gateways, services).size).toBe(0);
    const next = new ServicePlans({ platformNamespace: "plinth", type: "LoadBalancer" });
    expect(next.plan(gateways, services).size).toBe(0);
    expect(new Set(targetsOf(services)).size).toBe(3);
  });

  it("give no port twice before the Services tell", () => {
    const plans = new ServicePlans({ platformNamespace: "plinth", type: "ClusterIP" });
    const first = carryOut(plans, [wanted("a", [80])], []);
    const second = carryOut(plans, [wanted("a", [80]), wanted("b", [80])], []);
    expect(targetsOf(second)).toContain(targetsOf(first)[0]);
    expect(new Set(targetsOf(second)).size).toBe(2);
  });

  it("keep the ports that stay, and do not hand a port on at once", () => {
    const plans = new ServicePlans({ platformNamespace: "plinth", type: "ClusterIP" });
    const before = carryOut(plans, [wanted("a", [80, 81])], []);
    const [kept, freed] = targetsOf(before);
    const after = carryOut(plans, [wanted("a", [80]), wanted("b", [80])], before);
    expect(targetsOf(after)).toContain(kept);
    expect(targetsOf(after)).not.toContain(freed);
  });

  it("follow infrastructure, remove what no Gateway wants, and leave other Services alone", () => {
    const plans = new ServicePlans({ platformNamespace: "plinth", type: "ClusterIP" });
    const labelled = carryOut(plans, [wanted("a", [80], { infrastructure: { labels: { team: "x" } } })], []);
    expect(labelled[0]?.metadata.labels).toMatchObject({ team: "x" });
    const plain = carryOut(plans, [wanted("a", [80])], labelled);
    expect(plain[0]?.metadata.labels).not.toHaveProperty("team");
    const other: Service = { metadata: { name: "notes", namespace: "plinth" }, spec: { ports: [{ port: 80 }] } };
    const elsewhere: Service = {
      ...(plain[0] as Service),
      metadata: { ...(plain[0] as Service).metadata, namespace: "shop" },
    };
    expect([...plans.plan([], [...plain, other, elsewhere]).keys()]).toEqual(["n/a"]);
  });

  it("make a Service anew for another cluster address", () => {
    const plans = new ServicePlans({ platformNamespace: "plinth", type: "ClusterIP" });
    const before = carryOut(plans, [wanted("a", [80])], []);
    const moved = { ...wanted("a", [80]), address: "198.18.0.9" };
    const between = carryOut(plans, [moved], before);
    expect(between).toEqual([]);
    expect(carryOut(plans, [moved], between)[0]?.spec?.clusterIP).toBe("198.18.0.9");
  });
});

describe("ports of the pods", () => {
  it("are in their range, one for each, and stay", () => {
    const port = fc.integer({ min: 1, max: 65_535 });
    const target = fc.integer({ min: targetPorts.first, max: targetPorts.first + 20 });
    fc.assert(
      fc.property(
        fc.uniqueArray(port, { maxLength: 8 }),
        fc.array(fc.tuple(port, target), { maxLength: 4 }),
        fc.array(target, { maxLength: 8 }),
        fc.integer({ min: 0, max: 70_000 }),
        (ports, current, taken, last) => {
          const known = new Map(current);
          const given = allocateTargetPorts({ wanted: ports, current: known, taken: new Set(taken), last });
          expect([...given.keys()]).toEqual(ports.toSorted((a, b) => a - b));
          expect(new Set(given.values()).size).toBe(ports.length);
          for (const value of given.values()) {
            expect(value).toBeGreaterThanOrEqual(targetPorts.first);
            expect(value).toBeLessThanOrEqual(targetPorts.last);
            expect(taken).not.toContain(value);
          }
          expect(allocateTargetPorts({ wanted: ports, current: given, taken: new Set(taken), last: 0 })).toEqual(given);
        },
      ),
    );
  });

  it("run out with a sentence that says so", () => {
    const all = Array.from({ length: targetPorts.last - targetPorts.first + 1 }, (_, i) => targetPorts.first + i);
    const inputs = { wanted: [80], current: new Map(), last: 0 };
    expect(() => allocateTargetPorts({ ...inputs, taken: new Set(all) })).toThrow(/taken by a listener/);
  });
});
