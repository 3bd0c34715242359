import { database } from "./database.ts";
import { env, envFrom, pod, resources } from "./pod.ts";
import { route } from "./route.ts";
import type { Schema } from "./schema.ts";
import { command, filePath, objectName, serviceName, stringMap } from "./values.ts";

const autoscaling = {
  type: "object",
  description: "Number of instances by load; instead of replicas.",
  required: ["max"],
  properties: {
    min: { type: "integer", format: "int32", minimum: 1, maximum: 500, default: 1 },
    max: { type: "integer", format: "int32", minimum: 1, maximum: 500 },
    targetCPUPercent: { type: "integer", format: "int32", minimum: 1, maximum: 100, default: 70 },
  },
  "x-kubernetes-validations": [
    { rule: "!has(self.min) || self.min <= self.max", message: "min must not be greater than max" },
  ],
} as const satisfies Schema;

const topicPattern = "^[a-z][a-z0-9-]*([.][a-z0-9-]+)*[.]v[0-9]+$";
const topicExample = "a topic: owning domain, entity and version, for example notes.note.v1";

const publishes = {
  type: "array",
  description: "Topics that the service owns.",
  maxItems: 64,
  "x-kubernetes-list-type": "set",
  items: {
    type: "string",
    minLength: 1,
    maxLength: 120,
    "x-kubernetes-validations": [{ rule: `self.matches('${topicPattern}')`, message: `must be ${topicExample}` }],
  },
} as const satisfies Schema;

const consumes = {
  type: "array",
  description: 'Topics that the service reads; "*" stands for all.',
  maxItems: 64,
  "x-kubernetes-list-type": "set",
  items: {
    type: "string",
    minLength: 1,
    maxLength: 120,
    "x-kubernetes-validations": [
      { rule: `self == '*' || self.matches('${topicPattern}')`, message: `must be "*" or ${topicExample}` },
    ],
  },
} as const satisfies Schema;

const health = {
  type: "object",
  description: "Where the service answers probes. Services built on @plinth/service need nothing here.",
  properties: {
    port: {
      type: "string",
      enum: ["Admin", "Service"],
      default: "Admin",
      description: "Admin is the port in PLINTH_ADMIN_PORT, Service the one in PLINTH_PORT.",
    },
    livePath: { ...filePath, default: "/livez" },
    readyPath: { ...filePath, default: "/readyz" },
  },
} as const satisfies Schema;

const disruption = {
  type: "object",
  description:
    "How many instances may be away at once while nodes are drained. Without it: one of several; a single instance is not kept from moving.",
  properties: {
    minAvailable: { "x-kubernetes-int-or-string": true },
    maxUnavailable: { "x-kubernetes-int-or-string": true },
  },
  "x-kubernetes-validations": [
    {
      rule: "has(self.minAvailable) != has(self.maxUnavailable)",
      message: "needs exactly one of minAvailable and maxUnavailable",
    },
  ],
} as const satisfies Schema;

const networkPolicy = {
  type: "object",
  description: "Who may connect to the service's pods.",
  properties: {
    mode: {
      type: "string",
      enum: ["Restricted", "Open"],
      default: "Restricted",
      description: "Restricted lets in the gateway, services of the platform and what is listed here.",
    },
    allowFromNamespaces: {
      type: "array",
      maxItems: 64,
      "x-kubernetes-list-type": "set",
      items: objectName,
    },
  },
} as const satisfies Schema;

const local = {
  type: "object",
  description: "How the local substrate (`plinth up`) runs the service; Kubernetes ignores it.",
  properties: {
    command: {
      ...command,
      description: "Program and arguments for a service that is not src/main.ts beside the manifest, in any language.",
    },
    dir: { ...filePath, default: ".", description: "Working directory of the command, relative to the manifest." },
    env: { ...stringMap, description: "Environment variables that replace those of env and envFrom." },
  },
} as const satisfies Schema;

export const spec = {
  type: "object",
  required: ["image"],
  properties: {
    image: {
      type: "string",
      description: "What Kubernetes runs. The local substrate runs the folder that holds the manifest instead.",
      minLength: 1,
      maxLength: 512,
      "x-kubernetes-validations": [
        {
          rule: "self.matches('^[A-Za-z0-9][A-Za-z0-9._:/@-]*$')",
          message: "must be an image reference without spaces, for example registry.example.com/notes:1.2.0",
        },
      ],
    },
    command: { ...command, description: "Replaces the entry point of the image." },
    args: { ...command, minItems: 0, description: "Arguments of the entry point." },
    replicas: {
      type: "integer",
      format: "int32",
      minimum: 0,
      maximum: 500,
      description: "Number of instances; 1 without it.",
    },
    autoscaling,
    port: {
      type: "integer",
      format: "int32",
      minimum: 1024,
      maximum: 65535,
      default: 8080,
      description: "Where the service listens (PLINTH_PORT): HTTP/1.1 and HTTP/2 without TLS.",
    },
    adminPort: {
      type: "integer",
      format: "int32",
      minimum: 1024,
      maximum: 65535,
      default: 9090,
      description:
        "Where it answers probes and serves metrics (PLINTH_ADMIN_PORT). Never reachable through the gateway.",
    },
    env,
    envFrom,
    resources,
    health,
    database,
    events: {
      type: "object",
      description: "Topics the service publishes to and consumes from.",
      properties: { publishes, consumes },
    },
    route,
    dependsOn: {
      type: "array",
      description: "Services that must be ready before this one starts for the first time.",
      maxItems: 32,
      "x-kubernetes-list-type": "set",
      items: serviceName,
    },
    disruption,
    networkPolicy,
    pod,
    paused: {
      type: "boolean",
      default: false,
      description: "Leaves everything as it is: the operator changes nothing until it is false again.",
    },
    local,
  },
  "x-kubernetes-validations": [
    {
      rule: "!(has(self.replicas) && has(self.autoscaling))",
      message: "takes replicas (a fixed number) or autoscaling (min and max), not both",
    },
    {
      rule: "!has(self.adminPort) || !has(self.port) || self.adminPort != self.port",
      message: "port and adminPort must differ",
    },
  ],
} as const satisfies Schema;
