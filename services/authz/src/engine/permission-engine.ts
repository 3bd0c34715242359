import { type Fault, isFault } from "@plinth/kernel";
import type { CheckSource } from "../domain/check/check.ts";
import { parseToken } from "../domain/consistency-token.ts";
import type { ModelCache } from "../model/model-cache.ts";
import type { AuthzStore, Snapshot } from "../store/authz-store.ts";
import { answerPermissions, answerQuestion, type QuestionText } from "./question.ts";

/** How fresh and how long. */
export interface CheckOptions {
  /** Token of a write that the answer must include; empty for none. The answer always sees the latest commit. */
  readonly atLeastAsFresh: string;
  readonly signal: AbortSignal;
}

/** Answers questions about permissions. All answers of one call come from one state. */
export interface PermissionEngine {
  check(question: QuestionText, options: CheckOptions): Promise<boolean>;
  /** One outcome per question, in order: what a single check would have answered or thrown. */
  batchCheck(questions: readonly QuestionText[], options: CheckOptions): Promise<(boolean | Fault)[]>;
  listPermissions(
    question: Omit<QuestionText, "relation">,
    relations: readonly string[],
    options: CheckOptions,
  ): Promise<string[]>;
  /** The same check inside a transaction that is under way. */
  checkOn(snapshot: Snapshot, question: QuestionText, signal: AbortSignal): Promise<boolean>;
}

export function createPermissionEngine(store: AuthzStore, models: ModelCache): PermissionEngine {
  const sourceOf = async (snapshot: Snapshot, signal: AbortSignal): Promise<() => CheckSource> => {
    const model = await models.modelOf(snapshot);
    return () => ({ model, reader: snapshot.reader(), signal });
  };
  const read = <T>(options: CheckOptions, work: (source: () => CheckSource) => Promise<T>): Promise<T> => {
    const atLeast = options.atLeastAsFresh === "" ? undefined : parseToken(options.atLeastAsFresh);
    return store.read(atLeast, async (snapshot) => work(await sourceOf(snapshot, options.signal)));
  };
  return {
    check: (question, options) => read(options, (source) => answerQuestion(source(), question)),
    batchCheck: (questions, options) =>
      read(options, (source) =>
        Promise.all(questions.map((question) => answerQuestion(source(), question).catch(ownFault))),
      ),
    listPermissions: (question, relations, options) =>
      read(options, (source) => answerPermissions(source(), question, relations)),
    checkOn: async (snapshot, question, signal) => answerQuestion((await sourceOf(snapshot, signal))(), question),
  };
}

/** What is wrong with one question stays with it; what is wrong with the service fails the call. */
function ownFault(err: unknown): Fault {
  if (isFault(err) && (err.code === "invalid_argument" || err.code === "failed_precondition")) return err;
  throw err;
}
