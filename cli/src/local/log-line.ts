/** One line of a service's output, as far as it could be understood. */
export interface LogLine {
  /** Milliseconds since 1970; undefined for plain text. */
  timeMs: number | undefined;
  level: string | undefined;
  message: string;
  fields: Record<string, unknown>;
}

/** Reads a JSON log line; anything else is a message without fields. */
export function parseLogLine(raw: string): LogLine {
  const value = raw.startsWith("{") ? parseObject(raw) : undefined;
  if (value === undefined) return { timeMs: undefined, level: undefined, message: raw, fields: {} };
  const { level, time, msg, service: _, ...fields } = value;
  const timeMs = typeof time === "number" ? time : Date.parse(String(time));
  return {
    timeMs: Number.isNaN(timeMs) ? undefined : timeMs,
    level: typeof level === "string" ? level : undefined,
    message: typeof msg === "string" ? msg : "",
    fields,
  };
}

/** For a person: "12:00:01 info  started startedInMs=210". An error's stack follows on lines of its own. */
export function formatLogLine(line: LogLine): string[] {
  if (line.timeMs === undefined && line.level === undefined) return [line.message];
  const time = line.timeMs === undefined ? "" : new Date(line.timeMs).toTimeString().slice(0, 8);
  const { err, trace_id: _, span_id: __, ...rest } = line.fields;
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${formatValue(value)}`);
  const error = isError(err) ? [`err=${formatValue(chain(err))}`] : [];
  const first = [time, (line.level ?? "").padEnd(5), line.message, ...fields, ...error].filter(Boolean).join(" ");
  return line.level === "error" && isError(err) && err.stack ? [first, ...frames(err.stack)] : [first];
}

interface LoggedError {
  message: string;
  stack?: string;
  cause?: unknown;
}

const isError = (value: unknown): value is LoggedError =>
  typeof value === "object" && value !== null && typeof (value as LoggedError).message === "string";

// The first frames tell where; the whole stack is in the log file.
const framesMax = 4;

const frames = (stack: string): string[] =>
  stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .slice(0, framesMax);

/** The error's message with those of its causes: what a person reads first. */
export function chain(err: LoggedError): string {
  const cause = isError(err.cause) ? chain(err.cause) : undefined;
  return cause === undefined || err.message.includes(cause) ? err.message : `${err.message}: ${cause}`;
}

function formatValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

function parseObject(raw: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
