import { type Relationship, relationshipKey, usersetKey } from "../relationship/relationship.ts";
import type { RelationshipReader } from "./relationship-reader.ts";

/**
 * Adds relationships that hold for one request to those of a reader. A contextual relationship replaces the stored one
 * with the same object, relation and subject (they may differ in their condition).
 */
export function withContextual(reader: RelationshipReader, contextual: readonly Relationship[]): RelationshipReader {
  if (contextual.length === 0) return reader;
  const replaced = new Set(contextual.map(relationshipKey));
  return {
    async read(requests) {
      const wanted = new Set(requests.map((request) => usersetKey(request.object, request.relation)));
      const stored = await reader.read(requests);
      return [
        ...stored.filter((relationship) => !replaced.has(relationshipKey(relationship))),
        ...contextual.filter((relationship) => wanted.has(usersetKey(relationship.object, relationship.relation))),
      ];
    },
  };
}
