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
  const {
    err,
    trace_id: _,
    span_id: __,
    ...rest
  } = (isAccessLine(line) ? accessFields(line.fields) : line.fields) as LogLine["fields"];
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${formatValue(value)}`);
  const error = isError(err) ? [`err=${formatValue(chain(err))}`] : [];
  const message = isAccessLine(line) ? accessMessage(line.fields) : line.message;
  const first = [time, (line.level ?? "").padEnd(5), message, ...fields, ...error].filter(Boolean).join(" ");
  const stack = line.level === "error" && isError(err) ? err.stack : undefined;
  return typeof stack === "string" ? [first, ...frames(stack)] : [first];
}

/** A line of the gateway's access log: there are many, and a person wants to see at a glance what was asked and answered. */
const isAccessLine = ({ message, fields }: LogLine): boolean =>
  message === "request" && typeof fields["method"] === "string" && typeof fields["durationMs"] === "number";

const accessMessage = ({ status, grpcStatus, method, path, durationMs }: LogLine["fields"]): string => {
  const grpc = grpcStatus === undefined || grpcStatus === "0" ? "" : ` (gRPC ${grpcStatus})`;
  return `${status === 0 ? "aborted" : status}${grpc} ${method} ${path} ${durationMs} ms`;
};

/** What else matters then: the rest is in the file. */
const accessFields = ({ err, reason, attempts, complete, principal, address, request_id }: LogLine["fields"]) => ({
  ...(err === undefined ? {} : { err }),
  ...(reason === undefined ? {} : { reason }),
  ...(Number(attempts) > 1 ? { attempts } : {}),
  ...(complete === false ? { complete } : {}),
  ...{ principal, address },
  ...(request_id === undefined ? {} : { request_id }),
});

/** Of whatever program: only what is checked is known. */
interface LoggedError {
  message: string;
  stack?: unknown;
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
