import { once } from "node:events";
import net from "node:net";
import { eventually } from "@plinth/testing";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Downstream } from "../../src/data/downstream.ts";
import { AnswerHeads } from "../../src/data/http1/answer-head.ts";
import { ServerConnection, tickMs } from "../../src/data/http1/server-connection.ts";

const limits = {
  headerBytesMax: 1_000,
  headersTimeoutMs: 3 * tickMs,
  keepAliveTimeoutMs: 5 * tickMs,
  pipelinedBytesMax: 1_000,
  lingerMs: 2 * tickMs,
  lingerBytesMax: 200_000,
};
const clock = { now: () => 0, monotonicMs: () => 0, sleep: () => Promise.resolve() };

interface Seen {
  request: string;
  body: string;
}

let server: net.Server;
let connections: ServerConnection[];
let seen: Seen[];
let held: Downstream[];
let closing: boolean;

/** Reads the whole body, then answers with it; "/hold" is not answered, "/unread" at once. */
function answer(downstream: Downstream): void {
  const one: Seen = { request: `${downstream.method} ${downstream.target}`, body: "" };
  seen.push(one);
  downstream.events = { onClosed: () => {}, onDrain: () => {} };
  if (downstream.target === "/hold") held.push(downstream);
  else if (downstream.target === "/unread") respond(downstream, "unread");
  else
    downstream.readBody({
      onBodyData(chunk) {
        one.body += chunk.toString("latin1");
      },
      onBodyEnd: () => respond(downstream, one.body),
      onBodyError(err) {
        one.body = `broken: ${err.message}`;
        respond(downstream, "");
      },
    });
}

function respond(downstream: Downstream, body: string): void {
  downstream.start(200, ["content-length", String(body.length)], false);
  downstream.end(Buffer.from(body, "latin1"));
}

beforeEach(async () => {
  connections = [];
  seen = [];
  held = [];
  closing = false;
  server = net.createServer((socket) => {
    const connection = new ServerConnection({
      socket,
      peer: { address: "192.0.2.1", secure: false, serverName: "" },
      limits,
      heads: new AnswerHeads(clock),
      onRequest: answer,
      isClosing: () => closing,
      onClose: (closed) => {
        connections = connections.filter((other) => other !== closed);
      },
    });
    connections.push(connection);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  server.close();
  for (const connection of connections) connection.socket.destroy();
  await eventually(() => expect(connections).toEqual([]));
});

class Client {
  readonly socket = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
  text = "";
  ended = false;

  constructor() {
    this.socket.setEncoding("latin1").on("data", (text: string) => {
      this.text += text;
    });
    this.socket.on("end", () => {
      this.ended = true;
    });
    this.socket.on("error", () => {});
  }

  send(text: string): this {
    this.socket.write(text, "latin1");
    return this;
  }

  has(text: string): Promise<unknown> {
    return eventually(() => expect(this.text).toContain(text));
  }

  isClosed(): Promise<unknown> {
    return eventually(() => expect(this.socket.closed).toBe(true));
  }

  isEnded(): Promise<unknown> {
    return eventually(() => expect(this.ended).toBe(true));
  }
}

const date = "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
const ok = (body: string, more = "") =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n${date}${more}\r\n${body}`;
const tick = (times: number) => {
  for (let i = 0; i < times; i++) for (const connection of connections) connection.tick();
};

describe("requests on one connection", () => {
  it("are answered in their order, one at a time, however many were sent at once", async () => {
    const client = new Client().send(
      "GET /hold HTTP/1.1\r\n\r\nPOST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET /b HTTP/1.1\r\n\r\n",
    );
    await eventually(() => expect(held).toHaveLength(1));
    expect(seen).toHaveLength(1);
    respond(held[0] as Downstream, "first");
    await client.has(ok("first") + ok("ab") + ok(""));
  });

  it("wait in the socket beyond a bound while an answer is on its way", async () => {
    const client = new Client().send("GET /hold HTTP/1.1\r\n\r\n");
    await eventually(() => expect(held).toHaveLength(1));
    client.send("GET /a HTTP/1.1\r\n\r\n".repeat(200));
    await eventually(() => expect(connections[0]?.socket.isPaused()).toBe(true));
    respond(held[0] as Downstream, "first");
    await eventually(() => expect(seen).toHaveLength(201));
    await eventually(() => expect(client.text.match(/200 OK/g)).toHaveLength(201));
  });

  it("mean the same in whichever pieces they come", async () => {
    const head = "Host: a\r\nX-Y: z\r\n";
    const request = fc.oneof(
      fc.nat(9).map((n) => ({ wire: `GET /g${n} HTTP/1.1\r\n${head}\r\n`, seen: { request: `GET /g${n}`, body: "" } })),
      fc.string({ unit: "binary-ascii", maxLength: 60 }).map((body) => ({
        wire: `POST /l HTTP/1.1\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`,
        seen: { request: "POST /l", body },
      })),
      fc.array(fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 30 }), { maxLength: 4 }).map((chunks) => ({
        wire: `PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${head}\r\n${chunks
          .map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
          .join("")}0\r\n\r\n`,
        seen: { request: "PUT /c", body: chunks.join("") },
      })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(600), { maxLength: 8 }),
        async (requests, cuts) => {
          seen = [];
          const bytes = Buffer.from(requests.map(({ wire }) => wire).join(""), "latin1");
          const client = new Client();
          await once(client.socket, "connect");
          const connection = (await eventually(() => {
            expect(connections.at(-1)).toBeDefined();
            return connections.at(-1);
          })) as ServerConnection;
          const bounds = [...new Set([...cuts.map((cut) => cut % bytes.length), bytes.length])].sort((a, b) => a - b);
          let from = 0;
          // Straight into the connection: the network would join the pieces again.
          for (const to of bounds) {
            if (to > from) connection.receive(Buffer.from(bytes.subarray(from, to)));
            from = to;
          }
          await eventually(() => expect(client.text.match(/200 OK/g)).toHaveLength(requests.length));
          client.socket.destroy();
          await eventually(() => expect(connections).toHaveLength(0));
          expect(seen).toEqual(requests.map((one) => one.seen));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("end with the one that asks for it, and with HTTP/1.0", async () => {
    for (const request of [
      "GET /a HTTP/1.1\r\nConnection: Close\r\n\r\n",
      "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    ]) {
      const client = new Client().send(`${request}GET /never HTTP/1.1\r\n\r\n`);
      await client.isEnded();
      expect(client.text).toBe(ok("", "connection: close\r\n"));
    }
    expect(seen.map(({ request }) => request)).toEqual(["GET /a", "GET /a"]);
  });

  it("are announced to end while the port is closing, and idle connections are closed then", async () => {
    const busy = new Client().send("GET /hold HTTP/1.1\r\n\r\n");
    const idle = new Client().send("GET /a HTTP/1.1\r\n\r\n");
    await idle.has(ok(""));
    await eventually(() => expect(held).toHaveLength(1));
    closing = true;
    for (const connection of connections) connection.closeIfIdle();
    await idle.isEnded();
    respond(held[0] as Downstream, "");
    await busy.has(ok("", "connection: close\r\n"));
    await busy.isEnded();
  });
});

describe("bodies", () => {
  it("are asked for when the caller waits to be asked", async () => {
    const client = new Client().send("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    await client.has("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ab");
    await client.has(ok("ab"));
  });

  it("are not asked for by an answer that does without, after which nothing could be told apart", async () => {
    const client = new Client().send("POST /unread HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    await client.isEnded();
    expect(client.text).toBe(ok("unread", "connection: close\r\n"));
  });

  it("that nobody wants are read after the answer, and the connection goes on", async () => {
    const client = new Client().send(`POST /unread HTTP/1.1\r\nContent-Length: 100000\r\n\r\n${"x".repeat(10)}`);
    await client.has(ok("unread"));
    client.send(`${"x".repeat(99_990)}GET /b HTTP/1.1\r\n\r\n`);
    await client.has(ok("unread") + ok(""));
  });

  it("that nobody wants are bounded in size and time", async () => {
    const long = new Client().send("POST /unread HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n");
    await long.has(ok("unread"));
    long.send("x".repeat(300_000));
    await long.isClosed();
    const slow = new Client().send("POST /unread HTTP/1.1\r\nContent-Length: 10\r\n\r\n");
    await slow.has(ok("unread"));
    tick(3);
    await slow.isClosed();
  });

  it("that are broken say so, and nothing after them is read", async () => {
    const head = "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    const client = new Client().send(`${head}2\r\nabc\r\n0\r\n\r\nGET /never HTTP/1.1\r\n\r\n`);
    await client.isEnded();
    expect(seen).toEqual([{ request: "POST /a", body: "broken: a chunk is longer than its size" }]);
  });
});

describe("answers", () => {
  const streamed = async (request: string, chunks: readonly string[], trailers: readonly string[] = []) => {
    const client = new Client().send(request);
    await eventually(() => expect(held).toHaveLength(1));
    const downstream = held[0] as Downstream;
    downstream.start(200, ["x-a", "b"], false);
    for (const chunk of chunks) downstream.write(Buffer.from(chunk));
    downstream.end(undefined, trailers);
    return client;
  };

  it("of unknown length leave in chunks, with trailers but without those that could mislead", async () => {
    const client = await streamed(
      "GET /hold HTTP/1.1\r\n\r\n",
      ["one", "", "two"],
      ["X-T", "1", "Content-Length", "9"],
    );
    const head = `HTTP/1.1 200 OK\r\nx-a: b\r\ntransfer-encoding: chunked\r\n${date}\r\n`;
    await client.has(`${head}3\r\none\r\n3\r\ntwo\r\n0\r\nx-t: 1\r\n\r\n`);
  });

  it("of unknown length end with the connection for HTTP/1.0", async () => {
    const client = await streamed("GET /hold HTTP/1.0\r\n\r\n", ["one", "two"]);
    await client.isEnded();
    expect(client.text).toBe(`HTTP/1.1 200 OK\r\nx-a: b\r\n${date}connection: close\r\n\r\nonetwo`);
  });

  it("of unknown length that break off for HTTP/1.0 do not look whole", async () => {
    const client = new Client().send("GET /hold HTTP/1.0\r\n\r\n");
    const failed = new Promise<Error>((resolve) => client.socket.once("error", resolve));
    await eventually(() => expect(held).toHaveLength(1));
    held[0]?.start(200, [], false);
    held[0]?.write(Buffer.from("one"));
    await client.has("one");
    held[0]?.abort();
    expect(await failed).toMatchObject({ code: "ECONNRESET" });
  });

  it("to HEAD have no body, whatever is written", async () => {
    const client = await streamed("HEAD /hold HTTP/1.1\r\n\r\n", ["one"]);
    client.send("GET /a HTTP/1.1\r\n\r\n");
    await client.has(`HTTP/1.1 200 OK\r\nx-a: b\r\n${date}\r\n${ok("")}`);
  });

  it("wait for a slow reader", async () => {
    const client = new Client().send("GET /hold HTTP/1.1\r\n\r\n");
    client.socket.pause();
    await eventually(() => expect(held).toHaveLength(1));
    const downstream = held[0] as Downstream;
    const room: string[] = [];
    downstream.events = { onClosed: (complete) => room.push(`closed ${complete}`), onDrain: () => room.push("drain") };
    downstream.start(200, ["content-length", "50000000"], false);
    const chunk = Buffer.alloc(1_000_000, "x");
    let written = 0;
    while (downstream.write(chunk)) written++;
    expect(written).toBeLessThan(49);
    client.socket.resume();
    await eventually(() => expect(room).toEqual(["drain"]));
    downstream.abort();
    await eventually(() => expect(room).toEqual(["drain", "closed false"]));
  });
});

describe("time", () => {
  it("is over for a head that does not come: 408", async () => {
    const client = new Client().send("GET / HT");
    await eventually(() => expect(connections).toHaveLength(1));
    await eventually(() => expect(connections[0]?.socket.bytesRead).toBe(8));
    tick(4);
    await client.isEnded();
    expect(client.text).toMatch(/^HTTP\/1\.1 408 /);
  });

  it("of a head begins with its first octet, however long the connection was idle, and not again with the next", async () => {
    const client = new Client().send("GET /a HTTP/1.1\r\n\r\n");
    await client.has(ok(""));
    tick(5);
    client.send("G");
    await eventually(() => expect(connections[0]?.socket.bytesRead).toBe(20));
    tick(3);
    client.send("E");
    await eventually(() => expect(connections[0]?.socket.bytesRead).toBe(21));
    expect(client.ended).toBe(false);
    tick(1);
    await client.has("HTTP/1.1 408 ");
  });

  it("is over for an idle connection, without a word, and not for one that is being answered", async () => {
    const idle = new Client().send("GET /a HTTP/1.1\r\n\r\n");
    const busy = new Client().send("GET /hold HTTP/1.1\r\n\r\n");
    await idle.has(ok(""));
    await eventually(() => expect(held).toHaveLength(1));
    tick(10);
    await idle.isEnded();
    expect(idle.text).toBe(ok(""));
    expect(busy.ended).toBe(false);
  });
});

describe("what is no request", () => {
  it.each([
    ["nonsense", "nonsense\r\n\r\n", 400],
    ["a version that is not known", "GET / HTTP/2.0\r\n\r\n", 505],
    ["a head that is too large", `GET / HTTP/1.1\r\nX: ${"a".repeat(1_000)}\r\n\r\n`, 431],
    ["a head that is too large and not whole", `GET / HTTP/1.1\r\nX: ${"a".repeat(1_000)}`, 431],
    ["an expectation that is not known", "GET / HTTP/1.1\r\nExpect: a miracle\r\n\r\n", 417],
  ])("is refused and the connection closed: %s", async (_name, text, status) => {
    const client = new Client().send(text);
    await client.isEnded();
    expect(client.text).toMatch(new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*connection: close\r\n`));
    expect(seen).toEqual([]);
  });

  it("never stops the server: damaged streams are answered or refused", async () => {
    const wire =
      "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n";
    const damage = fc.tuple(fc.nat(wire.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), async (damages) => {
        const bytes = Buffer.from(wire, "latin1");
        for (const [at, octet] of damages) bytes[at] = octet;
        seen = [];
        const client = new Client();
        client.socket.end(bytes);
        await client.isClosed();
        expect(seen.length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 80 },
    );
    await new Client().send("GET /b HTTP/1.1\r\n\r\n").has(ok(""));
  });
});
