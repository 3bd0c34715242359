import type { RateLimitSpec } from "@plinth/platform";
import { type Child, child } from "../child.ts";
import { routePolicies } from "../gateway-api.ts";
import type { ServiceObject } from "../resources.ts";
import type { RoutePart } from "./http-route.ts";

/** What the Gateway API cannot say about the rules of one HTTPRoute. */
export function routePolicy(service: ServiceObject, part: RoutePart): Child {
  return child(routePolicies, service, {
    metadata: { name: part.name },
    spec: {
      targetRef: { group: "gateway.networking.k8s.io", kind: "HTTPRoute", name: part.name },
      rules: part.rules.map(({ name, rule }) => ({
        name,
        authentication: rule.authentication,
        websocket: true,
        ...(rule.rateLimit ? { rateLimit: qualified(service, rule.rateLimit) } : {}),
        ...(rule.idleTimeout ? { idleTimeout: rule.idleTimeout } : {}),
        ...(rule.maxBodyBytes ? { maxBodyBytes: rule.maxBodyBytes } : {}),
      })),
    },
  });
}

/** Named limits count together across the policies of a namespace: within one service is what its manifest says. */
const qualified = ({ metadata }: ServiceObject, { name, ...limit }: RateLimitSpec): RateLimitSpec =>
  name === undefined ? limit : { name: `${metadata.name}.${name}`, ...limit };
