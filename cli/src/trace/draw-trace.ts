import { formatLogLine } from "../local/log-line.ts";
import type { Terminal } from "../terminal.ts";
import { failureOf, requestIdOf, type ServiceLine, type Step, type Trace, type TraceSummary } from "./span-tree.ts";

const width = { offset: 8, duration: 9 };

/** A trace as a tree: when each step began, how long it took, in which service, what it was and what was said in it. */
export function drawTrace(trace: Trace, tint: Terminal["tint"]): string[] {
  const spans = flatten(trace.steps).map(({ span }) => span);
  const begin = Math.min(...spans.map(({ startMs }) => startMs));
  const services = [...new Set(spans.map(({ service }) => service))];
  const serviceWidth = Math.max(...services.map((name) => name.length), "service".length);
  const service = (name: string): string => tint(name.padEnd(serviceWidth), Math.max(0, services.indexOf(name)));
  const blank = " ".repeat(width.offset + width.duration + 2);
  const row = ({ span }: Step, branch: string): string => {
    const offset = `+${Math.round(span.startMs - begin)}`.padStart(width.offset);
    const failure = failureOf(span);
    const end = `${detailOf(span)}${failure === "" ? "" : `  ! ${failure}`}`;
    return `${offset} ${inMs(span.durationMs).padStart(width.duration)} ${service(span.service)}  ${branch}${span.name}${end}`;
  };
  const said = ({ service: name, line }: ServiceLine, branch: string): string[] =>
    formatLogLine(withoutIds(line)).map((text) => `${blank}${service(name)}  ${branch}${text}`);

  function drawStep(step: Step, own: string, below: string): string[] {
    const inside = step.children.length === 0 ? `${below}  ` : `${below}│ `;
    return [
      row(step, own),
      ...step.lines.flatMap((line) => said(line, inside)),
      ...step.children.flatMap((child, index) => {
        const last = index === step.children.length - 1;
        return drawStep(child, `${below}${last ? "└─ " : "├─ "}`, `${below}${last ? "   " : "│  "}`);
      }),
    ];
  }

  const requestId = requestIdOf(spans);
  return [
    `trace ${trace.id}${requestId === "" ? "" : `  request ${requestId}`}  ${new Date(begin).toISOString()}`,
    "",
    `${"begin".padStart(width.offset)} ${"took".padStart(width.duration)} ${"service".padEnd(serviceWidth)}  step (times in ms)`,
    ...trace.steps.flatMap((step) => drawStep(step, "", "")),
    ...trace.lines.flatMap((line) => said(line, "")),
  ];
}

/** A list of requests, one line each. */
export function drawSummaries(summaries: readonly TraceSummary[]): string[] {
  const rows = summaries.map(({ startMs, durationMs, requestId, trace, service, name, services, failure }) => ({
    time: new Date(startMs).toTimeString().slice(0, 8),
    took: `${inMs(durationMs)} ms`,
    id: requestId === "" ? trace : requestId,
    what: `${service} ${name}${services.length > 1 ? ` (${services.length} services)` : ""}${failure === "" ? "" : `  ! ${failure}`}`,
  }));
  const took = Math.max(0, ...rows.map((row) => row.took.length));
  const id = Math.max(0, ...rows.map((row) => row.id.length));
  return rows.map((row) => `${row.time} ${row.took.padStart(took)}  ${row.id.padEnd(id)}  ${row.what}`);
}

export const flatten = (steps: readonly Step[]): Step[] => steps.flatMap((step) => [step, ...flatten(step.children)]);

const inMs = (ms: number): string => ms.toFixed(ms < 100 ? 1 : 0);

/** The two or three attributes that say more than the name. */
function detailOf({ attributes, kind }: Step["span"]): string {
  const status = attributes["http.response.status_code"];
  const wait = attributes["plinth.outbox.wait_ms"];
  const parts = [
    ...(status === undefined ? [] : [String(status)]),
    ...(attributes["url.path"] === undefined ? [] : [String(attributes["url.path"])]),
    ...(kind === "client" && attributes["rpc.method"] !== undefined ? ["(call)"] : []),
    ...(Number(attributes["plinth.attempts"] ?? 1) > 1 ? [`${attributes["plinth.attempts"]} attempts`] : []),
    ...(wait === undefined ? [] : [`after ${wait} ms in the outbox`]),
    ...(attributes["messaging.consumer.group.name"] === undefined
      ? []
      : [`group ${attributes["messaging.consumer.group.name"]}`]),
  ];
  return parts.length === 0 ? "" : `  ${parts.join(" ")}`;
}

/** The whole tree has them. */
function withoutIds(line: ServiceLine["line"]): ServiceLine["line"] {
  const { request_id: _, instance: __, ...fields } = line.fields;
  return { ...line, fields };
}
