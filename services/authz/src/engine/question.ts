import { isFault } from "@plinth/kernel";
import { type CheckQuestion, type CheckSource, checkRelations } from "../domain/check/check.ts";
import {
  contextualFault,
  validateContextual,
  validateQuestion,
  validateSubject,
} from "../domain/check/validate-question.ts";
import type { Model } from "../domain/model/model.ts";
import { parseObject, parseSubject } from "../domain/relationship/entity.ts";
import type { JsonObject, Relationship } from "../domain/relationship/relationship.ts";
import { requireType } from "../domain/relationship/validate-relationship.ts";

/** A question as a caller puts it. */
export interface QuestionText {
  readonly object: string;
  readonly relation: string;
  readonly subject: string;
  /** Parses the relationships that hold for this question only; may throw Fault. */
  readonly contextual?: () => Relationship[];
  readonly context?: () => JsonObject;
}

/** Answers one question on one state. */
export async function answerQuestion(source: CheckSource, text: QuestionText): Promise<boolean> {
  const question = parseQuestion(text);
  validateQuestion(source.model, { ...question, relation: text.relation });
  validateContextual(source.model, question.contextual);
  const allowed = await checkRelations(source, question, [text.relation]);
  return allowed.length === 1;
}

/** Those of the relations (all of the type when none are named) that the subject has, sorted by name. */
export async function answerPermissions(
  source: CheckSource,
  text: Omit<QuestionText, "relation">,
  relations: readonly string[],
): Promise<string[]> {
  const question = parseQuestion(text);
  for (const relation of relations) validateQuestion(source.model, { ...question, relation });
  validateSubject(source.model, question.subject);
  const names = relations.length > 0 ? [...new Set(relations)] : allRelations(source.model, question.object.type);
  const allowed = await checkRelations(source, question, names);
  return allowed.sort();
}

function parseQuestion(text: Omit<QuestionText, "relation">): CheckQuestion {
  return {
    object: parseObject(text.object),
    subject: parseSubject(text.subject),
    contextual: parseContextual(text),
    context: text.context?.() ?? {},
  };
}

function parseContextual(text: Omit<QuestionText, "relation">): Relationship[] {
  try {
    return text.contextual?.() ?? [];
  } catch (err) {
    throw isFault(err) ? contextualFault(err.message, err) : err;
  }
}

function allRelations(model: Model, type: string): string[] {
  requireType(model, type);
  return [...(model.types.get(type)?.relations.keys() ?? [])];
}
