import { changeHeaders } from "./change-headers.ts";
import type { Exchange } from "./exchange.ts";

/**
 * Headers for the service: what the caller sent (already without hop-by-hop and reserved ones), then what only the
 * gateway says. Without host and content-length, which the two HTTP versions place differently.
 */
export function upstreamHeaders(exchange: Exchange, workloadToken: string | undefined): string[] {
  const headers = exchange.head.forward;
  const { route, backend } = exchange;
  if (route?.requestHeaders !== undefined) changeHeaders(headers, route.requestHeaders);
  if (backend?.requestHeaders !== undefined) changeHeaders(headers, backend.requestHeaders);
  headers.push("x-forwarded-for", exchange.head.forwardedFor);
  // The one address that is believed; the list above may hold what a client made up.
  headers.push("x-plinth-client-address", exchange.address);
  headers.push("x-forwarded-proto", exchange.head.forwardedProto);
  headers.push("x-forwarded-host", exchange.head.forwardedHost);
  headers.push("x-request-id", exchange.requestId);
  if (exchange.traceparent !== "") headers.push("traceparent", exchange.traceparent);
  if (workloadToken !== undefined && !route?.foreign) headers.push("x-plinth-workload-token", workloadToken);
  return headers;
}
