import type { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import type { Handler } from "@plinth/rpc";
import type { TokenIssuer } from "../keys/token-issuer.ts";
import type { CredentialStore } from "../store/credential-store.ts";

export function issueServiceToken(
  credentials: CredentialStore,
  issuer: TokenIssuer,
): Handler<typeof AuthService.method.issueServiceToken> {
  return async ({ clientId, clientSecret }, call) => {
    const { serviceName } = await credentials.authenticate(clientId, clientSecret, call);
    const { token, expiresInS } = await issuer.accessToken(`service:${serviceName}`, { client_id: clientId });
    return { accessToken: token, tokenType: "Bearer", expiresIn: expiresInS };
  };
}
