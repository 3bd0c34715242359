import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ensurePlatform } from "../platform/ensure-platform.ts";
import { apply, kubectl, list } from "../platform/kubectl.ts";
import { gatewayUrl } from "../platform/platform.ts";
import { release } from "../platform/release.ts";
import { startTraffic } from "../platform/traffic.ts";

const namespace = "plain";
const callers = 4;

/** Speaks HTTP/1.1 only, and ends on SIGTERM as most servers do: no new connections, then those that are idle. */
const program = `
const server = require("node:http").createServer((_, response) => setTimeout(() => response.end(process.env.HOSTNAME), 5));
server.listen(8080);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
`;

const objects = [
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      strategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          terminationGracePeriodSeconds: 5,
          containers: [
            {
              name: "web",
              image: "plinth/notes:0.1.0",
              command: ["node", "-e", program],
              // Late answers of a busy machine leave it ready.
              readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1, timeoutSeconds: 10 },
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
  },
  {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name: "web" },
    spec: {
      parentRefs: [{ name: "plinth", namespace: release.namespace }],
      rules: [
        { matches: [{ path: { type: "PathPrefix", value: "/plain" } }], backendRefs: [{ name: "web", port: 80 }] },
      ],
    },
  },
];

beforeAll(async () => {
  await ensurePlatform(inject("target"));
  await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=240s");
  await kubectl("create", "namespace", namespace);
  await apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }), "-n", namespace);
});
afterAll(async () => {
  await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--timeout=240s");
});

/** Until these many pods run and none is on its way out. Returns their names. */
const pods = (count: number, not: readonly string[] = []): Promise<string[]> =>
  eventually(async () => {
    const found = await list("pods", namespace);
    const names = found.map(({ metadata }) => metadata.name);
    expect(names).toHaveLength(count);
    expect(found.filter(({ status }) => status.phase !== "Running" || !status.containerStatuses[0].ready)).toEqual([]);
    expect(names.filter((name) => not.includes(name))).toEqual([]);
    return names;
  }, 240_000);

describe("a Deployment that knows nothing of the platform", () => {
  test("changes all its pods, grows and shrinks, and no request fails", async () => {
    const url = `${await gatewayUrl()}/plain`;
    const answeredBy = new Set<string>();
    const call = async (): Promise<void> => {
      const response = await fetch(url);
      const text = await response.text();
      if (response.status !== 200) throw new Error(`${response.status} ${text.slice(0, 200)}`);
      answeredBy.add(text);
    };
    const first = await pods(2);
    await eventually(call, 120_000);
    const traffic = Array.from({ length: callers }, () => startTraffic({ call, pauseMs: 5 }));
    await eventually(() => expect([...answeredBy]).toEqual(expect.arrayContaining(first)), 120_000);
    await kubectl("rollout", "restart", "deployment/web", "-n", namespace);
    const second = await pods(2, first);
    await kubectl("scale", "deployment/web", "--replicas=5", "-n", namespace);
    const grown = await pods(5);
    await eventually(() => expect([...answeredBy]).toEqual(expect.arrayContaining(grown)), 120_000);
    await kubectl("scale", "deployment/web", "--replicas=1", "-n", namespace);
    await pods(1);
    const reports = await Promise.all(traffic.map((each) => each.stop()));
    expect(reports.flatMap(({ failed }) => failed)).toEqual([]);
    expect([...answeredBy]).toEqual(expect.arrayContaining(second));
  });
});
