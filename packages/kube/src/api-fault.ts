import { Fault, type FaultCode } from "@plinth/kernel";

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ as far as it is read here. */
export interface ApiStatus {
  kind?: string;
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    kind?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
}

const codes: Record<number, FaultCode> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  405: "unimplemented",
  406: "unimplemented",
  409: "aborted",
  410: "out_of_range",
  413: "resource_exhausted",
  415: "unimplemented",
  422: "invalid_argument",
  429: "resource_exhausted",
  500: "internal",
  501: "unimplemented",
  502: "unavailable",
  503: "unavailable",
  504: "deadline_exceeded",
};

/**
 * A refusal by the API server as a Fault: the reason is the API's own in upper snake case (CONFLICT, ALREADY_EXISTS,
 * EXPIRED, INVALID, ...), the message is the server's. `details.status` is the HTTP status, `details.fields` the named fields;
 * for a conflict of server-side apply `details.managers` names who owns them.
 */
export function apiFault(httpStatus: number, status: ApiStatus | undefined, retryAfterMs?: number): Fault {
  const apiReason = status?.reason || "";
  const code =
    apiReason === "AlreadyExists"
      ? "already_exists"
      : (codes[httpStatus] ?? (httpStatus < 500 ? "internal" : "unavailable"));
  const waitMs = retryAfterMs ?? (status?.details?.retryAfterSeconds ?? 0) * 1000;
  return new Fault({
    code,
    reason: apiReason ? upperSnake(apiReason) : `HTTP_${httpStatus}`,
    message: status?.message ?? `the API server answered ${httpStatus}`,
    details: { status: String(httpStatus), ...namedFields(status) },
    ...(waitMs > 0 ? { retryAfterMs: waitMs } : {}),
  });
}

function namedFields(status: ApiStatus | undefined): Record<string, string> {
  const causes = status?.details?.causes ?? [];
  const fields = causes.flatMap((cause) => (cause.field ? [cause.field] : []));
  const managers = causes.flatMap((cause) => {
    const manager =
      cause.reason === "FieldManagerConflict" ? /conflict with "([^"]*)"/.exec(cause.message ?? "") : null;
    return manager?.[1] ? [manager[1]] : [];
  });
  return {
    ...(fields.length > 0 ? { fields: fields.join(", ") } : {}),
    ...(managers.length > 0 ? { managers: [...new Set(managers)].join(", ") } : {}),
  };
}

const upperSnake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();
