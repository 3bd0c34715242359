import type { Schema } from "./schema.ts";

/** Longest name of a service. Children are named `NAME-SUFFIX` and must stay within the 63 characters of DNS-1123. */
export const serviceNameMaxLength = 40;

/** A whole number with a unit, for example "500ms", "5s", "10m" or "1h". */
export const duration = {
  type: "string",
  maxLength: 12,
  "x-kubernetes-validations": [
    {
      rule: "self.matches('^[0-9]+(ms|s|m|h)$')",
      message: 'must be a whole number with a unit of ms, s, m or h, for example "500ms" or "5s"',
    },
  ],
} as const satisfies Schema;

/** A Kubernetes quantity of memory or CPU, for example "250m", "1.5" or "256Mi". */
export const quantity = {
  "x-kubernetes-int-or-string": true,
  maxLength: 20,
  "x-kubernetes-validations": [
    {
      rule: "type(self) == int ? int(self) >= 0 : string(self).matches('^[0-9]+([.][0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$')",
      message: 'must be a Kubernetes quantity, for example "250m" of CPU or "256Mi" of memory',
    },
  ],
} as const satisfies Schema;

/** Name of a service: a DNS label (RFC 1035), because a Kubernetes Service carries it. */
export const serviceName = {
  type: "string",
  minLength: 1,
  maxLength: serviceNameMaxLength,
  "x-kubernetes-validations": [
    {
      rule: "self.matches('^[a-z]([a-z0-9-]*[a-z0-9])?$')",
      message:
        "must be a service name: lower-case letters, digits and dashes, starting with a letter, for example notes",
    },
  ],
} as const satisfies Schema;

/** Name of another Kubernetes object, for example a Secret (DNS-1123 subdomain). */
export const objectName = {
  type: "string",
  minLength: 1,
  maxLength: 253,
  "x-kubernetes-validations": [
    {
      rule: "self.matches('^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$')",
      message: "must be a Kubernetes object name: lower-case letters, digits, dashes and dots",
    },
  ],
} as const satisfies Schema;

/** Name of an environment variable. */
export const envName = {
  type: "string",
  minLength: 1,
  maxLength: 128,
  "x-kubernetes-validations": [
    {
      rule: "self.matches('^[A-Za-z_][A-Za-z0-9_]*$')",
      message: "must be letters, digits and underscores, not starting with a digit, for example NOTES_LIMIT",
    },
  ],
} as const satisfies Schema;

/** A file or folder inside a container or a service's folder. */
export const filePath = { type: "string", minLength: 1, maxLength: 1024 } as const satisfies Schema;

/** A program and its arguments, without a shell. */
export const command = {
  type: "array",
  minItems: 1,
  maxItems: 64,
  items: { type: "string", maxLength: 4096 },
  "x-kubernetes-list-type": "atomic",
} as const satisfies Schema;

/** Labels, annotations and node selectors. */
export const stringMap = {
  type: "object",
  maxProperties: 64,
  additionalProperties: { type: "string", maxLength: 4096 },
} as const satisfies Schema;
