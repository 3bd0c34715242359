import { context, isSpanContextValid, trace } from "@opentelemetry/api";
import pino from "pino";
import { createLineWriter, type WriteLine } from "./line-writer.ts";
import { requestIdOf } from "./request-id.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
type Fields = Record<string, unknown>;

/** Structured log. Messages are constant, variables are fields, an error goes under `err` and is logged once. */
export interface Logger {
  debug(fields: Fields, message: string): void;
  info(fields: Fields, message: string): void;
  warn(fields: Fields, message: string): void;
  error(fields: Fields, message: string): void;
  child(fields: Fields): Logger;
}

export interface LoggerOptions {
  service: string;
  level: LogLevel;
  /** Where lines go; standard output unless given. */
  write?: WriteLine;
}

/** JSON lines with level, ISO time, service and, inside a request, its request_id, trace_id and span_id. */
export function createLogger(options: LoggerOptions): Logger {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: { service: options.service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }), log: withoutSecrets },
    serializers: { err: serializeError },
    mixin: traceFields,
    // The message before the fields, and the ids last: that is how lines are read.
    mixinMergeStrategy: (fields: object, ids: object) => ({ ...fields, ...ids }),
    hooks: {
      logMethod([fields, msg], log) {
        log.call(this, { msg, ...(fields as unknown as Fields) } as never);
      },
    },
    // pino would take an error's message for a message that stands among the fields.
    errorKey: "",
  };
  return withCleanChildren(pino(settings, { write: options.write ?? createLineWriter() }));
}

/** Fields that a child carries are cleaned when it is made. */
function withCleanChildren(logger: pino.Logger, makeChild: (fields: Fields) => pino.Logger = logger.child): Logger {
  return Object.assign(logger, {
    child(fields: Fields) {
      const child = withCleanChildren(makeChild.call(logger, withoutSecrets(fields)), makeChild);
      return "request_id" in fields ? Object.assign(child, { [saysRequestId]: true }) : child;
    },
  });
}

/** Marks a logger whose lines have a request_id already, and with it its children: JSON must not say it twice. */
const saysRequestId = Symbol("says the request id");

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};

const secretFields = new Set(["password", "token", "secret", "authorization"]);

/**
 * The last line of defence: fields named like secrets, at the top or one level below, are not written. A line without
 * them costs one look at its names; a general redactor costs several microseconds a line.
 */
function withoutSecrets(fields: Record<string, unknown>): Record<string, unknown> {
  for (const name in fields) {
    if (secretFields.has(name) || isObjectWithSecret(fields[name])) return redacted(fields);
  }
  return fields;
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !(value instanceof Error);

function isObjectWithSecret(value: unknown): boolean {
  return isPlainObject(value) && Object.keys(value).some((name) => secretFields.has(name));
}

function redacted(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (secretFields.has(name)) return [name, "[Redacted]"];
      return [name, isObjectWithSecret(value) ? redacted(value as Record<string, unknown>) : value];
    }),
  );
}

function traceFields(_: object, __: number, logger: object): object {
  const active = context.active();
  const span = trace.getSpanContext(active);
  const requestId = saysRequestId in logger ? undefined : requestIdOf(active);
  return {
    ...(requestId === undefined ? {} : { request_id: requestId }),
    ...(span && isSpanContextValid(span) ? { trace_id: span.traceId, span_id: span.spanId } : {}),
  };
}

/** An error with its whole cause chain, at most eight deep. */
export function serializeError(err: unknown, depth = 0): unknown {
  if (!(err instanceof Error)) return err;
  const own = err as Error & { code?: unknown; reason?: unknown };
  return {
    type: err.name,
    message: err.message,
    ...(own.code === undefined ? {} : { code: own.code }),
    ...(own.reason === undefined ? {} : { reason: own.reason }),
    stack: err.stack,
    ...(err.cause === undefined || depth >= 8 ? {} : { cause: serializeError(err.cause, depth + 1) }),
  };
}
