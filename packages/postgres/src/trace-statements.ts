import { SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { inChildSpan, recordingSpan } from "@plinth/kernel";
import { sqlState } from "./database-fault.ts";

const tracer = trace.getTracer("plinth.postgres");

/** Of the server and database that statements go to, for their spans (OpenTelemetry's conventions for PostgreSQL). */
export interface DatabaseAttributes {
  "db.system.name": "postgresql";
  "db.namespace": string;
  "server.address": string;
  "server.port": number;
}

export function databaseAttributes(url: string): DatabaseAttributes {
  const { hostname, port, pathname, searchParams } = new URL(url);
  const schema = /search_path[= ]+"?(\w+)/.exec(searchParams.get("options") ?? "")?.[1];
  const database = decodeURIComponent(pathname.slice(1));
  return {
    "db.system.name": "postgresql",
    "db.namespace": schema === undefined ? database : `${database}|${schema}`,
    "server.address": hostname,
    "server.port": port === "" ? 5432 : Number(port),
  };
}

/** Longer statements are cut in spans. */
const textMax = 1_000;

/** Runs a statement in a span of its own, when a request that is traced waits for it. Values are never part of it. */
export function inStatementSpan<T>(attributes: DatabaseAttributes, text: string, work: () => Promise<T>): Promise<T> {
  if (recordingSpan() === undefined) return work();
  const { summary, operation } = summaryOf(text);
  const describe = () => ({
    name: summary,
    kind: SpanKind.CLIENT,
    attributes: {
      ...attributes,
      "db.operation.name": operation,
      "db.query.summary": summary,
      "db.query.text": oneLine(text),
    },
  });
  return inChildSpan(tracer, describe, work, (span, err) => {
    const state = sqlState(err) ?? "";
    if (state !== "") span.setAttribute("db.response.status_code", state);
    span.setAttribute("error.type", state === "" ? "connection" : state);
    // PostgreSQL's messages may quote values.
    span.setStatus({ code: SpanStatusCode.ERROR, message: state === "" ? "no answer" : `SQLSTATE ${state}` });
  });
}

/** Runs a transaction in a span, with waiting for a connection; its statements and its commit have theirs below it. */
export function inTransactionSpan<T>(attributes: DatabaseAttributes, work: () => Promise<T>): Promise<T> {
  return inChildSpan(
    tracer,
    () => ({ name: "transaction", kind: SpanKind.INTERNAL, attributes: { ...attributes } }),
    work,
    (span, err) => span.setStatus({ code: SpanStatusCode.ERROR, message: `rolled back: ${(err as Error).name}` }),
  );
}

const oneLine = (text: string): string => {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > textMax ? `${line.slice(0, textMax)}...` : line;
};

interface Summary {
  summary: string;
  operation: string;
}

/** Statements are few and the same again and again; a query builder may make some of any length. */
const summariesMax = 500;
const summaries = new Map<string, Summary>();

/** What a statement does, to what: "SELECT users". The first table after WITH is that of its last part. */
export function summaryOf(text: string): Summary {
  let found = summaries.get(text);
  if (found === undefined) {
    found = summarise(text);
    if (summaries.size >= summariesMax) summaries.clear();
    summaries.set(text, found);
  }
  return found;
}

/** A table after the word that announces it; a function in its place is none. */
const table =
  /\b(?:(?:INTO|UPDATE|TABLE|TRUNCATE)\s+(?:ONLY\s+)?"?([a-z_][\w.]*)|(?:FROM|JOIN)\s+(?:ONLY\s+)?"?([a-z_][\w.]*)"?(?!["\w.]*\s*\())/gi;
const commonTable =
  /(?:\bWITH|,)\s+(?:RECURSIVE\s+)?([a-z_]\w*)(?:\s*\([^)]*\))?\s+AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(/gi;

function summarise(text: string): Summary {
  const first = /^\s*(?:--[^\n]*\n\s*)*([a-z]+)/i.exec(text)?.[1]?.toUpperCase() ?? "QUERY";
  const changes = /\b(INSERT INTO|UPDATE\s+\w+\s+SET|DELETE FROM)\b/i.exec(text)?.[1];
  const operation = first !== "WITH" ? first : (changes?.split(/\s/)[0]?.toUpperCase() ?? "SELECT");
  const ignored = new Set([...text.matchAll(commonTable)].map(([, name]) => name));
  const names = [...text.matchAll(table)].flatMap(([, changed, read]) => {
    const name = changed ?? read;
    return name === undefined || ignored.has(name) ? [] : [name];
  });
  return { operation, summary: names[0] === undefined ? operation : `${operation} ${names[0]}` };
}
