import type { Schema } from "./schema.ts";

const count = { type: "integer", format: "int32", minimum: 0 } as const satisfies Schema;

const condition = {
  type: "object",
  required: ["type", "status", "reason", "message", "lastTransitionTime"],
  properties: {
    type: { type: "string", minLength: 1, maxLength: 316 },
    status: { type: "string", enum: ["True", "False", "Unknown"] },
    observedGeneration: { type: "integer", format: "int64", minimum: 0 },
    reason: { type: "string", minLength: 1, maxLength: 1024 },
    message: { type: "string", maxLength: 32768 },
    lastTransitionTime: { type: "string", format: "date-time" },
  },
} as const satisfies Schema;

export const status = {
  type: "object",
  description: "Written by the operator.",
  properties: {
    observedGeneration: { type: "integer", format: "int64", minimum: -1 },
    conditions: {
      type: "array",
      description: "Ready, Reconciling and Stalled (kstatus), DatabaseReady, Migrated, Available, RouteAccepted.",
      maxItems: 32,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
      items: condition,
    },
    url: { type: "string", maxLength: 2048, description: "Where the gateway serves the service." },
    image: { type: "string", maxLength: 512, description: "The image that is fully rolled out." },
    migration: {
      type: "object",
      properties: {
        applied: count,
        pending: count,
        lastError: { type: "string", maxLength: 32768 },
      },
    },
    replicas: {
      type: "object",
      properties: { desired: count, ready: count, updated: count, available: count },
    },
  },
} as const satisfies Schema;
