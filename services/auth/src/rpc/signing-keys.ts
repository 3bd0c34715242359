import type { AuthService } from "@plinth/proto/plinth/auth/v1/auth";
import type { Handler } from "@plinth/rpc";
import type { KeyRing } from "../keys/key-ring.ts";

export function getJwks(keys: KeyRing): Handler<typeof AuthService.method.getJwks> {
  return async () => ({ jwksJson: await keys.jwksJson() });
}

export function rotateSigningKey(keys: KeyRing): Handler<typeof AuthService.method.rotateSigningKey> {
  return async (_, call) => ({ kid: (await keys.rotate(call)).kid });
}
