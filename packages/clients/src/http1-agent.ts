import { Agent } from "node:http";
import { connect, type NetConnectOpts } from "node:net";
import { giveUpAfter } from "./give-up-after.ts";

/** Connections to one instance; more calls wait in line, each until its deadline. */
const socketsMax = 512;
/** Of them those that carry nothing. */
const freeSocketsMax = 256;
/** One that carries nothing closes after. Below the 5 s after which Node servers close theirs; what a peer says counts where it is less. */
const idleMs = 4_000;
const connectTimeoutMs = 1_000;

/** What connections failed with that never stood. */
const beforeConnected = new WeakSet<object>();

/** The connection never stood: nothing was sent on it. */
export function neverConnected(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) if (beforeConnected.has(at)) return true;
  return false;
}

/** Kept connections of HTTP/1.1 to one instance. */
export interface Http1Agent {
  readonly agent: Agent;
  /** Closes what carries nothing, and the others with their calls. */
  close(): void;
}

export function createHttp1Agent(): Http1Agent {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: socketsMax,
    maxFreeSockets: freeSocketsMax,
    timeout: idleMs,
  });
  agent.createConnection = (options) => {
    const socket = connect(options as NetConnectOpts);
    const inTime = giveUpAfter(connectTimeoutMs, () => void socket.destroy(late()));
    const onError = (err: Error): void => void beforeConnected.add(err);
    const settle = (): void => {
      inTime();
      socket.off("error", onError);
    };
    return socket.once("error", onError).once("connect", settle).once("close", settle);
  };
  return {
    agent,
    close() {
      agent.maxFreeSockets = 0;
      for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
    },
  };
}

const late = (): Error =>
  Object.assign(new Error(`no connection within ${connectTimeoutMs} ms`), { code: "ETIMEDOUT" });
