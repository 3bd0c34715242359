import { once } from "node:events";
import net from "node:net";
import { eventually } from "@plinth/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ClientCall, ClientConnection } from "../../src/data/http1/client-connection.ts";
import { ConnectionPool, type ConnectionPoolOptions } from "../../src/data/http1/connection-pool.ts";

const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
let server: net.Server;
let sockets: net.Socket[];
let pool: ConnectionPool;
/** What the service does with each request. */
let reply: (socket: net.Socket) => void;

class Call implements ClientCall {
  readonly method = "GET";
  cancelled = false;
  connection: ClientConnection | undefined;
  events: string[] = [];
  pausing = false;

  onConnection(connection: ClientConnection): void {
    this.connection = connection;
    this.events.push("connection");
    connection.writeRequest("GET / HTTP/1.1\r\nhost: a\r\n\r\n", undefined, false);
  }
  onHead(status: number): void {
    this.events.push(String(status));
  }
  onData(chunk: Buffer): void {
    this.events.push(chunk.toString());
    if (this.pausing) this.connection?.pause();
  }
  onEnd(): void {
    this.events.push("end");
  }
  onError(err: Error): void {
    this.events.push(`error: ${err.message}`);
  }
  onDrain(): void {}
}

const poolOf = (options: Partial<ConnectionPoolOptions> = {}) =>
  new ConnectionPool({
    host: "127.0.0.1",
    port: (server.address() as net.AddressInfo).port,
    connectionsMax: 2,
    connectTimeoutMs: 60_000,
    keepAliveTimeoutMs: 4_000,
    keepAliveMarginMs: 1_000,
    headBytesMax: 1_000,
    fieldsMax: 10,
    interimMax: 2,
    ...options,
  });

function dispatched(call = new Call()): Call {
  pool.dispatch(call);
  return call;
}

const ends = (call: Call) => eventually(() => expect(call.events.at(-1)).toMatch(/^end$|^error/));

beforeEach(async () => {
  sockets = [];
  reply = (socket) => void socket.write(answer);
  server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", () => reply(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  pool = poolOf();
});
afterEach(async () => {
  await pool.destroy();
  server.close();
  await once(server, "close");
});

describe("a pool", () => {
  it("uses a connection again, also one whose reader was slow at the end of an answer", async () => {
    const slow = new Call();
    slow.pausing = true;
    await ends(dispatched(slow));
    const next = dispatched();
    await ends(next);
    expect(next.events).toEqual(["connection", "200", "ok", "end"]);
    expect(sockets).toHaveLength(1);
  });

  it("opens as many as it may, and the others wait in line", async () => {
    reply = () => {};
    const calls = Array.from({ length: 4 }, () => dispatched());
    await eventually(() => expect(sockets).toHaveLength(2));
    await eventually(() => expect(calls.map(({ events }) => events.length)).toEqual([1, 1, 0, 0]));
    reply = (socket) => void socket.write(answer);
    for (const socket of sockets) socket.write(answer);
    for (const call of calls) await ends(call);
    expect(sockets).toHaveLength(2);
  });

  it("passes over calls that were given up while they waited", async () => {
    reply = () => {};
    const calls = Array.from({ length: 4 }, () => dispatched());
    await eventually(() => expect(calls[1]?.events).toHaveLength(1));
    (calls[2] as Call).cancelled = true;
    reply = (socket) => void socket.write(answer);
    for (const socket of sockets) socket.write(answer);
    await ends(calls[3] as Call);
    expect(calls[2]?.events).toEqual([]);
  });

  it("tells the waiting call, and only it, that there is no connection", async () => {
    const nowhere = net.createServer().listen(0, "127.0.0.1");
    await once(nowhere, "listening");
    const { port } = nowhere.address() as net.AddressInfo;
    nowhere.close();
    await once(nowhere, "close");
    pool = poolOf({ port });
    const calls = [dispatched(), dispatched(), dispatched()];
    for (const call of calls) await ends(call);
    for (const call of calls) expect(call.events).toEqual([expect.stringMatching(/^error: .*ECONNREFUSED/)]);
  });

  it("never hands over the rest of an answer to the call that waits for its connection", async () => {
    pool = poolOf({ connectionsMax: 1 });
    reply = () => {};
    const [first, second] = [dispatched(), dispatched()];
    await eventually(() => expect(first?.events).toHaveLength(1));
    reply = (socket) => void socket.write(answer.replace("ok", "no"));
    sockets[0]?.write(`${answer}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`);
    await ends(second as Call);
    expect(first?.events).toEqual(["connection", "200", "ok", "end"]);
    expect(second?.events).toEqual(["connection", "200", "no", "end"]);
    expect(sockets).toHaveLength(2);
  });

  it("that closes lets calls finish and takes no new ones", async () => {
    reply = () => {};
    const running = dispatched();
    await eventually(() => expect(sockets).toHaveLength(1));
    await eventually(() => expect(running.events).toHaveLength(1));
    const closed = pool.close();
    expect(dispatched().events).toEqual(["error: the instance is gone"]);
    sockets[0]?.write(answer);
    await closed;
    expect(running.events).toEqual(["connection", "200", "ok", "end"]);
  });
});
