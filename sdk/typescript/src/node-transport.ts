import { request as httpRequest } from "node:http";
import { connect } from "node:http2";
import { request as httpsRequest } from "node:https";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { type Clock, systemClock } from "./clock.ts";

export interface NodeTransportOptions {
  url: string;
  clock?: Clock | undefined;
}

export interface NodeTransport {
  transport: Transport;
  protocol(): "grpc" | "connect";
  close(): void;
}

/** HTTP/2 is tried again after this. */
const fallbackMs = 300_000;
const probeTimeoutMs = 3_000;
const pingIntervalMs = 10_000;
const pingTimeoutMs = 3_000;
const messageMaxBytes = 16 << 20;

/**
 * gRPC over HTTP/2. Before the first call, and after a connection was lost, a connection of its own finds out whether HTTP/2
 * passes; where only HTTP/1.1 does, calls go over Connect with JSON for five minutes.
 */
export function createNodeTransport({ url, clock = systemClock }: NodeTransportOptions): NodeTransport {
  const sessions = new Http2SessionManager(url, { pingIntervalMs, pingTimeoutMs });
  const limits = { baseUrl: url, readMaxBytes: messageMaxBytes, writeMaxBytes: messageMaxBytes };
  const grpc = createGrpcTransport({ ...limits, sessionManager: sessions });
  const json = createConnectTransport({ ...limits, httpVersion: "1.1", useBinaryFormat: false });
  let http1UntilMs = Number.NEGATIVE_INFINITY;
  let proven: Promise<unknown> | undefined;

  async function prove(): Promise<void> {
    if (await speaksHttp2(url)) return;
    if (await speaksHttp1(url)) http1UntilMs = clock.now() + fallbackMs;
    proven = undefined;
  }

  async function chosen(): Promise<Transport> {
    if (clock.now() >= http1UntilMs) {
      proven ??= prove();
      await proven;
    }
    return clock.now() < http1UntilMs ? json : grpc;
  }

  /** A failure that no server spoke of is one of the way to it. */
  function look(error: unknown): never {
    if (error instanceof ConnectError && error.code === Code.Unavailable && !error.metadata.has("x-request-id"))
      proven = undefined;
    throw error;
  }

  return {
    transport: {
      unary: async (...call) => (await chosen()).unary(...call).catch(look),
      stream: async (...call) => (await chosen()).stream(...call).catch(look),
    },
    protocol: () => (clock.now() < http1UntilMs ? "connect" : "grpc"),
    close: () => sessions.abort(),
  };
}

/** Whether the peer sends its SETTINGS: only then is it known to speak HTTP/2. */
function speaksHttp2(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const session = connect(url);
    const answer = (speaks: boolean): void => {
      resolve(speaks);
      session.destroy();
    };
    session.setTimeout(probeTimeoutMs, () => answer(false));
    session.once("remoteSettings", () => answer(true));
    session.on("error", () => answer(false));
    session.once("close", () => answer(false));
  });
}

/** Whether any HTTP/1.1 answer comes: then something on the way keeps HTTP/2 from passing. */
function speaksHttp1(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = url.startsWith("https:") ? httpsRequest : httpRequest;
    const asking = request(url, { method: "HEAD", timeout: probeTimeoutMs }, (answer) => {
      resolve(true);
      answer.resume();
    });
    asking.once("timeout", () => asking.destroy());
    asking.once("error", () => resolve(false));
    asking.once("close", () => resolve(false));
    asking.end();
  });
}
