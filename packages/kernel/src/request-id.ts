import { type Context, context, createContextKey } from "@opentelemetry/api";

const key = createContextKey("plinth request id");

/** The context with the id of the request that work in it is for; log lines that are written there carry it. */
export const withRequestId = (base: Context, requestId: string): Context => base.setValue(key, requestId);

/** Undefined outside of requests. */
export const requestIdOf = (active: Context = context.active()): string | undefined =>
  active.getValue(key) as string | undefined;
