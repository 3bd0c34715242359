import type { Schema } from "./schema.ts";
import { envName, objectName, quantity, stringMap } from "./values.ts";

const keyRef = {
  type: "object",
  required: ["name", "key"],
  properties: {
    name: objectName,
    key: { type: "string", minLength: 1, maxLength: 253, description: "Entry of the Secret or ConfigMap." },
    optional: { type: "boolean", description: "Leaves the variable out when the entry is missing." },
  },
} as const satisfies Schema;

export const env = {
  type: "array",
  description: "Environment variables of the service, beside those that Plinth sets (PLINTH_...).",
  maxItems: 128,
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["name"],
  items: {
    type: "object",
    required: ["name"],
    properties: {
      name: envName,
      value: { type: "string", maxLength: 32768 },
      valueFrom: {
        type: "object",
        properties: { secretKeyRef: keyRef, configMapKeyRef: keyRef },
        "x-kubernetes-validations": [
          {
            rule: "has(self.secretKeyRef) != has(self.configMapKeyRef)",
            message: "needs exactly one of secretKeyRef and configMapKeyRef",
          },
        ],
      },
    },
    "x-kubernetes-validations": [
      { rule: "!(has(self.value) && has(self.valueFrom))", message: "takes value or valueFrom, not both" },
    ],
  },
} as const satisfies Schema;

const objectRef = {
  type: "object",
  required: ["name"],
  properties: { name: objectName, optional: { type: "boolean" } },
} as const satisfies Schema;

export const envFrom = {
  type: "array",
  description: "Secrets and ConfigMaps whose entries all become environment variables.",
  maxItems: 16,
  "x-kubernetes-list-type": "atomic",
  items: {
    type: "object",
    properties: {
      prefix: { type: "string", maxLength: 64 },
      secretRef: objectRef,
      configMapRef: objectRef,
    },
    "x-kubernetes-validations": [
      {
        rule: "has(self.secretRef) != has(self.configMapRef)",
        message: "needs exactly one of secretRef and configMapRef",
      },
    ],
  },
} as const satisfies Schema;

const amounts = {
  type: "object",
  properties: { cpu: quantity, memory: quantity },
} as const satisfies Schema;

export const resources = {
  type: "object",
  description: "CPU and memory of one instance. The local substrate does not enforce them.",
  properties: { requests: amounts, limits: amounts },
} as const satisfies Schema;

const toleration = {
  type: "object",
  properties: {
    key: { type: "string", maxLength: 317 },
    operator: { type: "string", enum: ["Exists", "Equal"] },
    value: { type: "string", maxLength: 63 },
    effect: { type: "string", enum: ["NoSchedule", "PreferNoSchedule", "NoExecute"] },
    tolerationSeconds: { type: "integer", format: "int64", minimum: 0 },
  },
} as const satisfies Schema;

export const pod = {
  type: "object",
  description: "Further fields of the pod that Kubernetes runs. The local substrate ignores them.",
  properties: {
    labels: stringMap,
    annotations: stringMap,
    serviceAccountName: objectName,
    imagePullPolicy: { type: "string", enum: ["Always", "IfNotPresent", "Never"] },
    imagePullSecrets: {
      type: "array",
      maxItems: 16,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      items: { type: "object", required: ["name"], properties: { name: objectName } },
    },
    nodeSelector: stringMap,
    tolerations: { type: "array", maxItems: 32, "x-kubernetes-list-type": "atomic", items: toleration },
    priorityClassName: objectName,
    terminationGracePeriodSeconds: { type: "integer", format: "int64", minimum: 5, maximum: 3600, default: 30 },
  },
} as const satisfies Schema;
