import { connect, createServer, type Socket } from "node:net";
import { type Clock, systemClock } from "@plinth/kernel";

/** A TCP proxy on loopback that can keep the two sides apart. */
export interface TcpProxy {
  readonly port: number;
  /** Connections so far. */
  readonly accepted: number;
  /** Connections that were cut because of `cutAfterBytes`. */
  readonly cutShort: number;
  /** Cuts what is open, once. */
  reset(): void;
  /** Cuts everything that comes, until `heal`; what is open stays. */
  block(): void;
  /** Both. */
  cut(): void;
  /** Keeps what is open and takes what comes, but passes nothing on: as if packets were lost. Until `heal`, which cuts them. */
  freeze(): void;
  heal(): void;
  /** From now on everything takes so long in each direction; 0 for no time. */
  delay(ms: number): void;
  close(): Promise<void>;
}

export interface TcpProxyOptions {
  clock?: Clock;
  /** The first connections are cut, each once so many bytes have come back over it. Default: none. */
  cutAfterBytes?: readonly number[];
}

/** Starts one before `target`, "host:port". */
export async function startTcpProxy(target: string, options: TcpProxyOptions = {}): Promise<TcpProxy> {
  const { clock = systemClock, cutAfterBytes = [] } = options;
  const colon = target.lastIndexOf(":");
  const address = { host: target.slice(0, colon), port: Number(target.slice(colon + 1)) };
  const sockets = new Set<Socket>();
  let mode: "open" | "blocked" | "frozen" = "open";
  let accepted = 0;
  let delayMs = 0;
  let cutShort = 0;

  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  };
  const reset = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };

  /** What has begun to take time still comes in order: whatever follows it takes as long. */
  function pass(from: Socket, to: Socket, bytesMax = Number.POSITIVE_INFINITY): void {
    let last = Promise.resolve();
    let left = bytesMax;
    from.on("data", (piece: Buffer) => {
      if (mode === "frozen") return;
      const chunk = piece.subarray(0, left);
      left -= piece.length;
      if (left <= 0) {
        cutShort++;
        // What is let through arrives, and then nothing more.
        to.end(chunk);
        from.destroy();
        return;
      }
      if (delayMs === 0) {
        if (!to.write(chunk)) from.pause();
        return;
      }
      const due = clock.sleep(delayMs);
      last = last.then(() => due).then(() => void to.write(chunk));
    });
    to.on("drain", () => from.resume());
    from.on("end", () => void last.then(() => to.end()));
  }

  const server = createServer((client) => {
    const bytesMax = cutAfterBytes[accepted++];
    track(client);
    if (mode === "blocked") {
      client.resetAndDestroy();
      return;
    }
    if (mode === "frozen") return;
    const upstream = connect(address);
    track(upstream);
    pass(client, upstream);
    pass(upstream, client, bytesMax);
    client.once("close", () => upstream.destroy());
    upstream.once("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("the proxy has no port");

  return {
    port: bound.port,
    get accepted() {
      return accepted;
    },
    get cutShort() {
      return cutShort;
    },
    reset,
    block() {
      mode = "blocked";
    },
    cut() {
      mode = "blocked";
      reset();
    },
    freeze() {
      mode = "frozen";
    },
    delay(ms) {
      delayMs = ms;
    },
    heal() {
      const wasFrozen = mode === "frozen";
      mode = "open";
      if (wasFrozen) reset();
    },
    async close() {
      reset();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
