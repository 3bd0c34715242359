import type { NormalPlatformService, PlatformService } from "./platform-service.ts";
import { platformService } from "./schema/platform-service.ts";
import type { Schema } from "./schema/schema.ts";

/** A copy with every default of the schema filled in and fields in the schema's order. The value must be valid. */
export function applyDefaults(service: PlatformService): NormalPlatformService {
  return withDefaults(platformService, service) as NormalPlatformService;
}

/**
 * As an API server does it: a default inside an object applies only where the object is there, and fields that the schema
 * does not know are dropped. Takes values of any shape.
 */
export function withDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withDefaults(schema.items ?? {}, item));
  if (typeof value !== "object" || value === null) return value;
  const source = value as Record<string, unknown>;
  if (!schema.properties) return { ...source };
  const result: Record<string, unknown> = {};
  for (const [name, child] of Object.entries(schema.properties)) {
    const own = source[name] ?? child.default;
    if (own !== undefined) result[name] = withDefaults(child, own);
  }
  return result;
}
