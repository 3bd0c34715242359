import { createRegistry, type DescFile, fromBinary, toJson } from "@bufbuild/protobuf";
import type { BusMessage } from "@plinth/bus";
import { file_plinth_audit_v1_events } from "@plinth/proto/plinth/audit/v1/events";
import { file_plinth_auth_v1_events } from "@plinth/proto/plinth/auth/v1/events";
import { file_plinth_authz_v1_events } from "@plinth/proto/plinth/authz/v1/events";
import { file_plinth_identity_v1_events } from "@plinth/proto/plinth/identity/v1/events";
import type { NewEntry, Outcome } from "../domain/entry.ts";
import { traceIdOf } from "../domain/entry.ts";

const knownFiles: DescFile[] = [
  file_plinth_audit_v1_events,
  file_plinth_auth_v1_events,
  file_plinth_authz_v1_events,
  file_plinth_identity_v1_events,
];
const registry = createRegistry(...knownFiles);

/** Events that tell of something that did not succeed. */
const outcomes: Record<string, Outcome> = {
  "plinth.auth.v1.LoginFailed": "failure",
  "plinth.audit.v1.AccessDenied": "denied",
};

/**
 * The audit entry of an event. The payload of a known type becomes readable details; that of a user's own type, or of
 * a newer version, is kept as it came.
 */
export function entryOfEvent(message: BusMessage): NewEntry {
  const details = readDetails(message);
  const told = details?.["ipAddress"];
  return {
    id: message.id,
    time: message.time,
    source: message.source,
    ...numberOf(message),
    action: message.type,
    actor: message.actor,
    resource: message.subject,
    outcome: outcomes[message.type] ?? "success",
    requestId: message.requestId,
    traceId: traceIdOf(message.traceparent),
    ipAddress: message.clientAddress ?? (typeof told === "string" ? told : ""),
    via: message.via,
    details: details ?? {},
    payload: details ? undefined : message.data,
  };
}

/** A number that a leaf cannot hold is none of our relays'. */
const numberOf = ({ sequence }: BusMessage): Pick<NewEntry, "sourceSequence" | "numbering"> =>
  sequence === undefined || sequence > BigInt(Number.MAX_SAFE_INTEGER)
    ? {}
    : { sourceSequence: sequence, numbering: "events" };

function readDetails(message: BusMessage): Record<string, unknown> | undefined {
  const schema = registry.getMessage(message.type);
  if (!schema) return undefined;
  try {
    return toJson(schema, fromBinary(schema, message.data), { registry }) as Record<string, unknown>;
  } catch {
    // A newer producer may send what this version cannot read; nothing is lost by keeping the bytes.
    return undefined;
  }
}
