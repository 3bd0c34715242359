/** One segment of a path: a literal (decoded), any one segment, or any number of segments up to the end. */
export type Segment = { kind: "literal"; text: string } | { kind: "one" } | { kind: "rest" };

/** The segments `from` up to but without `to` are the value of the request field at `path` (proto names). */
export interface TemplateVariable {
  path: readonly string[];
  from: number;
  /** `Infinity` when it takes everything to the end (`**`). */
  to: number;
  /** Whether its value can hold slashes: it is then decoded except for `%2F`. */
  multi: boolean;
}

/** A path template of google/api/http.proto. */
export interface PathTemplate {
  text: string;
  segments: readonly Segment[];
  variables: readonly TemplateVariable[];
  /** Empty when there is none. */
  verb: string;
}

/**
 * Parses a path template of google/api/http.proto:
 *
 *     Template = "/" Segments [ Verb ] ;
 *     Segments = Segment { "/" Segment } ;
 *     Segment  = "*" | "**" | LITERAL | Variable ;
 *     Variable = "{" FieldPath [ "=" Segments ] "}" ;
 *     FieldPath = IDENT { "." IDENT } ;
 *     Verb     = ":" LITERAL ;
 *
 * Throws Error that quotes the template and says where it is wrong.
 */
export function parsePathTemplate(text: string): PathTemplate {
  const segments: Segment[] = [];
  const variables: TemplateVariable[] = [];
  let at = 0;

  const fail = (problem: string): never => {
    throw new Error(`path template ${JSON.stringify(text)}: ${problem} at character ${at + 1}`);
  };
  const take = (expected: string): void => {
    if (!text.startsWith(expected, at)) fail(`expected "${expected}"`);
    at += expected.length;
  };
  const takeAll = (pattern: RegExp, what: string): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) return fail(`expected ${what}`);
    at += found.length;
    return found;
  };
  const literal = (): string => {
    const raw = takeAll(/(?:[A-Za-z0-9\-._~!$&'()+,;@]|%[0-9A-Fa-f]{2})+/y, "a literal");
    try {
      return decodeURIComponent(raw);
    } catch {
      return fail("broken percent-encoding before");
    }
  };

  const parseSegments = (insideVariable: boolean): void => {
    for (;;) {
      if (segments.at(-1)?.kind === "rest") fail("** must be the last segment, but there is more");
      if (text.startsWith("**", at)) {
        at += 2;
        segments.push({ kind: "rest" });
      } else if (text[at] === "*") {
        at++;
        segments.push({ kind: "one" });
      } else if (text[at] === "{") {
        if (insideVariable) fail("a variable inside a variable");
        parseVariable();
      } else segments.push({ kind: "literal", text: literal() });
      if (text[at] !== "/") return;
      at++;
    }
  };
  const parseVariable = (): void => {
    take("{");
    const path = takeAll(/[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*/y, "a field name").split(".");
    if (variables.some((other) => other.path.join(".") === path.join("."))) fail("the same field twice, the second");
    const from = segments.length;
    if (text[at] === "=") {
      at++;
      parseSegments(true);
    } else segments.push({ kind: "one" });
    take("}");
    const open = segments.at(-1)?.kind === "rest";
    const to = open ? Number.POSITIVE_INFINITY : segments.length;
    variables.push({ path, from, to, multi: open || to - from > 1 });
  };

  take("/");
  parseSegments(false);
  let verb = "";
  if (text[at] === ":") {
    at++;
    verb = literal();
  }
  if (at < text.length) fail("unexpected character");
  return { text, segments, variables, verb };
}
