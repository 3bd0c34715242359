import type { JsonObject } from "@bufbuild/protobuf";

/** A JSON value that has names: neither a list nor null. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
