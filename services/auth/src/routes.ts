import {
  AuthService,
  type ListSessionsRequest,
  type RevokeAllSessionsRequest,
} from "@plinth/proto/plinth/auth/v1/auth";
import { type Authorizer, access, defineService, type ServiceRoutes } from "@plinth/rpc";
import type { KeyRing } from "./keys/key-ring.ts";
import { type IntrospectDeps, introspectToken } from "./rpc/introspect-token.ts";
import { issueServiceToken } from "./rpc/issue-service-token.ts";
import { listSessions } from "./rpc/list-sessions.ts";
import { type LoginDeps, login } from "./rpc/login.ts";
import { logout } from "./rpc/logout.ts";
import { refresh } from "./rpc/refresh.ts";
import { revokeAllSessions } from "./rpc/revoke-all-sessions.ts";
import { revokeSession } from "./rpc/revoke-session.ts";
import { createServiceCredential, listServiceCredentials, revokeServiceCredential } from "./rpc/service-credentials.ts";
import { getJwks, rotateSigningKey } from "./rpc/signing-keys.ts";
import type { CredentialStore } from "./store/credential-store.ts";

export interface RoutesDeps {
  login: LoginDeps;
  introspect: IntrospectDeps;
  credentials: CredentialStore;
  keys: KeyRing;
  authorizer: Authorizer;
}

const may = (relation: string) => access.permission(relation, "platform:plinth");

/** The whole API: who may call what, and what answers. */
export function routes({ login: loginDeps, introspect, credentials, keys, authorizer }: RoutesDeps): ServiceRoutes {
  const { sessions, issuer } = loginDeps;
  const own = access.self((request: ListSessionsRequest | RevokeAllSessionsRequest) => request.userId);
  return defineService(AuthService, {
    login: { access: access.public, handle: login(loginDeps) },
    refresh: { access: access.public, handle: refresh(sessions, issuer) },
    logout: { access: access.public, handle: logout(sessions) },
    issueServiceToken: { access: access.public, handle: issueServiceToken(credentials, issuer) },
    introspectToken: { access: access.authenticated, handle: introspectToken(introspect) },
    listSessions: { access: access.any(own, may("can_manage_sessions")), handle: listSessions(sessions) },
    revokeSession: { access: access.authenticated, handle: revokeSession(sessions, authorizer) },
    revokeAllSessions: { access: access.any(own, may("can_manage_sessions")), handle: revokeAllSessions(sessions) },
    createServiceCredential: { access: may("can_manage_credentials"), handle: createServiceCredential(credentials) },
    listServiceCredentials: { access: may("can_manage_credentials"), handle: listServiceCredentials(credentials) },
    revokeServiceCredential: { access: may("can_manage_credentials"), handle: revokeServiceCredential(credentials) },
    getJwks: { access: access.public, handle: getJwks(keys) },
    rotateSigningKey: { access: may("can_manage_keys"), handle: rotateSigningKey(keys) },
  });
}
