import { errorToJson } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { Fault } from "@plinth/kernel";
import { faultToConnectError, type RestError, restError } from "@plinth/rpc";
import type { Refusal } from "./refusals.ts";

/** A refusal as the protocols write it, with its reason in google.rpc.ErrorInfo as services do. */
export interface ErrorForms {
  /** Connect's error object. */
  json: object;
  /** The error of AIP-193, as REST callers expect it. */
  rest: RestError;
  grpcStatus: string;
  /** Trailers of gRPC, name and value in turn: grpc-status, grpc-message, grpc-status-details-bin. */
  grpc: readonly string[];
}

/** There are a few dozen; more are a sign of messages that vary. */
const formsMax = 512;
const made = new Map<string, ErrorForms>();

/** Made once for every refusal that is worded alike: refusing must stay cheap. */
export function errorForms({ status, code, reason, message, retryAfterSeconds }: Refusal): ErrorForms {
  const key = `${reason} ${retryAfterSeconds ?? ""} ${message}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterMs: retryAfterSeconds * 1000 };
  const error = faultToConnectError(new Fault({ code, reason, message, ...retry }));
  const json = errorToJson(error, undefined) as object;
  const rest: RestError = { error: { ...restError(error).error, code: status } };
  // The layer that answers says when to try again, in every protocol alike.
  error.metadata.delete("retry-after");
  const grpc = [...setTrailerStatus(new Headers(), error)].flat();
  const forms: ErrorForms = { json, rest, grpcStatus: String(error.code), grpc };
  if (made.size >= formsMax) made.clear();
  made.set(key, forms);
  return forms;
}
