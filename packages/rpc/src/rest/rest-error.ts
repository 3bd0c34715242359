import { type DescMessage, type JsonObject, toJson } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "@plinth/proto/google/rpc/error_details";
import { reasonOf } from "../fault-mapping.ts";

/** HTTP status of each google.rpc.Code, as google/rpc/code.proto says. */
const statuses: Record<Code, number> = {
  [Code.Canceled]: 499,
  [Code.Unknown]: 500,
  [Code.InvalidArgument]: 400,
  [Code.DeadlineExceeded]: 504,
  [Code.NotFound]: 404,
  [Code.AlreadyExists]: 409,
  [Code.PermissionDenied]: 403,
  [Code.ResourceExhausted]: 429,
  [Code.FailedPrecondition]: 400,
  [Code.Aborted]: 409,
  [Code.OutOfRange]: 400,
  [Code.Unimplemented]: 501,
  [Code.Internal]: 500,
  [Code.Unavailable]: 503,
  [Code.DataLoss]: 500,
  [Code.Unauthenticated]: 401,
};

/** Reasons for which HTTP has a status that no code has. */
const statusesByReason = new Map([
  ["MESSAGE_TOO_LARGE", 413],
  ["CONTENT_TYPE_UNSUPPORTED", 415],
  ["PATH_UNKNOWN", 404],
  ["METHOD_NOT_ALLOWED", 405],
]);

const detailTypes: readonly DescMessage[] = [ErrorInfoSchema, RetryInfoSchema, BadRequestSchema];

/** The error model of AIP-193. */
export interface RestError {
  /** `code` is the HTTP status, `status` the name of the google.rpc.Code. */
  error: { code: number; message: string; status: string; details: JsonObject[] };
}

export function restError(error: ConnectError): RestError {
  return {
    error: {
      code: statusesByReason.get(reasonOf(error)) ?? statuses[error.code],
      message: error.rawMessage,
      status: codeName(error.code),
      details: detailTypes.flatMap((type) =>
        error.findDetails(type).map((detail) => ({
          "@type": `type.googleapis.com/${type.typeName}`,
          ...(toJson(type, detail) as JsonObject),
        })),
      ),
    },
  };
}

/** "NotFound" as "NOT_FOUND"; google.rpc.Code writes CANCELLED with two l. */
const codeName = (code: Code): string =>
  code === Code.Canceled ? "CANCELLED" : (Code[code] ?? "").replace(/(?<=[a-z])[A-Z]/g, "_$&").toUpperCase();
