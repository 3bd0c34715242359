import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { appendEvent, type EventContext } from "@plinth/bus";
import type { Transaction } from "@plinth/postgres";
import {
  LoginFailedSchema,
  LoginSucceededSchema,
  ServiceCredentialCreatedSchema,
  ServiceCredentialRevokedSchema,
  ServiceTokenIssuedSchema,
  SessionRevokedSchema,
  SigningKeyRotatedSchema,
} from "@plinth/proto/plinth/auth/v1/events";

/** One of this service's facts, ready to be written into the outbox. */
export type AuthEvent = (tx: Transaction, context: EventContext) => Promise<unknown>;

/** `subject` names what it is about; its last part is the key that keeps order. */
const authEvent =
  <S extends DescMessage>(schema: S, subject: (message: MessageInitShape<S>) => string) =>
  (message: MessageInitShape<S>): AuthEvent =>
  (tx, context) => {
    const about = subject(message);
    return appendEvent(tx, {
      topic: "auth.session.v1",
      key: about.split("/")[1] ?? about,
      subject: about,
      schema,
      message,
      context,
    });
  };

export const loginSucceeded = authEvent(LoginSucceededSchema, (m) => `users/${m.userId}/sessions/${m.sessionId}`);
export const loginFailed = authEvent(LoginFailedSchema, (m) => `logins/${m.identifierHash}`);
export const sessionRevoked = authEvent(SessionRevokedSchema, (m) => `users/${m.userId}/sessions/${m.sessionId}`);
export const serviceTokenIssued = authEvent(ServiceTokenIssuedSchema, (m) => `service-credentials/${m.clientId}`);
export const serviceCredentialCreated = authEvent(
  ServiceCredentialCreatedSchema,
  (m) => `service-credentials/${m.clientId}`,
);
export const serviceCredentialRevoked = authEvent(
  ServiceCredentialRevokedSchema,
  (m) => `service-credentials/${m.clientId}`,
);
export const signingKeyRotated = authEvent(SigningKeyRotatedSchema, (m) => `signing-keys/${m.kid}`);
