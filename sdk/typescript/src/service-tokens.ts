import type { Client } from "@connectrpc/connect";
import type { Clock } from "./clock.ts";
import type { AuthService } from "./gen/plinth/auth/v1/auth_pb.ts";
import { type TimedToken, type TokenSource, timed } from "./token-source.ts";

/** Credentials of a service account, as AuthService.CreateServiceCredential returns them. */
export interface ServiceCredentials {
  clientId: string;
  clientSecret: string;
}

/** Tokens of a service account. Kept in memory; one request at a time asks for a new one. */
export function createServiceTokens(
  auth: Client<typeof AuthService>,
  credentials: ServiceCredentials,
  clock: Clock,
): TokenSource {
  let held: TimedToken | undefined;
  let issuing: Promise<string> | undefined;

  function issue(): Promise<string> {
    issuing ??= auth
      .issueServiceToken({ clientId: credentials.clientId, clientSecret: credentials.clientSecret })
      .then(({ accessToken, expiresIn }) => {
        held = timed(accessToken, expiresIn, clock.now());
        return accessToken;
      })
      .finally(() => {
        issuing = undefined;
      });
    return issuing;
  }

  return {
    async current() {
      if (held && clock.now() < held.renewAtMs) return held.accessToken;
      const last = held;
      return issue().catch((error: unknown) => {
        if (last && clock.now() < last.expiresAtMs) return last.accessToken;
        throw error;
      });
    },
    replace: async (refused) => (held && held.accessToken !== refused ? held.accessToken : issue()),
  };
}
