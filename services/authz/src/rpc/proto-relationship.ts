import type { MessageInitShape, JsonObject as ProtoJson } from "@bufbuild/protobuf";
import { Fault } from "@plinth/kernel";
import type { Relationship as ProtoRelationship, RelationshipSchema } from "@plinth/proto/plinth/authz/v1/authz";
import { limits } from "../domain/limits.ts";
import { formatObject, formatSubject, parseObject, parseSubject } from "../domain/relationship/entity.ts";
import type { JsonObject, JsonValue, Relationship } from "../domain/relationship/relationship.ts";

/** A relationship as it came over the wire; names and conditions are not checked against a model yet. */
export function fromProtoRelationship(message: ProtoRelationship): Relationship {
  const { condition } = message;
  return {
    object: parseObject(message.object),
    relation: message.relation,
    subject: parseSubject(message.subject),
    condition: condition && { name: condition.name, context: fromProtoContext(condition.context) },
  };
}

export function toProtoRelationship(relationship: Relationship): MessageInitShape<typeof RelationshipSchema> {
  const { condition } = relationship;
  return {
    object: formatObject(relationship.object),
    relation: relationship.relation,
    subject: formatSubject(relationship.subject),
    ...(condition ? { condition: { name: condition.name, context: condition.context as ProtoJson } } : {}),
  };
}

/** Parameters for conditions, within limits; PostgreSQL cannot hold the NUL character, so nobody may send it. */
export function fromProtoContext(context: ProtoJson | undefined): JsonObject {
  const value = (context ?? {}) as JsonObject;
  refuseUnfit(value, 0);
  if (Buffer.byteLength(JSON.stringify(value)) > limits.conditionContextBytesMax)
    throw contextFault(`are larger than ${limits.conditionContextBytesMax} bytes`);
  return value;
}

function refuseUnfit(value: JsonValue, depth: number): void {
  if (depth > limits.conditionContextDepthMax)
    throw contextFault(`are nested more than ${limits.conditionContextDepthMax} deep`);
  if (typeof value === "string" && value.includes("\0")) throw contextFault("hold a NUL character");
  if (value === null || typeof value !== "object") return;
  for (const [key, part] of Object.entries(value)) {
    refuseUnfit(key, depth);
    refuseUnfit(part, depth + 1);
  }
}

const contextFault = (problem: string): Fault =>
  new Fault({ code: "invalid_argument", reason: "CONTEXT_INVALID", message: `parameters for conditions ${problem}` });
