import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { DescService } from "@bufbuild/protobuf";
import { AuditService } from "@plinth/proto/plinth/audit/v1/audit";
import { IdentityService } from "@plinth/proto/plinth/identity/v1/identity";
import { access, httpBindingsOf, type RpcServer, type ServiceRoutes } from "@plinth/rpc";
import { startOpenServer } from "@plinth/testing/open-server";
import { openApiProblems } from "@plinth/testing/openapi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GatewayOptions } from "../src/gateway.ts";
import { type Running, service, startGateway } from "./harness.ts";
import { type Answer, startHttpUpstream, type Upstream } from "./upstream.ts";

const routesOf = (desc: DescService): ServiceRoutes => ({
  service: desc,
  routes: new Map(
    desc.methods.map(({ localName }) => [localName, { access: access.authenticated, handle: async () => ({}) }]),
  ),
});

interface Got {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function get(port: number, path: string, headers: OutgoingHttpHeaders = {}, method = "GET"): Promise<Got> {
  return new Promise((resolve, reject) => {
    httpRequest({ host: "127.0.0.1", port, path, method, headers }, async (response) =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }),
    )
      .on("error", reject)
      .end();
  });
}

const pathsOf = ({ body }: Got): string[] => Object.keys((JSON.parse(body) as { paths: object }).paths);
const bound = (desc: DescService) => httpBindingsOf(desc).map(({ template }) => template.text);
const sorted = (paths: readonly string[]) => [...new Set(paths)].sort();

let identity: RpcServer;
let audit: RpcServer;

beforeAll(async () => {
  [identity, audit] = await Promise.all([
    startOpenServer([routesOf(IdentityService)], { openApi: { title: "identity", version: "1.0.0" } }),
    startOpenServer([routesOf(AuditService)], { openApi: { title: "audit", version: "2.0.0" } }),
  ]);
  // Made at the first question; a gateway waits a few seconds for it.
  for (const server of [identity, audit]) await get(server.port(), "/openapi.json");
});
afterAll(async () => {
  for (const server of [identity, audit]) await server.stop?.(AbortSignal.timeout(1_000));
});

const rules = {
  identity: service("identity", [{ path: "/identity/v1/" }], {
    cors: { allowOrigins: ["https://app.test"] },
  }),
  audit: service("audit", [{ path: "/audit/v1/" }]),
};

async function withGateway(
  services: readonly object[],
  use: (running: Running) => Promise<void>,
  endpoints: Record<string, number[]> = {},
  options: Partial<GatewayOptions> = {},
): Promise<void> {
  const running = await startGateway(
    services,
    { identity: [identity.port()], audit: [audit.port()], ...endpoints },
    options,
  );
  await use(running).finally(() => running.stop());
}

async function withUpstream(answer: Answer, use: (upstream: Upstream) => Promise<void>): Promise<void> {
  const upstream = await startHttpUpstream(answer);
  await use(upstream).finally(() => upstream.close());
}

describe("the document of two services", () => {
  let running: Running;
  beforeAll(async () => {
    running = await startGateway([rules.identity, rules.audit], { identity: [identity.port()], audit: [audit.port()] });
  });
  afterAll(() => running.stop());

  it("holds all that both have, and is one", async () => {
    const got = await get(running.port, "/openapi.json");
    expect([got.status, got.headers["content-type"]]).toEqual([200, "application/json"]);
    expect(pathsOf(got)).toEqual(sorted([...bound(IdentityService), ...bound(AuditService)]));
    const document = JSON.parse(got.body);
    expect(await openApiProblems(document)).toEqual([]);
    expect(document.info.description).toBe("- audit 2.0.0\n- identity 1.0.0");
    expect(got.headers["x-plinth-unavailable"]).toBeUndefined();
  });

  it("is sent again only when it changed, and not with HEAD", async () => {
    const { headers, body } = await get(running.port, "/openapi.json");
    const { etag = "" } = headers;
    expect((await get(running.port, "/openapi.json", { "if-none-match": etag })).status).toBe(304);
    const head = await get(running.port, "/openapi.json", {}, "HEAD");
    expect([head.status, head.headers["content-length"], head.body]).toEqual([
      200,
      String(Buffer.byteLength(body)),
      "",
    ]);
    expect((await get(running.port, "/openapi.json", {}, "DELETE")).status).toBe(405);
  });

  it("may be read by the pages that may call its paths", async () => {
    const allowed = await get(running.port, "/openapi.json", { origin: "https://app.test" });
    expect(allowed.headers["access-control-allow-origin"]).toBe("https://app.test");
    const other = await get(running.port, "/openapi.json", { origin: "https://other.test" });
    expect([other.headers["access-control-allow-origin"], other.headers.vary]).toEqual([undefined, "Origin"]);
  });

  it("has a page that names the gateway as the reader does", async () => {
    const { headers, body } = await get(running.port, "/openapi", { host: "api.test:81" });
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(body).toContain("http://api.test:81/identity/v1/users");
  });

  it("is answered over HTTP/2 as well", async () => {
    const session = connectHttp2(running.url);
    const body = await text(session.request({ ":path": "/openapi.json" }));
    session.close();
    expect(JSON.parse(body).openapi).toBe("3.1.1");
  });
});

it("leaves out what no route lets through", () =>
  withGateway(
    [
      service("identity", [{ path: "/identity/v1/users", pathType: "Exact" }]),
      service("audit", [{ path: "/audit/v1/entries" }]),
    ],
    async ({ port }) => {
      const got = await get(port, "/openapi.json");
      const expected = bound(AuditService).filter((path) => /^\/audit\/v1\/entries(\/|$)/.test(path));
      expect(expected.length).toBeGreaterThan(1);
      expect(pathsOf(got)).toEqual(sorted(["/identity/v1/users", ...expected]));
      expect(got.body).not.toContain("ChangePasswordRequest");
    },
  ));

it("shows each host what it reaches", () =>
  withGateway(
    [service("identity", [{ path: "/identity/v1/" }], { hostnames: ["id.test"] }), rules.audit],
    async ({ port }) => {
      expect(pathsOf(await get(port, "/openapi.json", { host: "id.test" }))).toContain("/identity/v1/users");
      expect(pathsOf(await get(port, "/openapi.json", { host: "other.test" }))).toEqual(sorted(bound(AuditService)));
    },
  ));

it("says where a route asks for a token and its service does not", () =>
  withUpstream(
    (_, response) =>
      response.end(JSON.stringify({ openapi: "3.1.0", paths: { "/a/x": { get: {} }, "/b/x": { get: {} } } })),
    (upstream) =>
      withGateway(
        [
          service("plain", [
            { path: "/a/", authentication: "Required" },
            { path: "/b/", authentication: "None" },
          ]),
        ],
        async ({ port }) => {
          const { paths } = JSON.parse((await get(port, "/openapi.json")).body);
          expect([paths["/a/x"].get.security, paths["/b/x"].get.security]).toEqual([[{ bearer: [] }], []]);
        },
        { plain: [upstream.port] },
      ),
  ));

it("keeps what a service said that is away now, and names it", () =>
  withGateway([rules.identity, rules.audit], async ({ port, resolver }) => {
    const before = await get(port, "/openapi.json");
    resolver.set("audit");
    const without = await get(port, "/openapi.json");
    expect(without.headers["x-plinth-unavailable"]).toBe("audit");
    expect(without.body).toBe(before.body);
    resolver.set("audit", audit.port());
    expect((await get(port, "/openapi.json")).headers["x-plinth-unavailable"]).toBeUndefined();
  }));

const wrong: [string, Answer][] = [
  ["is no JSON", (_, response) => response.end("<html>")],
  ["is another version's", (_, response) => response.end('{"openapi":"3.0.3","paths":{}}')],
  [
    "is nested without end",
    (_, response) => response.end(`{"openapi":"3.1.0","x":${"[".repeat(9_000)}${"]".repeat(9_000)}}`),
  ],
  ["is too large", (_, response) => response.end(" ".repeat((4 << 20) + 1))],
  ["is a failure", (_, response) => response.writeHead(500).end()],
];

it.each(wrong)("does without a service whose document %s", (_, answer) =>
  withUpstream(answer, (upstream) =>
    withGateway(
      [rules.audit, service("odd", [{ path: "/odd/" }])],
      async ({ port }) => {
        const got = await get(port, "/openapi.json");
        expect([got.status, got.headers["x-plinth-unavailable"]]).toEqual([200, "odd"]);
        expect(pathsOf(got)).toEqual(sorted(bound(AuditService)));
      },
      { odd: [upstream.port] },
    ),
  ),
);

it("misses nothing of a service that has no document", () =>
  withUpstream(
    (_, response) => response.writeHead(404).end(),
    (upstream) =>
      withGateway(
        [service("web", [{ path: "/web/" }])],
        async ({ port }) => {
          const got = await get(port, "/openapi.json");
          expect([got.status, got.headers["x-plinth-unavailable"], pathsOf(got)]).toEqual([200, undefined, []]);
        },
        { web: [upstream.port] },
      ),
  ));

it.each([
  ["a document", 200, '{"openapi":"3.1.0","paths":{"/two/x":{"get":{}}}}', ["/two/x"]],
  ["none", 415, "", []],
])("asks a service that knows HTTP/2 only, which has %s", async (_, status, body, paths) => {
  const server = createHttp2Server();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.respond({ ":status": status });
    stream.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: own } = server.address() as AddressInfo;
  await withGateway(
    [service("two", [{ path: "/two/" }])],
    async ({ port }) => {
      const got = await get(port, "/openapi.json");
      expect([got.headers["x-plinth-unavailable"], pathsOf(got)]).toEqual([undefined, paths]);
    },
    { two: [own] },
  ).finally(() => server.close());
});

it("asks a service once for readers that come together", () =>
  withUpstream(
    (_, response) => response.end('{"openapi":"3.1.0","paths":{}}'),
    (upstream) =>
      withGateway(
        [service("one", [{ path: "/one/" }])],
        async ({ port }) => {
          await Promise.all(Array.from({ length: 5 }, () => get(port, "/openapi.json")));
          await get(port, "/openapi");
          expect(upstream.requests.filter(({ url }) => url === "/openapi.json")).toHaveLength(1);
        },
        { one: [upstream.port] },
      ),
  ));

it("leaves the path to a route that takes it", () =>
  withUpstream(
    (request, response) => response.end(`mine: ${request.url}`),
    (upstream) =>
      withGateway(
        [service("mine", [{ path: "/openapi.json", pathType: "Exact", authentication: "None" }])],
        async ({ port }) => {
          expect((await get(port, "/openapi.json")).body).toBe("mine: /openapi.json");
          expect((await get(port, "/openapi")).body).toContain("<!doctype html>");
        },
        { mine: [upstream.port] },
      ),
  ));

it("can be turned off", () =>
  withGateway(
    [rules.audit],
    async ({ port }) => {
      expect((await get(port, "/openapi.json")).status).toBe(404);
      expect((await get(port, "/openapi")).status).toBe(404);
    },
    {},
    { openApi: false },
  ));
