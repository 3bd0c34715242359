import type { CheckRequest } from "@plinth/proto/plinth/authz/v1/authz";
import type { QuestionText } from "../engine/question.ts";
import { fromProtoContext, fromProtoRelationship } from "./proto-relationship.ts";

/** Parsing is left to the engine, so that in a batch each question fails on its own. */
export const toQuestion = (request: CheckRequest): QuestionText => ({
  object: request.object,
  relation: request.relation,
  subject: request.subject,
  ...(request.contextualRelationships.length > 0
    ? { contextual: () => request.contextualRelationships.map(fromProtoRelationship) }
    : {}),
  ...(request.context === undefined ? {} : { context: () => fromProtoContext(request.context) }),
});
