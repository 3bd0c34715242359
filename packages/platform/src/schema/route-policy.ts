import { platformService } from "./platform-service.ts";
import type { Schema } from "./schema.ts";

const rule = platformService.properties.spec.properties.route.properties.rules.items.properties;

/** The one definition of a RoutePolicy: type and CRD come from it. Its fields are those of a PlatformService's route. */
export const routePolicy = {
  type: "object",
  description: "What the Plinth gateway does with requests of a route, beyond what the Gateway API can say.",
  required: ["spec"],
  properties: {
    spec: {
      type: "object",
      required: ["targetRef", "rules"],
      properties: {
        targetRef: {
          type: "object",
          description: "The route that the policy is about, in the policy's namespace.",
          required: ["group", "kind", "name"],
          properties: {
            group: { type: "string", enum: ["gateway.networking.k8s.io"] },
            kind: { type: "string", enum: ["HTTPRoute", "GRPCRoute"] },
            name: { type: "string", minLength: 1, maxLength: 253 },
          },
        },
        rules: {
          type: "array",
          description: "By name of the route's rule; a rule that is not listed gets the gateway's defaults.",
          minItems: 1,
          maxItems: 64,
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
          items: {
            type: "object",
            required: ["name"],
            properties: {
              name: { type: "string", minLength: 1, maxLength: 253, description: "Name of the route's rule." },
              authentication: rule.authentication,
              rateLimit: rule.rateLimit,
              idleTimeout: rule.idleTimeout,
              maxBodyBytes: rule.maxBodyBytes,
              websocket: {
                type: "boolean",
                default: true,
                description: "Whether a request may turn its connection into a WebSocket.",
              },
            },
          },
        },
      },
    },
    status: {
      type: "object",
      description: "Written by the gateway (GEP-713).",
      properties: {
        ancestors: {
          type: "array",
          maxItems: 16,
          "x-kubernetes-list-type": "atomic",
          items: {
            type: "object",
            required: ["ancestorRef", "controllerName"],
            properties: {
              ancestorRef: {
                type: "object",
                required: ["name"],
                properties: {
                  group: { type: "string", maxLength: 253 },
                  kind: { type: "string", maxLength: 63 },
                  namespace: { type: "string", maxLength: 63 },
                  name: { type: "string", minLength: 1, maxLength: 253 },
                  sectionName: { type: "string", maxLength: 253 },
                },
              },
              controllerName: { type: "string", minLength: 1, maxLength: 253 },
              conditions: platformService.properties.status.properties.conditions,
            },
          },
        },
      },
    },
  },
} as const satisfies Schema;
