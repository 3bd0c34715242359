import type { Schema } from "./schema.ts";
import { duration } from "./values.ts";

const rateLimit = {
  type: "object",
  description: "Requests above it are answered with 429 and Retry-After.",
  required: ["requests"],
  properties: {
    name: {
      type: "string",
      description:
        "Rules that give the same name count together, for example the same call by RPC and by REST. Without a name a rule counts for itself.",
      minLength: 1,
      maxLength: 128,
      "x-kubernetes-validations": [
        {
          rule: "self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')",
          message: 'must hold only lower-case letters, digits, "-" and ".", and begin and end with a letter or digit',
        },
      ],
    },
    requests: { type: "integer", format: "int32", minimum: 1, maximum: 1_000_000 },
    per: { ...duration, default: "1s" },
    key: {
      type: "string",
      enum: ["Principal", "Address"],
      default: "Principal",
      description: "Who shares a limit. Principal counts anonymous callers by their address.",
    },
  },
} as const satisfies Schema;

const rule = {
  type: "object",
  required: ["path"],
  properties: {
    path: {
      type: "string",
      description: "For example /plinth.identity.v1.IdentityService/ or /v1/notes.",
      minLength: 1,
      maxLength: 512,
      "x-kubernetes-validations": [
        { rule: "self.startsWith('/')", message: 'must start with "/"' },
        {
          rule: "!self.contains('//') && !self.contains('/./') && !self.contains('/../') && !self.endsWith('/.') && !self.endsWith('/..')",
          message: 'must be a plain path without "//", "/./" and "/../"',
        },
        {
          rule: "self.matches('^[A-Za-z0-9/._~!$&\\'()*+,;=:@-]*$')",
          message: "must hold only characters of a path, without query, fragment or percent-encoding",
        },
      ],
    },
    pathType: {
      type: "string",
      enum: ["Prefix", "Exact"],
      default: "Prefix",
      description: "Prefix matches whole path elements: /v1 matches /v1 and /v1/a, not /v10.",
    },
    authentication: {
      type: "string",
      enum: ["None", "Optional", "Required"],
      default: "Required",
      description: "Required refuses callers without a valid access token; Optional refuses only invalid ones.",
    },
    rateLimit,
    timeout: {
      ...duration,
      description: "Bound for a whole unary call, body included. The gateway's default applies without it.",
    },
    idleTimeout: { ...duration, description: "Bound for the silence on a stream." },
    maxBodyBytes: {
      type: "integer",
      format: "int64",
      minimum: 1,
      maximum: 1_073_741_824,
      description: "Bodies above it are answered with 413.",
    },
  },
} as const satisfies Schema;

const tokens = {
  type: "array",
  maxItems: 64,
  items: { type: "string", minLength: 1, maxLength: 128 },
  "x-kubernetes-list-type": "set",
} as const satisfies Schema;

const cors = {
  type: "object",
  description: "Lets web pages of other origins call the route.",
  required: ["allowOrigins"],
  properties: {
    allowOrigins: {
      type: "array",
      minItems: 1,
      maxItems: 64,
      "x-kubernetes-list-type": "set",
      items: {
        type: "string",
        minLength: 1,
        maxLength: 253,
        "x-kubernetes-validations": [
          {
            rule: "self == '*' || self.matches('^https?://([*][.])?[a-z0-9.-]+(:[0-9]+)?$')",
            message:
              'must be "*" or an origin without a path, for example https://app.example.com or https://*.example.com',
          },
        ],
      },
    },
    allowMethods: tokens,
    allowHeaders: tokens,
    exposeHeaders: tokens,
    allowCredentials: { type: "boolean", default: false },
    maxAge: { ...duration, description: "How long a browser may remember the answer to a preflight request." },
  },
  "x-kubernetes-validations": [
    {
      rule: "!(has(self.allowCredentials) && self.allowCredentials && '*' in self.allowOrigins)",
      message: 'allowCredentials cannot be combined with the origin "*": browsers refuse it; list the origins',
    },
  ],
} as const satisfies Schema;

export const route = {
  type: "object",
  description: "Makes the service reachable through the gateway. Leave it out for an internal service.",
  required: ["rules"],
  properties: {
    hostnames: {
      type: "array",
      description: "Hosts the route answers for; all when empty.",
      maxItems: 16,
      "x-kubernetes-list-type": "set",
      items: {
        type: "string",
        minLength: 1,
        maxLength: 253,
        "x-kubernetes-validations": [
          {
            rule: "self.matches('^([*][.])?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')",
            message: "must be a lower-case host name, optionally starting with *., for example api.example.com",
          },
        ],
      },
    },
    rules: {
      type: "array",
      minItems: 1,
      maxItems: 64,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["path", "pathType"],
      items: rule,
      "x-kubernetes-validations": [
        {
          rule: "self.all(a, !has(a.rateLimit) || !has(a.rateLimit.name) || self.all(b, !has(b.rateLimit) || !has(b.rateLimit.name) || b.rateLimit.name != a.rateLimit.name || b.rateLimit == a.rateLimit))",
          message:
            "rules whose rateLimit has the same name count together: give requests, per and key the same values in all of them",
        },
      ],
    },
    cors,
  },
} as const satisfies Schema;
