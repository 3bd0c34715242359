import { once } from "node:events";
import { createServer, type OutgoingHttpHeaders, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import { Code, createClient } from "@connectrpc/connect";
import { silentLogger, systemClock, systemRandom } from "@plinth/kernel";
import { AuditService, Outcome } from "@plinth/proto/plinth/audit/v1/audit";
import { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import { eventually } from "@plinth/testing";
import { afterEach, expect, test } from "vitest";
import { createClients } from "../src/index.ts";
import { createJsonTransport } from "../src/json-transport.ts";

const id = "01920000-0000-7000-8000-000000000001";
const record = { id, action: "a", actor: "b", outcome: Outcome.SUCCESS };
const limit = 10_000;
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).toReversed()) cleanup();
});

type Answer = (response: ServerResponse) => void;

const entry = (source: string): Buffer => Buffer.from(JSON.stringify({ id, source }));

/** An answer as Connect writes it, with everything that a test may bend. */
function answer(body: string | Buffer, head: OutgoingHttpHeaders = {}, status = 200): Answer {
  return (response) => {
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      ...head,
    });
    response.end(body);
  };
}

/** An answer that does not say how long it is, and does not end. */
const endless =
  (body: Buffer): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.write(body);
  };

/** What a peer writes that knows nothing of the rules. */
const raw =
  (text: string): Answer =>
  ({ socket }) =>
    void socket?.end(text);

interface Seen {
  url: string | undefined;
  headers: NodeJS.Dict<string[]>;
  body: string;
  socket: Socket;
}

/** A server of HTTP/1.1 alone that gives its answers one after the other; the last one from then on. */
async function serve(...answers: Answer[]) {
  const requests: Seen[] = [];
  const sockets: Socket[] = [];
  const server = createServer((request, response) => {
    // It is asked whether it speaks HTTP/1.1 at all.
    if (request.method === "HEAD") return void response.end();
    let body = "";
    request.on("error", () => {});
    request.on("data", (piece) => {
      body += piece;
    });
    request.on("end", () => {
      const { url, headersDistinct: headers, socket } = request;
      requests.push({ url, headers, body, socket });
      (answers.length > 1 ? answers.shift() : answers[0])?.(response);
    });
  });
  server.on("connection", (socket) => void sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  cleanups.push(close);
  const { port } = server.address() as AddressInfo;
  return { port, requests, sockets, close };
}

function transportTo(port: number) {
  const transport = createJsonTransport({ host: "127.0.0.1", port, readMaxBytes: limit, writeMaxBytes: limit });
  cleanups.push(() => transport.close());
  return transport;
}

const unaryClient = (port: number) => createClient(AuditService, transportTo(port));

/** Clients of instances on 127.0.0.1, which the test changes; `warn` is called when one is left alone. */
function balancedClients(port: number, warn: (setPort: (port: number) => void) => void = () => {}) {
  const at = (there: number) => [{ instanceId: `at-${there}`, host: "127.0.0.1", port: there, draining: false }];
  let change: (now: ReturnType<typeof at>) => void = () => {};
  const resolver = {
    name: "changing",
    watch(_: string, onChange: typeof change) {
      change = onChange;
      onChange(at(port));
      return { close() {} };
    },
  };
  const logger = { ...silentLogger, warn: () => warn((there) => change(at(there))) };
  const common = { clock: systemClock, random: systemRandom, defaultTimeoutMs: 60_000 };
  const clients = createClients({ ...common, logger, resolver });
  cleanups.push(() => void clients.stop?.(AbortSignal.timeout(1_000)));
  return clients;
}

/** A port that is listened on by somebody who takes no connection, and has as many that wait as may. */
async function startHole(): Promise<number> {
  const worker = new Worker(
    `const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
       require("node:worker_threads").parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  cleanups.push(() => void worker.terminate());
  const [port] = (await once(worker, "message")) as [number];
  const waiting = Array.from({ length: 8 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  cleanups.push(() => {
    for (const socket of waiting) socket.destroy();
  });
  await Promise.any(waiting.map((socket) => once(socket, "connect")));
  return port;
}

test("a call is one request by Connect's protocol, and the next one takes the same connection", async () => {
  const { port, requests, sockets } = await serve(answer(entry("a")));
  const client = unaryClient(port);
  await client.getEntry({ id }, { timeoutMs: 20_000, headers: { "X-Mine": "1", "Content-Type": "text/html" } });
  await client.getEntry({ id }, { headers: [["user-agent", "me"]] });
  expect(requests[0]).toMatchObject({ url: "/plinth.audit.v1.AuditService/GetEntry", body: JSON.stringify({ id }) });
  expect(requests[0]?.headers).toEqual({
    host: [`127.0.0.1:${port}`],
    connection: ["keep-alive"],
    "content-type": ["application/json"],
    "content-length": [String(JSON.stringify({ id }).length)],
    "connect-protocol-version": ["1"],
    "connect-timeout-ms": ["20000"],
    "accept-encoding": ["gzip,br"],
    "user-agent": ["plinth-clients"],
    "x-mine": ["1"],
  });
  expect(requests[1]?.headers).toMatchObject({ "user-agent": ["me"] });
  expect(requests[1]?.headers).not.toHaveProperty("connect-timeout-ms");
  expect(sockets).toHaveLength(1);
});

test("an answer in pieces, with metadata before and after it", async () => {
  const { port } = await serve((response) => {
    const head = { "content-type": "application/json; charset=utf-8", "x-head": ["1", "2"], "trailer-x-trail": "3" };
    response.writeHead(200, head);
    const body = entry("in pieces: é");
    // Between the two bytes of the é.
    const middle = body.indexOf(0xc3) + 1;
    response.write(body.subarray(0, middle), () => response.end(body.subarray(middle)));
  });
  const seen: (string | null)[] = [];
  const options = {
    onHeader: (headers: Headers) => void seen.push(headers.get("x-head"), headers.get("trailer-x-trail")),
    onTrailer: (trailers: Headers) => void seen.push(trailers.get("x-trail"), trailers.get("x-head")),
  };
  expect((await unaryClient(port).getEntry({ id }, options)).source).toBe("in pieces: é");
  expect(seen).toEqual(["1, 2", null, "3", null]);
});

test("a compressed answer is read, and so is a compressed error", async () => {
  const packed = { "content-encoding": "gzip" };
  const failure = gzipSync(JSON.stringify({ code: "not_found", message: "not here" }));
  const { port } = await serve(answer(gzipSync(entry("packed")), packed), answer(failure, packed, 404));
  const client = unaryClient(port);
  expect((await client.getEntry({ id })).source).toBe("packed");
  await expect(client.getEntry({ id })).rejects.toMatchObject({ code: Code.NotFound, rawMessage: "not here" });
});

const head = (length: number): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
const long = Buffer.from(JSON.stringify({ id, source: "x".repeat(2 * limit) }));

test.each([
  ["an answer whose length is above the limit", raw(head(2 * limit)), Code.ResourceExhausted],
  ["an answer above the limit whose length is not told", endless(long), Code.ResourceExhausted],
  [
    "an answer above the limit once unpacked",
    answer(gzipSync(long), { "content-encoding": "gzip" }),
    Code.ResourceExhausted,
  ],
  ["an answer that is no JSON", answer("{"), Code.InvalidArgument],
  ["an answer in binary", answer("", { "content-type": "application/proto" }), Code.Internal],
  ["an unknown compression", answer(entry("a"), { "content-encoding": "lzma" }), Code.Internal],
  ["a page of a proxy", answer("<html>", { "content-type": "text/html" }), Code.Unknown],
  ["a gateway's error", answer("<html>", { "content-type": "text/html" }, 503), Code.Unavailable],
  ["an error that is no JSON", answer("oh no", {}, 401), Code.Unauthenticated],
  ["an error", answer(JSON.stringify({ code: "failed_precondition" }), {}, 400), Code.FailedPrecondition],
  ["what is no HTTP", raw("220 mail.example.com ESMTP\r\n"), Code.Internal],
  ["half an answer", raw(`${head(9)}{`), Code.Unavailable],
  [
    "another protocol's greeting",
    raw("HTTP/1.1 101 Hello\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
    Code.Unavailable,
  ],
  ["a connection that ends", raw(""), Code.Unavailable],
] as [string, Answer, Code][])("%s is told apart", async (_, bent, code) => {
  const { port } = await serve(bent);
  await expect(unaryClient(port).getEntry({ id })).rejects.toMatchObject({ code });
});

test("an answer that ends with its connection is whole", async () => {
  const { port } = await serve(raw(`HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n${entry("old")}`));
  expect((await unaryClient(port).getEntry({ id })).source).toBe("old");
});

test("an error brings its details and what stands around it", async () => {
  const body = JSON.stringify({ code: "out_of_range", message: "no", details: [{ type: "a.B", value: "AAE" }] });
  const { port } = await serve(answer(body, { "x-head": "1", "trailer-x-trail": "2" }, 400));
  const failed = await unaryClient(port)
    .getEntry({ id })
    .catch((err: unknown) => err);
  expect(failed).toMatchObject({ code: Code.OutOfRange, details: [{ type: "a.B", value: new Uint8Array([0, 1]) }] });
  const { metadata } = failed as { metadata: Headers };
  expect([metadata.get("x-head"), metadata.get("x-trail")]).toEqual(["1", "2"]);
});

test("a request above the limit is not sent", async () => {
  const { port, sockets } = await serve(answer(entry("a")));
  const call = unaryClient(port).recordEntry({ ...record, action: "x".repeat(2 * limit) });
  await expect(call).rejects.toMatchObject({ code: Code.ResourceExhausted });
  expect(sockets).toEqual([]);
});

test("the deadline ends the call here and its connection", async () => {
  const { port, requests } = await serve(answer(entry("first")), () => {});
  const client = unaryClient(port);
  // The connection stands then: the next call leaves at once.
  await client.getEntry({ id });
  await expect(client.getEntry({ id }, { timeoutMs: 1_000 })).rejects.toMatchObject({ code: Code.DeadlineExceeded });
  await eventually(() => expect(requests[1]?.socket.destroyed).toBe(true));
});

test("an abort ends the call here and its connection, and nothing is sent of a call that was aborted before", async () => {
  const { port, requests } = await serve(() => {});
  const controller = new AbortController();
  const client = unaryClient(port);
  const call = client.getEntry({ id }, { signal: controller.signal });
  await eventually(() => expect(requests).toHaveLength(1));
  controller.abort();
  await expect(call).rejects.toMatchObject({ code: Code.Canceled });
  await eventually(() => expect(requests[0]?.socket.destroyed).toBe(true));
  await expect(client.getEntry({ id }, { signal: controller.signal })).rejects.toMatchObject({ code: Code.Canceled });
  expect(requests).toHaveLength(1);
});

test("a kept connection that ends under a call is unavailable, and the call is not made twice where it may not be", async () => {
  const cut: Answer = ({ socket }) => void socket?.destroy();
  const { port, requests } = await serve(answer("{}"), cut, answer("{}"), cut, answer("{}"));
  const clients = balancedClients(port);
  const auth = clients.get(AuthService, "auth");
  const login = () => auth.issueServiceToken({ clientId: "c", clientSecret: "s" });
  await login();
  await expect(login()).rejects.toMatchObject({
    code: "unavailable",
    message: "the connection to auth was lost, try again shortly",
  });
  expect(requests).toHaveLength(2);
  // One that may be made again is.
  await login();
  await auth.getJwks({});
  expect(requests).toHaveLength(5);
});

test("an instance that went away is gone around, also by calls that may not be repeated", async () => {
  // Nothing is kept that could end under a call.
  const done = answer("{}", { connection: "close" });
  const [a, b] = [await serve(done), await serve(done)];
  const auth = balancedClients(a.port, (setPort) => void setImmediate(() => setPort(b.port))).get(AuthService, "auth");
  const login = () => auth.issueServiceToken({ clientId: "c", clientSecret: "s" });
  await login();
  a.close();
  // Five failures in a row, and it is left alone.
  await Promise.all(Array.from({ length: 5 }, login));
  expect([a.requests.length, b.requests.length]).toEqual([1, 5]);
});

test("a connection that does not come about is given up before the deadline", async () => {
  const call = unaryClient(await startHole()).getEntry({ id }, { timeoutMs: 60_000 });
  await expect(call).rejects.toMatchObject({ code: Code.Unavailable, cause: { code: "ETIMEDOUT" } });
});

test("closing ends what is idle at once, and the others with their calls", async () => {
  const held: ServerResponse[] = [];
  const { port, requests } = await serve(
    answer(entry("first")),
    answer(entry("second")),
    (response) => void held.push(response),
  );
  const transport = transportTo(port);
  const client = createClient(AuditService, transport);
  await Promise.all([client.getEntry({ id }), client.getEntry({ id })]);
  const last = client.getEntry({ id });
  await eventually(() => expect(held).toHaveLength(1));
  transport.close();
  const busy = requests[2]?.socket as Socket;
  const idle = requests.map(({ socket }) => socket).find((socket) => socket !== busy) as Socket;
  await eventually(() => expect(idle.destroyed).toBe(true));
  expect(busy.destroyed).toBe(false);
  answer(entry("last"))(held[0] as ServerResponse);
  expect((await last).source).toBe("last");
  await eventually(() => expect(busy.destroyed).toBe(true));
});
