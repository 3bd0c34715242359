import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { eventually } from "@plinth/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Running, service, startGateway } from "../harness.ts";
import { answers, sendRaw } from "../raw.ts";

interface Arrived {
  connection: number;
  text: string;
}

/** A service that sends exactly the octets it is told to, for each request head or body that came. */
let server: net.Server;
let sockets: net.Socket[];
let arrived: Arrived[];
let reply: (socket: net.Socket, text: string) => void;
let running: Running;

beforeAll(async () => {
  server = net.createServer((socket) => {
    const connection = sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      arrived.push({ connection, text });
      reply(socket, text);
    });
  });
  sockets = [];
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  running = await startGateway([service("web", [{ path: "/", authentication: "None", timeout: "60s" }])], {
    web: [port],
  });
});
afterAll(async () => {
  await running.stop(0);
  for (const socket of sockets) socket.destroy();
  server.close();
});
beforeEach(async () => {
  for (const socket of sockets) socket.destroy();
  await eventually(() => expect(sockets.every((socket) => socket.closed)).toBe(true));
  sockets = [];
  arrived = [];
});

const send = (wire: string) => {
  reply = (socket) => void socket.write(wire, "latin1");
};
const get = (path = "/x", method = "GET") =>
  sendRaw(running.port, `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
const post = (body: string) =>
  sendRaw(
    running.port,
    `POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
/** The answer's body, put together again when it came in chunks. */
const bodyOf = (answer: string) => answer.slice(answer.indexOf("\r\n\r\n") + 4);

describe("an answer", () => {
  it.each([
    ["with a length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"],
    ["with no body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""],
    [
      "in chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x\r\nabc\r\n0\r\n\r\n",
      "3\r\nabc\r\n0\r\n\r\n",
    ],
    [
      "in chunks with trailers",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\nHost: b\r\n\r\n",
      "1\r\na\r\n0\r\nx-t: 1\r\n\r\n",
    ],
    ["that says nothing with 204", "HTTP/1.1 204 No Content\r\n\r\n", ""],
    ["that says nothing with 304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", ""],
    [
      "after interim ones",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
      "a",
    ],
  ])("arrives %s", async (_name, wire, body) => {
    send(wire);
    const answer = await get();
    expect(answer).toMatch(/^HTTP\/1\.1 [23]0[04] /);
    expect(bodyOf(answer)).toBe(body);
  });

  it("that ends with its connection arrives", async () => {
    reply = (socket) => void socket.end("HTTP/1.1 200 OK\r\n\r\nabc");
    expect(bodyOf(await get())).toBe("3\r\nabc\r\n0\r\n\r\n");
  });

  it("to HEAD keeps the length it would have", async () => {
    send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    const answer = await get("/x", "HEAD");
    expect(answer).toContain("content-length: 5\r\n");
    expect(bodyOf(answer)).toBe("");
  });

  it.each([
    ["both lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc"],
    ["a length twice", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc"],
    ["a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc"],
    ["a length that is no number", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc"],
    ["a coding that is not chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nabc"],
    ["chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["a split header", "HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n"],
    ["a bare CR", "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 0\r\n\r\n"],
    ["a NUL", "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"],
    ["a folded header", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"],
    ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["a protocol nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"],
    ["interim answers without end", "HTTP/1.1 100 Continue\r\n\r\n".repeat(20)],
    ["a head that is too large", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(40_000)}\r\n\r\n`],
    ["too many fields", `HTTP/1.1 200 OK\r\n${"X: a\r\n".repeat(300)}\r\n`],
  ])("with %s becomes 502, and its connection is not used again", async (_name, wire) => {
    send(wire);
    expect(await post("a")).toMatch(/^HTTP\/1\.1 502 /);
    send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    expect(bodyOf(await post("b"))).toBe("ok");
    expect(arrived.map(({ connection }) => connection)).toEqual([1, 2]);
  });

  it.each([
    ["a broken chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\r\n"],
    ["a chunk longer than its size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc"],
  ])("that turns out to have %s is cut off", async (_name, wire) => {
    send(wire);
    const answer = await get().catch((err: Error) => err.message);
    expect(answer).not.toContain("0\r\n\r\n");
  });

  it("that is longer than it says costs the rest and the connection", async () => {
    send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    expect(bodyOf(await get())).toBe("abc");
    send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    expect(bodyOf(await get())).toBe("ok");
    expect(arrived.map(({ connection }) => connection)).toEqual([1, 2]);
  });

  it("means the same octet by octet", async () => {
    const wire = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n";
    reply = (socket) => {
      socket.setNoDelay(true);
      let at = 0;
      const next = () =>
        void (at < wire.length && socket.write(wire[at++] as string, "latin1", () => setImmediate(next)));
      next();
    };
    const answer = await get();
    expect(answer).toContain("x-a: b\r\n");
    expect(bodyOf(answer).replaceAll(/[\r\n\d]/g, "")).toBe("abcx-t: ");
  });
});

describe("for a caller over HTTP/2, an answer", () => {
  const get2 = async () => {
    const session = http2.connect(running.url);
    session.on("error", () => {});
    try {
      const stream = session.request({ ":path": "/x" });
      stream.on("error", () => {});
      let text = "";
      stream.setEncoding("latin1").on("data", (chunk: string) => {
        text += chunk;
      });
      await eventually(() => expect(stream.closed).toBe(true));
      return { text, code: stream.rstCode };
    } finally {
      session.destroy();
    }
  };

  it.each([
    ["head", "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 2\r\n\r\nok"],
    ["trailers", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nDate: a\r\nDate: b\r\n\r\n"],
  ])("with %s that HTTP/2 has no place for is reset, and the gateway goes on", async (_name, wire) => {
    send(wire);
    expect((await get2()).code).toBe(http2.constants.NGHTTP2_INTERNAL_ERROR);
    send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    expect(await get2()).toEqual({ text: "ok", code: 0 });
  });
});

describe("connections to a service", () => {
  it("are used again, unless the service says otherwise", async () => {
    send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    for (let i = 0; i < 3; i++) expect(bodyOf(await get())).toBe("ok");
    send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    expect(bodyOf(await get())).toBe("ok");
    send("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok");
    expect(bodyOf(await get())).toBe("ok");
    send("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
    expect(bodyOf(await get())).toBe("ok");
    expect(bodyOf(await get())).toBe("ok");
    expect(arrived.map(({ connection }) => connection)).toEqual([1, 1, 1, 1, 2, 3, 4]);
  });

  it("that close as they are used again cost a request that may be repeated nothing", async () => {
    send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    await get();
    reply = (socket) => {
      if (socket === sockets[0]) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain");
    };
    expect(bodyOf(await get())).toBe("again");
    expect(arrived.map(({ connection }) => connection)).toEqual([1, 1, 2]);
  });

  it("are given up when an answer came before the request was whole", async () => {
    send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly");
    const head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    const first = await sendRaw(running.port, head, answers(1));
    expect(bodyOf(first)).toBe("early");
    await eventually(() => expect(sockets[0]?.closed).toBe(true));
  });
});
