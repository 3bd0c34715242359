import type { Logger } from "@plinth/kernel";
import type { Exchange } from "./exchange.ts";

/** One line per request. No query string, no headers: they may hold secrets. */
export function logAccess(logger: Logger, exchange: Exchange, durationMs: number, complete: boolean): void {
  logger.info(
    {
      method: exchange.method,
      path: exchange.path,
      route: exchange.route?.id,
      service: exchange.route?.service,
      endpoint: exchange.endpoint?.authority,
      status: exchange.status,
      grpcStatus: exchange.grpcStatus === "" ? undefined : exchange.grpcStatus,
      reason: exchange.reason === "" ? undefined : exchange.reason,
      complete,
      attempts: exchange.attempts,
      durationMs: Math.round(durationMs * 100) / 100,
      requestBytes: exchange.requestBytes,
      responseBytes: exchange.responseBytes,
      principal: exchange.caller.subject === "" ? "anonymous" : exchange.caller.subject,
      address: exchange.address,
      requestId: exchange.requestId,
      trace_id: exchange.traceId,
    },
    "request",
  );
}
