import { request } from "node:http";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type { Endpoint } from "@plinth/discovery";
import { type Clock, hostPort } from "@plinth/kernel";
import { createGrpcUnary } from "./grpc-unary.ts";
import { createHttp2Sessions, type Http2Sessions } from "./http2-sessions.ts";
import { createJsonTransport, type JsonTransport } from "./json-transport.ts";
import { streamsOn } from "./streams-on.ts";
import { withDeadline } from "./with-deadline.ts";

/** The connections to one instance: gRPC over HTTP/2 or, where that cannot pass, Connect JSON over HTTP/1.1. */
export interface EndpointChannel {
  readonly endpoint: Endpoint;
  /** The transport, where its connection stands already or, over HTTP/1.1, is opened by each call that needs one. */
  ready(): Transport | undefined;
  /** A transport whose connection stands. Throws when the instance cannot be reached: nothing was sent then. */
  connected(): Promise<Transport>;
  protocol(): "grpc" | "connect-json";
  /** HTTP/2 connections, and calls that wait for a place on one. */
  counts(): { open: number; waiting: number };
  close(): void;
}

/** HTTP/2 is tried again after this. */
const fallbackMs = 300_000;
const probeTimeoutMs = 1_000;
const maxBytes = 16 << 20;

/** `onWaited` is told how long each call that had to wait for its place on a connection did. */
export function createEndpointChannel(
  endpoint: Endpoint,
  clock: Clock,
  onWaited?: (ms: number) => void,
): EndpointChannel {
  const baseUrl = `http://${hostPort(endpoint.host, endpoint.port)}`;
  const sessions: Http2Sessions = createHttp2Sessions({ authority: baseUrl, clock, onWaited });
  const limits = { readMaxBytes: maxBytes, writeMaxBytes: maxBytes };
  const streams = createGrpcTransport({ baseUrl, sessionManager: streamsOn(baseUrl, sessions), ...limits });
  const grpc: Transport = {
    unary: createGrpcUnary({ sessions, clock, ...limits }),
    stream: withDeadline((...call) => streams.stream(...call), clock),
  };
  let json: JsonTransport | undefined;
  let http1UntilMs = Number.NEGATIVE_INFINITY;
  const isHttp1 = (): boolean => clock.monotonicMs() < http1UntilMs;

  return {
    endpoint,
    protocol: () => (isHttp1() ? "connect-json" : "grpc"),
    ready: () => (sessions.isOpen() ? grpc : isHttp1() ? json : undefined),
    async connected() {
      if (!isHttp1()) {
        const failure = await sessions.connected().then(
          () => undefined,
          (err: unknown) => err,
        );
        if (failure === undefined) return grpc;
        // A proxy before an instance that is away takes connections and drops them: HTTP/1.1 would fare no better.
        if (isUnreachable(failure) || !(await speaksHttp1(endpoint))) throw failure;
        http1UntilMs = clock.monotonicMs() + fallbackMs;
      }
      json ??= createJsonTransport({ host: endpoint.host, port: endpoint.port, ...limits });
      return json;
    },
    counts: () => sessions.counts(),
    close() {
      void sessions.close();
      json?.close();
    },
  };
}

/** Whether any HTTP/1.1 answer comes: then something in between keeps HTTP/2 from passing. */
function speaksHttp1({ host, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = request({ host, port, method: "HEAD", path: "/", timeout: probeTimeoutMs }, (answer) => {
      resolve(true);
      answer.resume();
    });
    asking.once("timeout", () => asking.destroy());
    asking.once("error", () => resolve(false));
    asking.once("close", () => resolve(false));
    asking.end();
  });
}

const unreachableCodes = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "ETIMEDOUT"]);

/** Nothing answers there at all: another protocol would not help. */
const isUnreachable = (failure: unknown): boolean => unreachableCodes.has((failure as { code?: string }).code ?? "");
