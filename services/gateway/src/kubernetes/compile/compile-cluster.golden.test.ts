import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { KubeObject } from "@plinth/kube";
import { createSeededRandom, selfSignedCertificate } from "@plinth/testing";
import { describe, expect, it } from "vitest";
import { parseAllDocuments, stringify } from "yaml";
import { emptySnapshot, type Secret, type Snapshot } from "../snapshot.ts";
import { compileCluster } from "./compile-cluster.ts";

const directory = join(import.meta.dirname, "testdata");
const cases = readdirSync(directory).filter((name) => name.endsWith(".in.yaml"));

/** Ports that this process has open; one of them it could not open. */
const openPorts = new Map<number, string | undefined>([
  [20_000, undefined],
  [20_001, undefined],
  [20_005, undefined],
  [20_099, "EADDRINUSE"],
]);

const lists: Record<string, keyof Snapshot> = {
  GatewayClass: "gatewayClasses",
  Gateway: "gateways",
  HTTPRoute: "httpRoutes",
  GRPCRoute: "grpcRoutes",
  ReferenceGrant: "referenceGrants",
  RoutePolicy: "routePolicies",
  Service: "services",
  Secret: "secrets",
  Namespace: "namespaces",
};

function read(name: string): KubeObject[] {
  const text = readFileSync(join(directory, name), "utf8");
  return parseAllDocuments(text).map((document) => withCertificate(document.toJS() as KubeObject));
}

/** A certificate does not belong into a file that is kept for long: `self-signed` names whom to make one out to. */
function withCertificate(object: KubeObject): KubeObject {
  const { data } = object as Secret;
  const host = data?.["self-signed"];
  if (host === undefined) return object;
  const { cert, key } = selfSignedCertificate(host);
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return { ...object, data: { "tls.crt": base64(cert), "tls.key": base64(key) } } as KubeObject;
}

function snapshotOf(objects: readonly KubeObject[]): Snapshot {
  const snapshot: Record<string, unknown> = {
    ...emptySnapshot,
    gatewayApi: { version: "v1.6.3", channel: "standard" },
    openPorts,
  };
  for (const object of objects) {
    const list = lists[object.kind ?? ""];
    if (list === undefined) throw new Error(`testdata has an object of kind ${object.kind}`);
    snapshot[list] = [...(snapshot[list] as KubeObject[]), object];
  }
  return snapshot as unknown as Snapshot;
}

function compileToText(objects: readonly KubeObject[]): string {
  const { ports, services, statuses } = compileCluster(snapshotOf(objects));
  const out = {
    ports: ports.map(({ gateway, port, table, certificates }) => ({
      gateway,
      port,
      ...(certificates && {
        certificates: certificates.map(({ hostname, certificates: shown }) => ({
          hostname,
          secrets: shown.map(({ secret }) => secret),
        })),
      }),
      services: table.services,
      routes: table.routes,
    })),
    services: services.map(({ gateway, ports: numbers, address }) => ({
      gateway: `${gateway.metadata.namespace}/${gateway.metadata.name}`,
      ports: numbers,
      ...(address === undefined ? {} : { address }),
    })),
    statuses: Object.fromEntries(Object.entries(statuses).map(([kind, found]) => [kind, sorted(found)])),
  };
  return stringify(out, { lineWidth: 0, aliasDuplicateObjects: false });
}

const sorted = (map: ReadonlyMap<string, unknown>): object =>
  Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));

// `npx vitest run -u` writes new expectations; read the difference before you commit it.
describe.each(cases)("%s", (name) => {
  it("compiles to its .out.yaml", async () => {
    await expect(compileToText(read(name))).toMatchFileSnapshot(join(directory, name.replace(".in.", ".out.")));
  });

  it("compiles to the same in any order", () => {
    const objects = read(name);
    const random = createSeededRandom(1);
    const shuffled = objects.map((object) => ({ object, at: random.fraction() })).sort((a, b) => a.at - b.at);
    expect(compileToText(shuffled.map(({ object }) => object))).toBe(compileToText(objects));
  });
});
