import { createConnectRouter } from "@connectrpc/connect";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import type { Health, Logger } from "@plinth/kernel";
import { Health as HealthService } from "@plinth/proto/grpc/health/v1/health";
import { ServerReflection } from "@plinth/proto/grpc/reflection/v1/reflection";
import { ServerReflection as ServerReflectionAlpha } from "@plinth/proto/grpc/reflection/v1alpha/reflection";
import {
  createReflectionSource,
  giveReason,
  healthRoutes,
  onError,
  type ReflectionSource,
  reflectionRoutes,
} from "@plinth/rpc";
import type { Exchange } from "../data/exchange.ts";
import { refusals } from "../data/refusals.ts";
import { refuse } from "../data/respond.ts";
import { idsOf } from "../data/trace-context.ts";
import { AnswerRpc } from "./answer-rpc.ts";

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
export function createLocalRpc(health: Health, reflection: ReflectionSource, logger: Logger): LocalRpc {
  const stopping = new AbortController();
  const router = createConnectRouter({
    acceptCompression: [compressionGzip, compressionBrotli],
    requestGate: onError(giveReason),
    readMaxBytes,
    shutdownSignal: stopping.signal,
  });
  healthRoutes(router, health, []);
  reflectionRoutes(router, reflection);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return {
    stop: () => stopping.abort(),
    handle(exchange) {
      if (!exchange.path.startsWith("/grpc.") || !prefixes.some((prefix) => exchange.path.startsWith(prefix)))
        return false;
      exchange.status = 200;
      new AnswerRpc(exchange).run(handlers.get(exchange.path)).catch((err: unknown) => {
        if (exchange.ended) return;
        logger.error({ err, path: exchange.path, ...idsOf(exchange) }, "own RPC failed");
        refuse(exchange, refusals.internal);
      });
      return true;
    },
  };
}
