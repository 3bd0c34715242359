export { gatewayConfig } from "./config.ts";
export { type Compiled, compile } from "./control/compile.ts";
export { FileRouteSource } from "./control/file-route-source.ts";
export type { OnSnapshot, RouteObject, RouteProblem, RouteSnapshot, RouteSource } from "./control/route-source.ts";
export { LocalRateLimiter } from "./data/local-rate-limiter.ts";
export type { RateLimitDecision, RateLimiter } from "./data/rate-limiter.ts";
export type { Route } from "./data/route.ts";
export { RouteTable } from "./data/route-table.ts";
export { createGateway, type Gateway, type GatewayOptions } from "./gateway.ts";
