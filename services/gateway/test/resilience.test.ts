import http from "node:http";
import http2 from "node:http2";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { silentLogger } from "@plinth/kernel";
import { eventually, gathering } from "@plinth/testing";
import { afterEach, describe, expect, it } from "vitest";
import { EchoService } from "./echo-service.ts";
import { type Running, service, startGateway } from "./harness.ts";
import { startHttpUpstream, startRpcUpstream, type Upstream } from "./upstream.ts";

const rule = { path: "/", authentication: "None", timeout: "60s" };
const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function gatewayFor(upstreams: Upstream[], options: Parameters<typeof startGateway>[2] = {}): Promise<Running> {
  const ports = upstreams.map((upstream) => upstream.port);
  const running = await startGateway([service("web", [rule])], { web: ports }, options);
  open.push({ close: () => running.stop(0) });
  return running;
}

async function upstream(answer?: Parameters<typeof startHttpUpstream>[0]) {
  const started = await startHttpUpstream(answer);
  open.push(started);
  return started;
}

const post = (running: Running) => fetch(`${running.url}/x`, { method: "POST", body: "once" });

describe("endpoints", () => {
  it("share the load", async () => {
    const here = gathering(40);
    const answer = (_request: http.IncomingMessage, response: http.ServerResponse) =>
      void here().then(() => response.end());
    const both = [await upstream(answer), await upstream(answer)];
    const running = await gatewayFor(both);
    await Promise.all(Array.from({ length: 40 }, () => post(running).then((answer) => answer.text())));
    for (const one of both) expect(one.requests.length).toBeGreaterThan(5);
  });

  it("that refuse connections cost the caller nothing, not even for requests that must not be repeated", async () => {
    const dead = await startHttpUpstream();
    const alive = await upstream();
    const running = await gatewayFor([dead, alive]);
    await dead.close();
    for (let i = 0; i < 20; i++) expect((await post(running)).status).toBe(200);
    expect(alive.requests).toHaveLength(20);
  });

  it("that refuse connections cost nothing either when they are most of those that are listed", async () => {
    const dead = await Promise.all(Array.from({ length: 6 }, () => startHttpUpstream()));
    const alive = await upstream();
    const running = await gatewayFor([...dead, alive]);
    for (const one of dead) await one.close();
    for (let i = 0; i < 20; i++) expect((await post(running)).status).toBe(200);
    expect(alive.requests).toHaveLength(20);
  });

  it("that all refuse connections are waited for a moment: the list of the new ones comes", async () => {
    const dead = await startHttpUpstream();
    const alive = await upstream();
    // When the failure is known, and the request has found nobody else.
    const warn = (_: unknown, message = ""): void => {
      if (message.includes("ejected")) setImmediate(() => running.resolver.set("web", alive.port));
    };
    const running = await gatewayFor([dead], { outlier: { failuresMax: 1 }, logger: { ...silentLogger, warn } });
    await dead.close();
    expect((await post(running)).status).toBe(200);
  });

  it("that all refuse connections for good: 503", async () => {
    const dead = await startHttpUpstream();
    const running = await gatewayFor([dead]);
    await dead.close();
    const answer = await post(running);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ reason: "UPSTREAM_UNREACHABLE" });
  });

  it("that break off mid-answer do not get an unsafe request twice", async () => {
    let hits = 0;
    const breaking = await upstream((request) => {
      hits++;
      request.socket.destroy();
    });
    const running = await gatewayFor([breaking]);
    const answer = await post(running);
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ code: "unavailable", reason: "UPSTREAM_FAILED" });
    expect(hits).toBe(1);
    expect((await fetch(`${running.url}/x`)).status).toBe(502);
    expect(hits).toBe(4);
  });

  it("are all gone: 503 with Retry-After; back again: served", async () => {
    const one = await upstream();
    const running = await gatewayFor([one]);
    running.resolver.set("web");
    const answer = await post(running);
    expect(answer.status).toBe(503);
    expect(answer.headers.get("retry-after")).toBe("1");
    expect(await answer.json()).toMatchObject({ reason: "NO_ENDPOINT" });
    running.resolver.set("web", one.port);
    expect((await post(running)).status).toBe(200);
  });

  it("that drain get nothing new, and what they have finishes", async () => {
    let release: () => void = () => {};
    const draining = await upstream((_request, response) => {
      release = () => response.end("finished");
    });
    const other = await upstream();
    const running = await gatewayFor([draining]);
    const pending = post(running);
    await eventually(() => expect(draining.requests).toHaveLength(1));
    running.resolver.set("web", { host: "127.0.0.1", port: draining.port, draining: true }, other.port);
    for (let i = 0; i < 10; i++) await (await post(running)).text();
    running.resolver.set("web", other.port);
    release();
    expect(await (await pending).text()).toBe("finished");
    expect(draining.requests).toHaveLength(1);
    expect(other.requests).toHaveLength(10);
  });

  it("that send GOAWAY get a new connection", async () => {
    const rpc = await startRpcUpstream();
    open.push(rpc);
    const running = await startGateway([service("echo", [rule])], { echo: [rpc.port] });
    open.push({ close: () => running.stop(0) });
    const client = createClient(EchoService, createGrpcTransport({ baseUrl: running.url })) as unknown as {
      unary(request: { value: string }): Promise<{ value: string }>;
    };
    expect((await client.unary({ value: "a" })).value).toBe("a");
    const replacement = await startRpcUpstream();
    open.push(replacement);
    await rpc.close();
    running.resolver.set("echo", replacement.port);
    expect((await client.unary({ value: "b" })).value).toBe("b");
  });
});

describe("drain", () => {
  // As behind a load balancer: whoever is told that a connection ends opens the next one elsewhere.
  it("fails no request over HTTP/1.1 keep-alive connections", async () => {
    const slow = await upstream((_request, response) => setTimeout(() => response.end("ok"), 5));
    const running = await gatewayFor([slow], { drainDelayMs: 30_000 });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
    const outcome = { served: 0, failed: [] as string[] };
    const one = () =>
      new Promise<boolean>((resolve) => {
        const request = http.get({ port: running.port, host: "127.0.0.1", path: "/x", agent }, (response) => {
          response.resume();
          response.on("end", () => {
            outcome.served++;
            resolve(response.headers.connection !== "close");
          });
        });
        request.on("error", (err) => {
          outcome.failed.push(err.message);
          resolve(false);
        });
      });
    const worker = async () => {
      while (await one());
    };
    const workers = Array.from({ length: 16 }, worker);
    await eventually(() => expect(outcome.served).toBeGreaterThan(100));
    const told = new AbortController();
    const stopped = running.stop(told.signal);
    // Each of them was told that its connection ends, however long that took; nothing is on its way any more.
    await Promise.all(workers);
    told.abort();
    await stopped;
    agent.destroy();
    expect(outcome.failed).toEqual([]);
  });

  it("announces itself by GOAWAY and finishes open HTTP/2 streams", async () => {
    let release: () => void = () => {};
    const slow = await upstream((_request, response) => {
      release = () => response.end("finished");
    });
    const running = await gatewayFor([slow], { drainDelayMs: 100 });
    const session = http2.connect(running.url);
    const goaway = new Promise((resolve) => session.once("goaway", (_code, lastStream) => resolve(lastStream)));
    const stream = session.request({ ":path": "/x" });
    let body = "";
    stream.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    const ended = new Promise((resolve) => stream.on("end", resolve));
    await eventually(() => expect(slow.requests).toHaveLength(1));
    const stopped = running.stop(60_000);
    // The first one refuses nothing that is on its way (RFC 9113 section 6.8).
    expect(await goaway).toBe(2 ** 31 - 1);
    release();
    await ended;
    await stopped;
    expect(body).toBe("finished");
  });

  it("is bounded: what does not finish is cut", async () => {
    const stuck = await upstream(() => {});
    const running = await gatewayFor([stuck]);
    const pending = post(running);
    await eventually(() => expect(stuck.requests).toHaveLength(1));
    await Promise.all([running.stop(100), expect(pending).rejects.toThrow()]);
  });
});
