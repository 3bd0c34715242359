import { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Health } from "@plinth/kernel";
import { Health as HealthService } from "@plinth/proto/grpc/health/v1/health";
import { ServerReflection } from "@plinth/proto/grpc/reflection/v1/reflection";
import { ServerReflection as ServerReflectionAlpha } from "@plinth/proto/grpc/reflection/v1alpha/reflection";
import { createReflectionSource, healthRoutes, type ReflectionSource, reflectionRoutes } from "@plinth/rpc";
import type { Exchange } from "../data/exchange.ts";
import { Http1Downstream } from "../data/http1-downstream.ts";
import { Http2Downstream } from "../data/http2-downstream.ts";

const services = [HealthService, ServerReflection, ServerReflectionAlpha];
const prefixes = services.map((service) => `/${service.typeName}/`);

/** Names of health and reflection requests are short. */
const readMaxBytes = 64 * 1024;

/** Describes what the gateway itself serves. */
export const ownReflection = (): ReflectionSource => createReflectionSource(services);

export interface LocalRpc {
  /** Takes the exchange over when it calls the gateway itself. */
  handle(exchange: Exchange): boolean;
  /** Ends the streams that are open. */
  stop(): void;
}

/** grpc.health.v1 and grpc.reflection.v1 / v1alpha of the gateway, through the same port as everything else. */
export function createLocalRpc(health: Health, reflection: ReflectionSource): LocalRpc {
  const stopping = new AbortController();
  const handler = connectNodeAdapter({
    routes: (router) => {
      healthRoutes(router, health, []);
      reflectionRoutes(router, reflection);
    },
    readMaxBytes,
    shutdownSignal: stopping.signal,
  });
  return {
    stop: () => stopping.abort(),
    handle(exchange) {
      if (!exchange.path.startsWith("/grpc.") || !prefixes.some((prefix) => exchange.path.startsWith(prefix)))
        return false;
      exchange.status = 200;
      const { downstream } = exchange;
      if (downstream instanceof Http1Downstream) handler(downstream.body, downstream.response);
      else if (downstream instanceof Http2Downstream) {
        const { body, rawHeaders } = downstream;
        handler(new Http2ServerRequest(body, headersOf(rawHeaders), {}, rawHeaders), new Http2ServerResponse(body));
      }
      return true;
    },
  };
}

function headersOf(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    headers[name] = headers[name] === undefined ? (raw[i + 1] as string) : `${headers[name]}, ${raw[i + 1]}`;
  }
  return headers;
}
