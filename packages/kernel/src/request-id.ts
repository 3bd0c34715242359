import { type Context, context, createContextKey } from "@opentelemetry/api";

const key = createContextKey("plinth request id");

/** The context with the id of the request that work in it is for; log lines that are written there carry it. */
export const withRequestId = (base: Context, requestId: string): Context => new LayeredContext(base, key, requestId);

/** Undefined outside of requests. */
export const requestIdOf = (active: Context = context.active()): string | undefined =>
  active.getValue(key) as string | undefined;

/** A context with one value more than its base. OpenTelemetry's own copies all that there are, for every call and span. */
class LayeredContext implements Context {
  readonly #base: Context;
  readonly #key: symbol;
  readonly #value: unknown;

  constructor(base: Context, key: symbol, value: unknown) {
    this.#base = base;
    this.#key = key;
    this.#value = value;
  }

  getValue(key: symbol): unknown {
    return key === this.#key ? this.#value : this.#base.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return new LayeredContext(this, key, value);
  }

  deleteValue(key: symbol): Context {
    return new LayeredContext(this, key, undefined);
  }
}
