import { Fault } from "@plinth/kernel";
import type { NodeRequest } from "../server/one-port-listener.ts";

/**
 * The deadline that a request brings, in ms: `x-server-timeout` in seconds, with a fraction if need be, or
 * `connect-timeout-ms`; the shorter one when it brings both. Undefined: the server's own. Throws Fault REQUEST_MALFORMED.
 */
export function serverTimeoutMs({ headers }: NodeRequest): number | undefined {
  const seconds = headers["x-server-timeout"];
  const milliseconds = headers["connect-timeout-ms"];
  const given = [
    ...(seconds === undefined ? [] : [toNumber(seconds, /^\d{1,7}(\.\d{1,9})?$/) * 1000]),
    ...(milliseconds === undefined ? [] : [toNumber(milliseconds, /^\d{1,10}$/)]),
  ];
  return given.length === 0 ? undefined : Math.max(1, Math.ceil(Math.min(...given)));
}

function toNumber(value: string | string[], form: RegExp): number {
  if (typeof value === "string" && form.test(value)) return Number(value);
  throw new Fault({
    code: "invalid_argument",
    reason: "REQUEST_MALFORMED",
    message: "x-server-timeout must be a number of seconds, such as 2.5",
  });
}
