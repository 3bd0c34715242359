import { eventually } from "@plinth/testing";
import { type Right, rightsOf, unusedRights } from "@plinth/testing/kube";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import * as operator from "../../operator/src/rbac.ts";
import * as gateway from "../../services/gateway/src/kubernetes/rbac.ts";
import { callsOf, isWrite } from "../platform/api-calls.ts";
import { ensurePlatform } from "../platform/ensure-platform.ts";
import { apply, kubectl, wait } from "../platform/kubectl.ts";
import { release } from "../platform/release.ts";

const target = inject("target");
const namespace = "calls";

/** With everything that an operator's child can be, so that every kind is written and, with the second one, taken away. */
const full = `
apiVersion: plinth.dev/v1alpha1
kind: PlatformService
metadata: {name: notes}
spec:
  image: plinth/notes:0.1.0
  autoscaling: {max: 3}
  database: {schema: notes_calls, migrations: {path: /app/migrations}, deletionPolicy: Delete}
  events: {publishes: [notes.note.v1], consumes: [notes.note.v1]}
  route: {rules: [{path: /calls/}]}
`;
const bare = `
apiVersion: plinth.dev/v1alpha1
kind: PlatformService
metadata: {name: notes}
spec:
  image: plinth/notes:0.1.0
  database: {schema: notes_calls, migrations: {path: /app/migrations}, deletionPolicy: Delete}
  events: {publishes: [notes.note.v1], consumes: [notes.note.v1]}
  networkPolicy: {mode: Open}
  pod: {serviceAccountName: default}
`;

const operatorCalls = () => callsOf(release.namespace, "plinth-operator");
const gatewayCalls = () => callsOf(release.namespace, "gateway");

/** The API server's own log tells: only the hermetic cluster shows it. */
describe.skipIf(!target.hermetic)("calls to the API server", () => {
  beforeAll(async () => {
    await ensurePlatform(target);
    await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=120s");
    await kubectl("create", "namespace", namespace);
    for (const manifest of [full, bare]) {
      await apply(manifest, "-n", namespace);
      await wait("psvc/notes", "condition=Ready", namespace);
    }
    await kubectl("delete", "psvc", "notes", "-n", namespace, "--timeout=60s");
  });
  afterAll(async () => {
    await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=120s");
  });

  const unused = (rules: Parameters<typeof rightsOf>[0], used: readonly { right: Right }[]): Right[] =>
    unusedRights(rightsOf(rules), new Set(used.map(({ right }) => right)));

  test("the operator was refused nothing, and used every right that it has", () => {
    const calls = operatorCalls();
    expect(calls.filter(({ allowed }) => !allowed)).toEqual([]);
    expect(unused([...operator.clusterRules, ...operator.namespaceRules], calls)).toEqual([
      // Asked by the API server on the operator's behalf, not by the operator.
      "update plinth.dev/platformservices/finalizers",
    ]);
  });

  test("the gateway was refused nothing, and used every right that it has", () => {
    const calls = gatewayCalls();
    expect(calls.filter(({ allowed }) => !allowed)).toEqual([]);
    expect(unused([...gateway.clusterRules, ...gateway.namespaceRules], calls)).toEqual([]);
  });

  test("nothing is written while nothing changes", async () => {
    const renewals = () => operatorCalls().filter(({ object }) => object.startsWith("coordination.k8s.io/leases "));
    const written = () => [...operatorCalls(), ...gatewayCalls()].filter(isWrite);
    // What the deletion has left to do ends first: a while in which the leader renewed its lease and wrote nothing.
    const quiet = async (): Promise<void> => {
      const before = { renewals: renewals().length, written: written().length };
      await eventually(() => expect(renewals().length).toBeGreaterThanOrEqual(before.renewals + 3), 60_000);
      expect(written().slice(before.written)).toEqual([]);
    };
    await eventually(quiet, 120_000);
    await quiet();
  });
});
