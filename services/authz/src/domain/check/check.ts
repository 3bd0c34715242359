import type { Model } from "../model/model.ts";
import type { ObjectRef, SubjectRef } from "../relationship/entity.ts";
import type { JsonObject, Relationship } from "../relationship/relationship.ts";
import { createCheckGraph } from "./check-graph.ts";
import { withContextual } from "./contextual-reader.ts";
import { findOpen } from "./find-open.ts";
import { type CheckNode, never } from "./formula.ts";
import type { RelationshipReader } from "./relationship-reader.ts";
import { type Bounds, decide, solve } from "./solve.ts";

export interface CheckQuestion {
  readonly object: ObjectRef;
  readonly subject: SubjectRef;
  /** Valid in the model: see validate-question.ts. */
  readonly contextual: readonly Relationship[];
  readonly context: JsonObject;
}

export interface CheckSource {
  readonly model: Model;
  readonly reader: RelationshipReader;
  readonly signal: AbortSignal;
}

/** Whether the subject has the relation to the object. */
export async function check(source: CheckSource, question: CheckQuestion, relation: string): Promise<boolean> {
  const allowed = await checkRelations(source, question, [relation]);
  return allowed.length === 1;
}

/**
 * Those of the relations that the subject has. Works in rounds: what is open is read in one go, then everything known
 * is solved again, until all questions are decided. A question that contradicts itself (a circle through "but not") is
 * answered with no. Throws the Fault that keeps a question from being decided: too deep, too large, a condition
 * without its parameters.
 */
export async function checkRelations(
  source: CheckSource,
  question: CheckQuestion,
  relations: readonly string[],
): Promise<string[]> {
  const graph = createCheckGraph({
    model: source.model,
    reader: withContextual(source.reader, question.contextual),
    subject: question.subject,
    context: question.context,
  });
  const roots = relations.map((relation) => graph.node(question.object, relation, 0));
  let unread: readonly CheckNode[] = roots;
  let bounds: Bounds = { certain: new Set(), possible: new Set() };
  while (unread.length > 0) {
    source.signal.throwIfAborted();
    await graph.read(unread);
    bounds = solve(graph.nodes());
    unread = nextReads(roots, bounds);
  }
  return roots.filter((root) => answer(root, bounds)).map((root) => root.relation);
}

function nextReads(roots: readonly CheckNode[], bounds: Bounds): CheckNode[] {
  const unread = new Set<CheckNode>();
  for (const root of roots) for (const node of findOpen(root, bounds).unread) unread.add(node);
  return [...unread];
}

function answer(root: CheckNode, bounds: Bounds): boolean {
  const decided = decide(root.formula ?? never, bounds);
  if (decided !== undefined) return decided;
  const [fault] = findOpen(root, bounds).faults;
  if (fault) throw fault;
  return false;
}
