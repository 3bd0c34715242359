import { once } from "node:events";
import { createServer } from "node:net";
import { type ApiCall, type KubeObject, type Resource, resources } from "@plinth/kube";
import { eventually, selfSignedCertificate } from "@plinth/testing";
import { type Right, rightOfRequest, rightsOf, unusedRights, whyNoApiServer } from "@plinth/testing/kube";
import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeRoutes } from "../src/control/describe-routes.ts";
import { type Gateway, gateways, type HttpRoute, httpRoutes } from "../src/kubernetes/gateway-api.ts";
import { targetPortsOf } from "../src/kubernetes/gateway-service.ts";
import { clusterRules, namespaceRules } from "../src/kubernetes/rbac.ts";
import { routePolicies } from "../src/kubernetes/route-policies.ts";
import {
  type RunningKubernetesGateway,
  restrictedKubeconfig,
  runKubernetesGateway,
  startTestCluster,
  type TestCluster,
} from "./kube-harness.ts";

const absent = whyNoApiServer();

/** Answers without any backend, so that no pod is needed to see a route at work. */
const redirectTo = (hostname: string) => ({
  name: "rule-0",
  filters: [{ type: "RequestRedirect", requestRedirect: { hostname } }],
});

describe.skipIf(absent)(`on a real API server${absent ? ` (skipped: ${absent})` : ""}`, () => {
  let cluster: TestCluster;
  let gateway: RunningKubernetesGateway;
  let kubeconfig: string;

  beforeAll(async () => {
    cluster = await startTestCluster();
    kubeconfig = await restrictedKubeconfig(cluster.api);
    await bindRules(cluster);
    gateway = await runKubernetesGateway(kubeconfig);
  });
  afterAll(async () => {
    await gateway?.stop();
    await cluster?.stop();
  });

  const gatewayShows = (name: string, probe: (found: Gateway) => void): Promise<Gateway> =>
    eventually(async () => {
      const found = await cluster.client.get(gateways, { namespace: "shop", name });
      probe(found);
      return found;
    });
  const isProgrammed = ({ status }: Gateway) =>
    expect(status?.conditions).toContainEqual(expect.objectContaining({ type: "Programmed", status: "True" }));
  const targetOf = async (name: string, port: number): Promise<number> => {
    const service = await cluster.client.get(resources.services, { namespace: "plinth", name: `gateway-shop-${name}` });
    return targetPortsOf(service).get(port) as number;
  };
  const listener = (name: string, port: number, rest: object = {}) => ({ name, port, protocol: "HTTP", ...rest });
  const createGateway = (name: string, ...listeners: object[]) =>
    cluster.create(gateways, "shop", name, { spec: { gatewayClassName: "plinth", listeners } });
  const createRoute = (name: string, parent: string, rules: object[], rest: object = {}) =>
    cluster.create(httpRoutes, "shop", name, { spec: { parentRefs: [{ name: parent }], rules, ...rest } });

  it("is ready when everything was read and compiled", async () => {
    await eventually(() => expect(gateway.problems()).toEqual([]));
  });

  it("gives a Gateway a Service and an address, serves its routes there, and says so", async () => {
    await createGateway("one", listener("http", 80), listener("alt", 8080));
    await createRoute("one", "one", [redirectTo("elsewhere.example.com")]);
    const { status } = await gatewayShows("one", isProgrammed);
    const service = await cluster.client.get(resources.services, { namespace: "plinth", name: "gateway-shop-one" });
    expect(status?.addresses).toEqual([{ type: "IPAddress", value: service.spec?.clusterIP }]);
    expect(service.spec?.selector).toEqual({ "plinth.dev/service": "gateway", "plinth.dev/component": "server" });
    for (const [port, location] of [
      [80, "http://elsewhere.example.com/x?y=1"],
      [8080, "http://elsewhere.example.com:8080/x?y=1"],
    ] as const) {
      const url = `http://127.0.0.1:${await targetOf("one", port)}/x?y=1`;
      await eventually(async () => {
        const answer = await fetch(url, { redirect: "manual" });
        expect([answer.status, answer.headers.get("location")]).toEqual([302, location]);
      });
    }
    await eventually(() =>
      expect(describeRoutes(gateway.served() ?? [])["shop/one/rule-0"]).toMatchObject({
        gateways: ["shop/one:80", "shop/one:8080"],
        redirect: { hostname: "elsewhere.example.com" },
      }),
    );
    await eventually(async () => {
      const route = await cluster.client.get(httpRoutes, { namespace: "shop", name: "one" });
      const parent = { parentRef: { name: "one" }, controllerName: "plinth.dev/gateway" };
      expect(route.status?.parents).toMatchObject([parent]);
    });
  });

  it("tells of what is reachable, and names a service that is away", async () => {
    await cluster.create(resources.services, "shop", "away", {
      spec: { ports: [{ name: "grpc", port: 80, appProtocol: "kubernetes.io/h2c" }] },
    });
    await createGateway("documents", listener("http", 80));
    await createRoute("documents", "documents", [
      { name: "rule-0", matches: [{ path: { value: "/away/" } }], backendRefs: [{ name: "away", port: 80 }] },
    ]);
    await gatewayShows("documents", isProgrammed);
    const url = `http://127.0.0.1:${await targetOf("documents", 80)}/openapi.json`;
    await eventually(async () => {
      const answer = await fetch(url);
      expect([answer.status, answer.headers.get("x-plinth-unavailable")]).toEqual([200, "shop/away:80"]);
      expect(await answer.json()).toMatchObject({ openapi: "3.1.1", paths: {} });
    });
  });

  it("never touches what other controllers say", async () => {
    const theirs = { parentRef: { name: "theirs" }, controllerName: "example.com/gateway", conditions: [] };
    const { metadata } = await createRoute("shared", "one", [redirectTo("shared.example.com")], {
      hostnames: ["shared.example.com"],
    });
    const ref = { namespace: "shop", name: metadata.name };
    const parents = async () => (await cluster.client.get(httpRoutes, ref)).status?.parents ?? [];
    await eventually(async () => expect(await parents()).toHaveLength(1));
    const both = { status: { parents: [theirs, ...(await parents())] } };
    await cluster.client.patch(httpRoutes, ref, both, { type: "merge", subresource: "status" });
    await cluster.client.patch(httpRoutes, ref, { spec: { parentRefs: [{ name: "gone" }] } }, { type: "merge" });
    await eventually(async () => expect(await parents()).toEqual([theirs]));
  });

  it("puts back what somebody changed of its own words", async () => {
    const ref = { namespace: "shop", name: "one" };
    await cluster.client.patch(gateways, ref, { status: { addresses: [] } }, { type: "merge", subresource: "status" });
    await gatewayShows("one", ({ status }) => expect(status?.addresses).toHaveLength(1));
  });

  it("closes a route of a PlatformService until its policy is there, then obeys the policy", async () => {
    const labels = { "plinth.dev/service": "notes" };
    await cluster.client.create(httpRoutes, {
      metadata: { name: "notes", namespace: "shop", labels },
      spec: { parentRefs: [{ name: "one" }], hostnames: ["notes.example.com"], rules: [redirectTo("in.example.com")] },
    } as never);
    const port = await targetOf("one", 80);
    const status = async () => {
      const url = `http://127.0.0.1:${port}/`;
      const { statusCode, body } = await request(url, { headers: { host: "notes.example.com" } });
      await body.dump();
      return statusCode;
    };
    await eventually(async () => expect(await status()).toBe(401));
    await cluster.create(routePolicies, "shop", "notes", {
      spec: {
        targetRef: { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: "notes" },
        rules: [{ name: "rule-0", authentication: "None" }],
      },
    });
    await eventually(async () => expect(await status()).toBe(302));
    await eventually(async () => {
      const policy = await cluster.client.get(routePolicies, { namespace: "shop", name: "notes" });
      expect(policy.status?.ancestors).toMatchObject([
        { ancestorRef: { kind: "Gateway", name: "one" }, conditions: [{ type: "Accepted", status: "True" }] },
      ]);
    });
  });

  it("serves TLS with the Secret of the listener, and a new one as it comes", async () => {
    const pem = (name: string) => {
      const { cert, key } = selfSignedCertificate(name);
      return { cert, stringData: { "tls.crt": cert, "tls.key": key } };
    };
    const first = pem("secure.example.com");
    const secret = { type: "kubernetes.io/tls", stringData: first.stringData };
    await cluster.create(resources.secrets as Resource<KubeObject>, "shop", "edge", secret);
    const tls = { certificateRefs: [{ name: "edge" }] };
    await createGateway("secure", listener("https", 443, { protocol: "HTTPS", hostname: "secure.example.com", tls }));
    await createRoute("secure", "secure", [redirectTo("in.example.com")]);
    await gatewayShows("secure", isProgrammed);
    const port = await targetOf("secure", 443);
    const reach = async (ca: string) => {
      const dispatcher = new Agent({ connect: { ca, servername: "secure.example.com" } });
      const headers = { host: "secure.example.com" };
      const { headers: answered, body } = await request(`https://127.0.0.1:${port}/`, { dispatcher, headers });
      await body.dump();
      return answered["location"];
    };
    await eventually(async () => expect(await reach(first.cert)).toBe("https://in.example.com/"));
    const second = pem("secure.example.com");
    const ref = { namespace: "shop", name: "edge" };
    await cluster.client.patch(resources.secrets, ref, { stringData: second.stringData }, { type: "merge" });
    await eventually(async () => expect(await reach(second.cert)).toBe("https://in.example.com/"));
  });

  it("says which port it cannot open, and goes on", async () => {
    // The next port that is given: after the highest one.
    const { items } = await cluster.client.list(resources.services, { namespace: "plinth" });
    const next = Math.max(...items.flatMap((service) => [...targetPortsOf(service).values()])) + 1;
    const squatter = createServer().listen(next, "127.0.0.1");
    await once(squatter, "listening");
    await createGateway("unlucky", listener("http", 80));
    await gatewayShows("unlucky", ({ status }) =>
      expect(status?.listeners?.[0]?.conditions).toContainEqual(
        expect.objectContaining({ type: "Programmed", status: "False", reason: "PortUnavailable" }),
      ),
    );
    squatter.close();
    await gatewayShows("unlucky", isProgrammed);
  });

  it("takes the Service away with its Gateway", async () => {
    await cluster.client.delete(gateways, { namespace: "shop", name: "unlucky" });
    await eventually(async () => {
      const ref = { namespace: "plinth", name: "gateway-shop-unlucky" };
      expect(await cluster.client.find(resources.services, ref)).toBeUndefined();
    });
  });

  it("writes nothing when there is nothing to do, in one replica or two; another takes over at its end", async () => {
    const second = await runKubernetesGateway(kubeconfig, { host: "127.0.0.2" });
    await eventually(() => expect(second.problems()).toEqual([]));
    const port = await targetOf("one", 80);
    await eventually(async () =>
      expect((await fetch(`http://127.0.0.2:${port}/`, { redirect: "manual" })).status).toBe(302),
    );
    expect(second.writes()).toEqual([]);
    expect(second.served()).toBeUndefined();
    const before = gateway.writes().length;
    // A change that matters to nobody's status but makes everything be compiled anew.
    await cluster.client.create(resources.namespaces, { metadata: { name: "quiet" } });
    await createRoute("late", "one", [redirectTo("late.example.com")], { hostnames: ["late.example.com"] });
    await eventually(async () => {
      const route = await cluster.client.get(httpRoutes, { namespace: "shop", name: "late" });
      expect(route.status?.parents).toHaveLength(1);
      const { status } = await cluster.client.get(gateways, { namespace: "shop", name: "one" });
      expect(status?.listeners?.[0]?.attachedRoutes).toBeGreaterThan(2);
    });
    const paths = gateway
      .writes()
      .slice(before)
      .map((call) => call.path);
    expect(paths.filter((path) => !/\/(late|one)\/status$/.test(path))).toEqual([]);
    await gateway.stop();
    await cluster.client.patch(
      httpRoutes,
      { namespace: "shop", name: "late" },
      { status: null },
      { type: "merge", subresource: "status" },
    );
    await eventually(async () => {
      const route: HttpRoute = await cluster.client.get(httpRoutes, { namespace: "shop", name: "late" });
      expect(route.status?.parents).toHaveLength(1);
      expect(second.served()).toBeDefined();
    }, 60_000);
    gateway.calls.push(...second.calls);
    gateway.stop = second.stop;
  });

  it("needs every rule that it is given", () => {
    const used = new Set(gateway.calls.map(usedRight));
    // Leases are left out of the calls.
    const unused = unusedRights(rightsOf([...clusterRules, ...namespaceRules]), used).filter(
      (right) => !right.endsWith("/leases"),
    );
    expect(unused).toEqual(["patch gateway.networking.k8s.io/grpcroutes/status"]);
  });
});

const usedRight = ({ method, path, query }: ApiCall): Right => rightOfRequest(method, path, query?.["watch"] === true);

async function bindRules({ client }: TestCluster): Promise<void> {
  const apiGroup = "rbac.authorization.k8s.io";
  const kind = (name: string, plural: string, namespaced: boolean): Resource<KubeObject> => ({
    apiVersion: `${apiGroup}/v1`,
    kind: name,
    plural,
    namespaced,
  });
  const subjects = [{ kind: "User", name: "nobody", apiGroup }];
  const everywhere = { metadata: { name: "plinth-gateway" } };
  const inPlinth = { metadata: { name: "plinth-gateway", namespace: "plinth" } };
  const roleRef = (name: string) => ({ kind: name, name: "plinth-gateway", apiGroup });
  const objects: [Resource<KubeObject>, object][] = [
    [kind("ClusterRole", "clusterroles", false), { ...everywhere, rules: clusterRules }],
    [
      kind("ClusterRoleBinding", "clusterrolebindings", false),
      { ...everywhere, subjects, roleRef: roleRef("ClusterRole") },
    ],
    [kind("Role", "roles", true), { ...inPlinth, rules: namespaceRules }],
    [kind("RoleBinding", "rolebindings", true), { ...inPlinth, subjects, roleRef: roleRef("Role") }],
  ];
  for (const [resource, object] of objects) await client.create(resource, object as never);
}
