import { eventually } from "@plinth/testing";
import { type Right, rightsOf, unusedRights } from "@plinth/testing/kube";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as operator from "../../operator/src/rbac.ts";
import * as gateway from "../../services/gateway/src/kubernetes/rbac.ts";
import { callsOf, isWrite, type ServerCall } from "../platform/api-calls.ts";
import { ensurePlatform } from "../platform/ensure-platform.ts";
import { apply, get, kubectl, wait } from "../platform/kubectl.ts";
import { release } from "../platform/release.ts";

const target = inject("target");
const namespace = "calls";

/** A program that needs nothing of the platform: another ServiceAccount may run it. */
const program = 'require("node:http").createServer((_, response) => response.end("here")).listen(8080)';
const common = {
  image: "plinth/notes:0.1.0",
  command: ["node", "-e", program],
  health: { port: "Service", livePath: "/", readyPath: "/" },
  database: { schema: "notes_calls", migrations: { path: "/app/migrations" }, deletionPolicy: "Delete" },
};
/** With every kind of child, then without those that can be done without: each is written, and each that may is taken away. */
const specs = [
  { ...common, autoscaling: { max: 3 }, events: {}, route: { rules: [{ path: "/calls/", authentication: "None" }] } },
  { ...common, networkPolicy: { mode: "Open" }, pod: { serviceAccountName: "default" } },
];
const serviceOf = (spec: object): string =>
  JSON.stringify({ apiVersion: "plinth.dev/v1alpha1", kind: "PlatformService", metadata: { name: "web" }, spec });

const grpcRoute = JSON.stringify({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "GRPCRoute",
  metadata: { name: "web" },
  spec: { parentRefs: [{ name: "plinth", namespace: release.namespace }], hostnames: ["grpc.example"] },
});

/** One that comes and goes, and its Service with it. */
const gatewayOfItsOwn = JSON.stringify({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name: "web" },
  spec: { gatewayClassName: "plinth", listeners: [{ name: "http", port: 8088, protocol: "HTTP" }] },
});

const operatorCalls = () => callsOf(release.namespace, "plinth-operator");
const gatewayCalls = () => callsOf(release.namespace, "gateway");

/** The API server's own log tells: only the hermetic cluster shows it. */
describe.skipIf(!target.hermetic)("calls to the API server", () => {
  beforeAll(async () => {
    await ensurePlatform(target);
    await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=240s");
    await kubectl("create", "namespace", namespace);
    for (const spec of specs) {
      await apply(serviceOf(spec), "-n", namespace);
      await wait("psvc/web", "condition=Ready", namespace);
    }
    await apply(grpcRoute, "-n", namespace);
    await apply(gatewayOfItsOwn, "-n", namespace);
    const service = `gateway-${namespace}-web`;
    await eventually(async () => expect(await get("service", service, release.namespace)).toBeDefined(), 240_000);
    await kubectl("delete", "gateway", "web", "-n", namespace);
    await eventually(async () => expect(await get("service", service, release.namespace)).toBeUndefined(), 240_000);
    for (const kind of ["serviceaccount", "horizontalpodautoscaler", "networkpolicy", "httproute"])
      await eventually(async () => expect(await get(kind, "web", namespace)).toBeUndefined(), 240_000);
    await eventually(async () => {
      const { status } = (await get("grpcroute", "web", namespace)) ?? {};
      expect(status?.parents).toHaveLength(1);
    }, 240_000);
    await kubectl("delete", "psvc", "web", "-n", namespace, "--timeout=240s");
  });
  afterAll(async () => {
    await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=240s");
  });

  const unused = (rules: Parameters<typeof rightsOf>[0], used: readonly { right: Right }[]): Right[] =>
    unusedRights(rightsOf(rules), new Set(used.map(({ right }) => right)));

  /** Since its account is there: while an earlier installation went away, its processes outlived their rights. */
  async function refused(account: string, calls: readonly ServerCall[]): Promise<ServerCall[]> {
    const found = await get("serviceaccount", account, release.namespace);
    const since = new Date(found?.metadata.creationTimestamp ?? Number.NaN);
    return calls.filter(({ allowed, at }) => !allowed && at >= since);
  }

  test("the operator was refused nothing, and used every right that it has", async () => {
    const calls = operatorCalls();
    expect(await refused("plinth-operator", calls)).toEqual([]);
    const used = new Set(calls.map(({ right }) => right));
    // When the name of a first write is taken, the object is read: whose is it?
    const readWhenTaken = (right: Right): boolean =>
      right.startsWith("get ") && ["patch", "create"].some((verb) => used.has(`${verb} ${right.slice(4)}`));
    const rules = [...operator.clusterRules, ...operator.namespaceRules];
    expect(unused(rules, calls).filter((right) => !readWhenTaken(right))).toEqual([
      // Asked by the API server on the operator's behalf, not by the operator.
      "update plinth.dev/platformservices/finalizers",
    ]);
  });

  test("the gateway was refused nothing, and used every right that it has", async () => {
    const calls = gatewayCalls();
    expect(await refused("gateway", calls)).toEqual([]);
    expect(unused([...gateway.clusterRules, ...gateway.namespaceRules], calls)).toEqual([]);
  });

  test("nothing is written while nothing changes", async () => {
    const renewals = () => operatorCalls().filter(({ object }) => object.startsWith("coordination.k8s.io/leases "));
    const written = () => [...operatorCalls(), ...gatewayCalls()].filter(isWrite);
    // What the deletion has left to do ends first: a while in which the leader renewed its lease and wrote nothing.
    const quiet = async (): Promise<void> => {
      const before = { renewals: renewals().length, written: written().length };
      await eventually(() => expect(renewals().length).toBeGreaterThanOrEqual(before.renewals + 3), 120_000);
      expect(written().slice(before.written)).toEqual([]);
    };
    await eventually(async () => {
      await quiet();
      await quiet();
    }, 600_000);
  });
});
