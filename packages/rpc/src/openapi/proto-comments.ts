/**
 * Comments of proto files by the full name of what they stand above: services, RPCs, messages, fields, oneofs, enums and
 * their values. Generated code has none of them; `tools/proto-comments` writes them into modules of their own.
 */
export type ProtoComments = Readonly<Record<string, string>>;

/** The first sentence, for a line of a list. */
export function firstSentence(comment: string): string {
  const text = comment.replaceAll(/\s+/g, " ").trim();
  return /^.*?[.!?](?=\s|$)/.exec(text)?.[0] ?? text;
}
