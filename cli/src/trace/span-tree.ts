import type { WrittenSpan } from "@plinth/kernel";
import type { LogLine } from "../local/log-line.ts";

/** A log line with the service that wrote it. */
export interface ServiceLine {
  service: string;
  line: LogLine;
}

/** A step of a request, with what was said and done inside it. */
export interface Step {
  span: WrittenSpan;
  lines: ServiceLine[];
  children: Step[];
}

/** One request and everything that followed from it. */
export interface Trace {
  id: string;
  /** In the order of their beginnings; more than one when the first span is kept by somebody else. */
  steps: Step[];
  /** Lines of the trace that belong to none of its spans. */
  lines: ServiceLine[];
}

/**
 * Puts spans below their parents. A span whose work was done together with that of others links to the span that has it:
 * then it gets what stands below that one, which may be part of another trace (`others`).
 */
export function createTrace(
  id: string,
  spans: readonly WrittenSpan[],
  others: readonly WrittenSpan[] = [],
  lines: readonly ServiceLine[] = [],
): Trace {
  const steps = new Map<string, Step>();
  for (const span of [...others, ...spans]) steps.set(span.span, { span, lines: [], children: [] });
  const first: Step[] = [];
  for (const step of steps.values()) {
    const parent = step.span.parent === undefined ? undefined : steps.get(step.span.parent);
    if (parent !== undefined) parent.children.push(step);
    else if (step.span.trace === id) first.push(step);
  }
  for (const step of steps.values()) {
    if (step.span.trace !== id) continue;
    for (const link of step.span.links ?? []) step.children.push(...(steps.get(link.span)?.children ?? []));
  }
  const homeless: ServiceLine[] = [];
  for (const each of lines) {
    const step = steps.get(String(each.line.fields["span_id"]));
    if (step === undefined) homeless.push(each);
    else step.lines.push(each);
  }
  for (const { children } of steps.values()) children.sort(byBeginning);
  return { id, steps: first.sort(byBeginning), lines: homeless };
}

const byBeginning = (a: Step, b: Step): number => a.span.startMs - b.span.startMs;

/** What a person looks for in a list of requests. */
export interface TraceSummary {
  trace: string;
  requestId: string;
  /** Of its first span. */
  name: string;
  service: string;
  startMs: number;
  durationMs: number;
  /** How it ended; empty when nothing is wrong. */
  failure: string;
  /** In the order in which they took part. */
  services: string[];
}

/** One for every trace among the spans. */
export function summariesOf(spans: readonly WrittenSpan[]): TraceSummary[] {
  return [...Map.groupBy(spans, ({ trace }) => trace)].map(([trace, all]) => {
    const known = new Set(all.map(({ span }) => span));
    const sorted = all.toSorted((a, b) => a.startMs - b.startMs);
    const root = sorted.find(({ parent }) => parent === undefined || !known.has(parent)) ?? (sorted[0] as WrittenSpan);
    const failed = [root, ...sorted].find((span) => failureOf(span) !== "");
    return {
      trace,
      requestId: requestIdOf(sorted),
      name: nameOf(root),
      service: root.service,
      startMs: root.startMs,
      durationMs: root.durationMs,
      failure: failed === undefined ? "" : failureOf(failed),
      services: [...new Set(sorted.map(({ service }) => service))],
    };
  });
}

/** A route's name tells less than the path that was called. */
function nameOf({ name, attributes }: WrittenSpan): string {
  const path = attributes["url.path"];
  return typeof path === "string" ? `${attributes["http.request.method"]} ${path}` : name;
}

/** The id that the caller got; empty for what no request began. */
export function requestIdOf(spans: readonly WrittenSpan[]): string {
  const found = spans.find(({ attributes }) => typeof attributes["plinth.request_id"] === "string");
  return String(found?.attributes["plinth.request_id"] ?? "");
}

/** What went wrong in a span, for its caller or for itself; empty when nothing did. */
export function failureOf({ error, attributes }: WrittenSpan): string {
  if (error !== undefined && error !== "") return error;
  const type = attributes["error.type"];
  const status = Number(attributes["http.response.status_code"] ?? 0);
  const code = attributes["rpc.response.status_code"] ?? attributes["db.response.status_code"];
  const parts = [...(status >= 400 ? [String(status)] : []), ...[code, type].filter((part) => part !== undefined)];
  if (parts.length > 0) return [...new Set(parts.map(String))].join(" ");
  return error === undefined ? "" : "failed";
}
