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
  let issuing: Promise<TimedToken> | undefined;

  function issue(): Promise<TimedToken> {
    issuing ??= auth
      .issueServiceToken({ clientId: credentials.clientId, clientSecret: credentials.clientSecret })
      .then(({ accessToken, expiresIn }) => {
        held = timed(accessToken, expiresIn, clock.now());
        return held;
      })
      .finally(() => {
        issuing = undefined;
      });
    return issuing;
  }

  return {
    async current() {
      if (held && clock.now() < held.renewAtMs) return held;
      const last = held;
      return issue().catch((error: unknown) => {
        if (last && clock.now() < last.expiresAtMs) return last;
        throw error;
      });
    },
    replace: async (refused) => (held && held.accessToken !== refused.accessToken ? held : issue()),
  };
}
