import { describe, expect, it } from "vitest";
import type { CompiledCluster, ParentVerdict } from "./compile/compiled-cluster.ts";
import { condition } from "./compile/condition-update.ts";
import { controllerName, type Gateway, type HttpRoute, type ParentStatus } from "./gateway-api.ts";
import { statusPatch } from "./status-patch.ts";

const nowMs = Date.parse("2026-02-01T00:00:00Z");
const now = "2026-02-01T00:00:00Z";
const earlier = "2026-01-01T00:00:00Z";
const accepted = condition("Accepted", "True", "Accepted", "the route is served", 2);
const foreign: ParentStatus = {
  parentRef: { name: "theirs" },
  controllerName: "example.com/gateway",
  conditions: [{ ...accepted, reason: "Whatever", lastTransitionTime: earlier }],
};

const nothing: CompiledCluster["statuses"] = {
  gatewayClasses: new Map(),
  gateways: new Map(),
  httpRoutes: new Map(),
  grpcRoutes: new Map(),
  routePolicies: new Map(),
};

function patchRoute(
  parents: readonly ParentStatus[] | undefined,
  verdicts: readonly ParentVerdict[],
): object | undefined {
  const route: HttpRoute = {
    kind: "HTTPRoute",
    metadata: { name: "r", namespace: "n" },
    spec: {},
    ...(parents ? { status: { parents: [...parents] } } : {}),
  };
  return statusPatch("HTTPRoute", "n/r", route, { ...nothing, httpRoutes: new Map([["n/r", verdicts]]) }, nowMs);
}

const verdict: ParentVerdict = { parentRef: { name: "ours" }, conditions: [accepted] };
const written: ParentStatus = {
  parentRef: { name: "ours" },
  controllerName,
  conditions: [{ ...accepted, lastTransitionTime: now }],
};

describe("the status of a route", () => {
  it("gets an entry for each parent of ours, behind those of others", () => {
    expect(patchRoute(undefined, [verdict])).toEqual({ parents: [written] });
    expect(patchRoute([foreign], [verdict])).toEqual({ parents: [foreign, written] });
  });

  it("is left alone when it says what was found, in whatever words the API server put the parent", () => {
    expect(patchRoute([foreign, written], [verdict])).toBeUndefined();
    const asStored = { ...written, parentRef: { group: "gateway.networking.k8s.io", kind: "Gateway", name: "ours" } };
    expect(patchRoute([asStored], [verdict])).toBeUndefined();
    expect(patchRoute(undefined, [])).toBeUndefined();
    expect(patchRoute([foreign], [])).toBeUndefined();
  });

  it("loses entries and conditions of ours that are not meant any more, and no others", () => {
    const stale = { ...written, parentRef: { name: "gone" } };
    expect(patchRoute([stale, foreign], [])).toEqual({ parents: [foreign] });
    const partial = { ...accepted, type: "PartiallyInvalid", lastTransitionTime: earlier };
    const before = { ...written, conditions: [...(written.conditions ?? []), partial] };
    expect(patchRoute([before], [verdict])).toEqual({ parents: [written] });
  });

  it("keeps the time of a condition whose status stays, and moves it with the status", () => {
    const old = { ...written, conditions: [{ ...accepted, observedGeneration: 1, lastTransitionTime: earlier }] };
    expect(patchRoute([old], [verdict])).toMatchObject({
      parents: [{ conditions: [{ observedGeneration: 2, lastTransitionTime: earlier }] }],
    });
    const refused = condition("Accepted", "False", "NoMatchingParent", "no", 2);
    expect(patchRoute([old], [{ ...verdict, conditions: [refused] }])).toMatchObject({
      parents: [{ conditions: [{ status: "False", lastTransitionTime: now }] }],
    });
  });
});

it("keeps conditions of others on a Gateway, and replaces only the fields that differ", () => {
  const own = condition("Accepted", "True", "Accepted", "", 1);
  const theirs = { ...own, type: "example.com/Audited", lastTransitionTime: earlier };
  const gateway: Gateway = {
    kind: "Gateway",
    metadata: { name: "g", namespace: "n" },
    spec: { gatewayClassName: "plinth", listeners: [] },
    status: { conditions: [theirs], listeners: [] },
  };
  const statuses = {
    ...nothing,
    gateways: new Map([["n/g", { conditions: [own], addresses: [], listeners: [] }]]),
  };
  expect(statusPatch("Gateway", "n/g", gateway, statuses, nowMs)).toEqual({
    conditions: [theirs, { ...own, lastTransitionTime: now }],
  });
});
