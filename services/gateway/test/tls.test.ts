import { once } from "node:events";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import tls, { createSecureContext, type SecureContext } from "node:tls";
import { silentLogger } from "@plinth/kernel";
import { eventually, selfSignedCertificate } from "@plinth/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Downstream } from "../src/data/downstream.ts";
import { Listener } from "../src/data/listener.ts";

const a = selfSignedCertificate("a.test");
const b = selfSignedCertificate("b.test");
const other = selfSignedCertificate("fallback.test");
const contexts = new Map<string, SecureContext>();
const seen: Downstream[] = [];
let listener: Listener;

beforeAll(async () => {
  listener = new Listener({
    host: "127.0.0.1",
    port: 0,
    logger: silentLogger,
    drainDelayMs: 0,
    tls: { context: (serverName) => contexts.get(serverName), minVersion: "TLSv1.2" },
    onRequest(downstream) {
      seen.push(downstream);
      const body = downstream.target.repeat(downstream.target.startsWith("/long") ? 3_000 : 1);
      downstream.start(200, ["content-length", String(body.length)], false);
      downstream.end(Buffer.from(body));
    },
  });
  await listener.start();
});
afterAll(() => listener.stop(AbortSignal.timeout(0)));
beforeEach(() => {
  seen.length = 0;
  contexts.clear();
  contexts.set("a.test", createSecureContext(a));
  contexts.set("b.test", createSecureContext(b));
});

/** The status and the names in the certificate. */
async function getHttp1(options: https.RequestOptions): Promise<[number | undefined, string | undefined]> {
  const request = https.get({ port: listener.port(), host: "127.0.0.1", agent: false, ...options });
  const [response] = (await once(request, "response")) as [import("node:http").IncomingMessage];
  const names = (response.socket as tls.TLSSocket).getPeerCertificate().subjectaltname;
  response.resume();
  await once(response, "end");
  return [response.statusCode, names];
}

describe("a port with TLS", () => {
  it("serves HTTP/1.1 with the certificate of the server name", async () => {
    const trusted = { ca: a.cert, servername: "a.test" };
    expect(await getHttp1(trusted)).toEqual([200, "DNS:a.test"]);
    expect(await getHttp1({ ca: b.cert, servername: "B.test" })).toEqual([200, "DNS:b.test"]);
    expect(seen.map(({ version, secure, serverName }) => [version, secure, serverName])).toEqual([
      ["1.1", true, "a.test"],
      ["1.1", true, "b.test"],
    ]);
  });

  it("mixes up no answers, however slowly they are taken", async () => {
    const socket = tls.connect({ port: listener.port(), host: "127.0.0.1", ca: a.cert, servername: "a.test" });
    await once(socket, "secureConnect");
    socket.pause();
    const targets = Array.from({ length: 400 }, (_, i) => `/long${i}/`);
    socket.write(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: a.test\r\n\r\n`).join(""));
    await eventually(() => expect(seen.length).toBeGreaterThan(10));
    let text = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      text += chunk;
    });
    socket.resume();
    await eventually(() => expect(text.endsWith(targets.at(-1)?.repeat(3_000) as string)).toBe(true));
    socket.destroy();
    const bodies = text.split(/HTTP\/1\.1 200 OK\r\n(?:[^\r]+\r\n)+\r\n/).slice(1);
    expect(bodies.length).toBe(400);
    expect(bodies.every((body, i) => body === targets[i]?.repeat(3_000))).toBe(true);
  });

  it("serves HTTP/2 to clients that offer it", async () => {
    const session = http2.connect(`https://127.0.0.1:${listener.port()}`, { ca: a.cert, servername: "a.test" });
    const stream = session.request({ ":path": "/x" });
    const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
    expect(headers[":status"]).toBe(200);
    stream.resume();
    await once(stream, "end");
    session.close();
    expect(seen.map(({ version, secure, serverName }) => [version, secure, serverName])).toEqual([
      ["2", true, "a.test"],
    ]);
  });

  it("takes the certificate for no name when a client sends none", async () => {
    contexts.set("", createSecureContext(other));
    const unnamed = { ca: other.cert, servername: "", checkServerIdentity: () => undefined };
    expect(await getHttp1(unnamed)).toEqual([200, "DNS:fallback.test"]);
    expect(await getHttp1({ ca: a.cert, servername: "a.test" })).toEqual([200, "DNS:a.test"]);
    expect(seen.map(({ serverName }) => serverName)).toEqual(["", "a.test"]);
  });

  it.each(["unknown.test", ""])("refuses the handshake for server name %j", async (servername) => {
    await expect(getHttp1({ servername, rejectUnauthorized: false })).rejects.toThrow();
    expect(seen).toEqual([]);
  });

  it("asks for the certificate at every handshake, so that it can change", async () => {
    expect(await getHttp1({ ca: a.cert, servername: "a.test" })).toEqual([200, "DNS:a.test"]);
    const renewed = selfSignedCertificate("a.test");
    contexts.set("a.test", createSecureContext(renewed));
    expect(await getHttp1({ ca: renewed.cert, servername: "a.test" })).toEqual([200, "DNS:a.test"]);
    await expect(getHttp1({ ca: a.cert, servername: "a.test" })).rejects.toThrow(/self-signed/);
  });

  it("refuses versions below the lowest", async () => {
    const old = { servername: "a.test", maxVersion: "TLSv1.1", minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" };
    await expect(getHttp1({ ...old, rejectUnauthorized: false } as https.RequestOptions)).rejects.toThrow();
    expect(seen).toEqual([]);
  });

  it("closes connections that speak no TLS, and one whose records are broken later", async () => {
    const plain = net.connect(listener.port(), "127.0.0.1");
    plain.on("error", () => {});
    plain.write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    await once(plain.resume(), "close");
    const raw = net.connect(listener.port(), "127.0.0.1");
    const secure = tls.connect({ socket: raw, ca: a.cert, servername: "a.test" });
    secure.on("error", () => {});
    await once(secure, "secureConnect");
    raw.write(Buffer.from([23, 3, 3, 0, 4, 1, 2, 3, 4]));
    await once(raw, "close");
    expect(seen).toEqual([]);
  });

  it("goes on after a client left in the middle of a handshake", async () => {
    const raw = net.connect(listener.port(), "127.0.0.1");
    await once(raw, "connect");
    raw.write(Buffer.from([22, 3, 1, 2, 0, 1]));
    raw.destroy();
    await eventually(async () =>
      expect(await getHttp1({ ca: a.cert, servername: "a.test" })).toEqual([200, "DNS:a.test"]),
    );
  });

  it("does not wait for an unfinished handshake when it stops", async () => {
    const ending = new Listener({
      ...{ host: "127.0.0.1", port: 0, logger: silentLogger, drainDelayMs: 0, onRequest: () => {} },
      tls: { context: (serverName) => contexts.get(serverName) },
    });
    // The time that a handshake may take otherwise does not pass.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      await ending.start();
      const raw = net.connect(ending.port(), "127.0.0.1").resume();
      const closed = once(raw, "close");
      await once(raw, "connect");
      raw.write(Buffer.from([22, 3, 1, 2, 0, 1]));
      // Taken in after the first: then that one is as well.
      const refused = tls.connect({ port: ending.port(), host: "127.0.0.1", servername: "unknown.test" });
      await once(refused, "error");
      await ending.stop(new AbortController().signal);
      await closed;
    } finally {
      vi.useRealTimers();
    }
  });
});
