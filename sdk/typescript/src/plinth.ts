import type { DescService } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { createCallTransport } from "./call-transport.ts";
import { type Clock, systemClock } from "./clock.ts";
import { AuditService } from "./gen/plinth/audit/v1/audit_pb.ts";
import { LogService } from "./gen/plinth/audit/v1/log_pb.ts";
import { AuthService } from "./gen/plinth/auth/v1/auth_pb.ts";
import { AuthzService } from "./gen/plinth/authz/v1/authz_pb.ts";
import { IdentityService } from "./gen/plinth/identity/v1/identity_pb.ts";
import { createRetries } from "./retries.ts";
import { createServiceTokens, type ServiceCredentials } from "./service-tokens.ts";
import { createSession, type Session } from "./session.ts";
import { memoryStore, type SessionStore } from "./session-store.ts";
import type { TokenSource } from "./token-source.ts";

export interface PlinthOptions {
  /** Of the platform's gateway, for example "https://api.example.com". */
  url: string;
  /** Where the user's session is kept. Default: in memory. */
  session?: SessionStore;
  /** Calls are made as this service account instead of as a user. */
  credentials?: ServiceCredentials;
  /** Deadline of calls that bring none, retries included. Default 10 s; streams have none. */
  timeoutMs?: number;
  /** For tests. */
  clock?: Clock;
}

/** Typed clients of the platform's services, and of yours, with one session. */
export interface Plinth {
  /** Sessions, service credentials, signing keys. To sign in, use `session`. */
  readonly auth: Client<typeof AuthService>;
  /** Users and passwords. */
  readonly identity: Client<typeof IdentityService>;
  /** Who may do what. */
  readonly authz: Client<typeof AuthzService>;
  /** What happened. */
  readonly audit: Client<typeof AuditService>;
  /** Proofs and exports of what happened. */
  readonly auditLog: Client<typeof LogService>;
  readonly session: Session;
  /** A client of a service of your own behind the same gateway: `plinth.client(NotesService)`. */
  client<S extends DescService>(service: S): Client<S>;
  /** Closes connections. Idle ones do not keep a process from ending. */
  close(): void;
}

const defaultTimeoutMs = 10_000;

/** The part that Node and browsers share. */
export function assemble(options: PlinthOptions, transport: Transport, close: () => void): Plinth {
  const { session: store = memoryStore(), credentials, timeoutMs = defaultTimeoutMs, clock = systemClock } = options;
  if (credentials && options.session)
    throw new TypeError("createPlinth: give session or credentials, not both: a client acts as a user or as a service");
  const retries = createRetries();
  const anonymous = createCallTransport({ transport, retries, clock, timeoutMs });
  const tokenless = createClient(AuthService, anonymous);
  const { session, tokens } = credentials
    ? actingAsService(createServiceTokens(tokenless, credentials, clock))
    : createSession({ auth: tokenless, store, clock });
  const calls = createCallTransport({ transport, tokens, retries, clock, timeoutMs });
  return {
    auth: createClient(AuthService, calls),
    identity: createClient(IdentityService, calls),
    authz: createClient(AuthzService, calls),
    audit: createClient(AuditService, calls),
    auditLog: createClient(LogService, calls),
    session,
    client: (service) => createClient(service, calls),
    close,
  };
}

/** A service account signs in by itself, and nobody else does. */
function actingAsService(tokens: TokenSource): { session: Session; tokens: TokenSource } {
  const session: Session = {
    signIn: async () => {
      throw new TypeError("this client acts as a service: make another one for a user");
    },
    signOut: async () => {},
    current: async () => undefined,
    accessToken: async () => (await tokens.current())?.accessToken,
    onChange: () => () => {},
  };
  return { session, tokens };
}
