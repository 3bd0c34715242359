import path from "node:path";
import { systemClock, type WrittenSpan } from "@plinth/kernel";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { type LocalPaths, localPaths } from "../local/local-paths.ts";
import type { Terminal } from "../terminal.ts";
import { drawSummaries, drawTrace } from "../trace/draw-trace.ts";
import { readSpans } from "../trace/span-files.ts";
import { createTrace, summariesOf, type Trace } from "../trace/span-tree.ts";
import { readTraceLines } from "../trace/trace-lines.ts";

export interface TraceOptions {
  data: string;
  /** Draw the newest instead of listing. */
  last: boolean;
  /** The slowest first. */
  slow: boolean;
  /** Only those in which something failed. */
  errors: boolean;
  /** At most so many in a list. */
  lines: number;
  output: "text" | "json";
}

/** Services write their spans a moment after they end. */
const patienceMs = 2_000;
const pollMs = 100;

/** Shows the way of one request through the services of this machine, or the newest requests. */
export async function trace(id: string | undefined, options: TraceOptions, terminal: Terminal): Promise<number> {
  const paths = localPaths(path.resolve(options.data));
  const wanted = id ?? (options.last ? newest(await summaries(paths, options), paths) : undefined);
  if (wanted === undefined) {
    const found = (await summaries(paths, options)).slice(0, options.lines);
    if (options.output === "json") terminal.line(JSON.stringify(found, null, 2));
    else if (found.length === 0) terminal.line(options.errors ? "nothing has failed" : nothingKept(paths));
    else for (const line of [...drawSummaries(found), "", howToSee]) terminal.line(line);
    return exitCodes.ok;
  }
  const drawn = await findTrace(paths, wanted);
  if (options.output === "json") terminal.line(JSON.stringify(drawn, null, 2));
  else for (const line of drawTrace(drawn, terminal.tint)) terminal.line(line);
  return exitCodes.ok;
}

const howToSee = "plinth trace ID shows one of them";

const nothingKept = ({ traces }: LocalPaths): string =>
  `no requests are kept in ${traces}: start the platform with npm start and call it`;

async function summaries(paths: LocalPaths, { slow, errors }: TraceOptions) {
  const all = summariesOf(await readSpans(paths.traces, ""));
  const shown = errors ? all.filter(({ failure }) => failure !== "") : all;
  return shown.sort((a, b) => (slow ? b.durationMs - a.durationMs : b.startMs - a.startMs));
}

function newest(found: Awaited<ReturnType<typeof summaries>>, paths: LocalPaths): string {
  const [first] = found;
  if (first === undefined) throw new CommandFailure(nothingKept(paths));
  return first.trace;
}

async function findTrace(paths: LocalPaths, id: string): Promise<Trace> {
  const traceId = await traceIdOf(paths, id);
  const spans = (await readSpans(paths.traces, traceId)).filter((span) => span.trace === traceId);
  const linked = new Set(spans.flatMap(({ links = [] }) => links.map((link) => link.trace)));
  linked.delete(traceId);
  const others = await Promise.all([...linked].map((other) => readSpans(paths.traces, other)));
  return createTrace(traceId, spans, others.flat(), await readTraceLines(paths.logs, traceId));
}

/** Waits a moment for spans that are about to be written. */
async function traceIdOf(paths: LocalPaths, id: string): Promise<string> {
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const found = (await readSpans(paths.traces, id)).find((span) => belongsTo(span, id));
    if (found !== undefined) return found.trace;
    if (waitedMs >= patienceMs)
      throw new CommandFailure(
        `nothing is kept of ${id} in ${paths.traces}: only the newest requests are, by their trace id or the x-request-id of their answer; plinth trace lists them`,
      );
    await systemClock.sleep(pollMs);
  }
}

const belongsTo = ({ trace, attributes }: WrittenSpan, id: string): boolean =>
  trace === id || attributes["plinth.request_id"] === id;
