import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { text } from "node:stream/consumers";
import { startOpenServer } from "@plinth/testing/open-server";
import { openApiProblems } from "@plinth/testing/openapi";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { access, type RpcServer, type RpcServerOptions, type ServiceRoutes } from "../../src/index.ts";
import { ruledService } from "./ruled-service.ts";

const service = ruledService();
const services: ServiceRoutes[] = [
  {
    service,
    routes: new Map(
      service.methods.map(({ localName }) => [localName, { access: access.public, handle: async () => ({}) }]),
    ),
  },
];

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

function ask(server: RpcServer, path: string, { method = "GET", headers = {} } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: "127.0.0.1", port: server.port(), path, method, headers }, async (response) =>
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }),
    );
    request.on("error", reject).end();
  });
}

const stop = (server: RpcServer) => server.stop?.(AbortSignal.timeout(1_000));

async function withServer(
  options: Partial<RpcServerOptions>,
  use: (server: RpcServer) => Promise<void>,
): Promise<void> {
  const server = await startOpenServer(services, options);
  await use(server).finally(() => stop(server));
}

let asked = 0;
const comments = async () => {
  asked++;
  return { "ruled.v1.RuledService.Save": "Saves <b>a thing</b>." };
};
const openApi = { title: "ruled", version: "1.2.3", comments };

describe("a server with an OpenAPI document", () => {
  let server: RpcServer;
  beforeAll(async () => {
    server = await startOpenServer(services, { openApi });
  });
  afterAll(() => stop(server));

  test("comments are read when somebody asks, and once", async () => {
    expect(asked).toBe(0);
    await Promise.all([ask(server, "/openapi.json"), ask(server, "/openapi"), ask(server, "/openapi.json")]);
    expect(asked).toBe(1);
  });

  test("GET answers the document", async () => {
    const { status, headers, body } = await ask(server, "/openapi.json?x=1");
    expect([status, headers["content-type"], headers["cache-control"]]).toEqual([200, "application/json", "no-cache"]);
    const document = JSON.parse(body);
    expect(document.info).toEqual({ title: "ruled", version: "1.2.3" });
    expect(document.paths["/ruled/v1/things"].post.summary).toBe("Saves <b>a thing</b>.");
    expect(await openApiProblems(document)).toEqual([]);
  });

  test("HEAD answers the same head", async () => {
    const get = await ask(server, "/openapi.json");
    const head = await ask(server, "/openapi.json", { method: "HEAD" });
    expect([head.status, head.body]).toEqual([200, ""]);
    expect(head.headers["content-length"]).toBe(String(Buffer.byteLength(get.body)));
    expect(head.headers.etag).toBe(get.headers.etag);
  });

  test.each(["/openapi.json", "/openapi"])("%s that is known already is not sent again", async (path) => {
    const { etag = "" } = (await ask(server, path)).headers;
    for (const given of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const { status, headers, body } = await ask(server, path, { headers: { "if-none-match": given } });
      expect([status, headers.etag, body]).toEqual([304, etag, ""]);
    }
    expect((await ask(server, path, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
  });

  test("other methods are told which there are", async () => {
    const post = await ask(server, "/openapi.json", { method: "POST" });
    expect([post.status, post.headers.allow]).toEqual([405, "GET, HEAD, OPTIONS"]);
    expect((await ask(server, "/openapi", { method: "OPTIONS" })).status).toBe(204);
  });

  test("over HTTP/2 as well", async () => {
    const session = connectHttp2(`http://127.0.0.1:${server.port()}`);
    const stream = session.request({ ":path": "/openapi" });
    const page = await text(stream);
    session.close();
    expect(page).toContain(`http://127.0.0.1:${server.port()}/ruled/v1/things`);
  });

  test("the page may run and load nothing but what it holds", async () => {
    const { headers, body } = await ask(server, "/openapi");
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(headers["content-security-policy"]).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']{44}'; script-src 'sha256-[^']{44}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    expect(body).not.toMatch(/(src|href)="?(https?:)?\/\//);
    expect(body).toContain("Saves &lt;b&gt;a thing&lt;/b&gt;.");
  });

  test("a host that is no host stays out of the page", async () => {
    const { body } = await ask(server, "/openapi", { headers: { host: "a'b<c>" } });
    expect(body).toContain("http://localhost/ruled/v1/things");
  });
});

test("without a description there is none", () =>
  withServer({}, async (server) => {
    expect((await ask(server, "/openapi.json")).status).toBe(404);
    expect((await ask(server, "/openapi")).status).toBe(404);
  }));

test("a service's own route of the name wins", () =>
  withServer({ openApi, httpRoutes: { "/openapi.json": (_, response) => response.end("mine") } }, async (server) =>
    expect((await ask(server, "/openapi.json")).body).toBe("mine"),
  ));

test("comments that cannot be had are asked for again", () => {
  let times = 0;
  const failing = async () => {
    if (times++ === 0) throw new Error("not now");
    return {};
  };
  return withServer({ openApi: { ...openApi, comments: failing } }, async (server) => {
    expect((await ask(server, "/openapi.json")).status).toBe(500);
    expect((await ask(server, "/openapi.json")).status).toBe(200);
  });
});
