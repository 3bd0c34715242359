import { durationMs, encryptionKey, optionalEncryptionKey } from "@plinth/kernel";

export const config = {
  keyEncryptionKey: encryptionKey(
    "PLINTH_AUTH_KEY_ENCRYPTION_KEY",
    "32 random bytes in base64; the key that encrypts signing keys in the database is encrypted with it",
  ),
  previousKeyEncryptionKey: optionalEncryptionKey(
    "PLINTH_AUTH_KEY_ENCRYPTION_KEY_PREVIOUS",
    "the key before, while PLINTH_AUTH_KEY_ENCRYPTION_KEY is replaced",
  ),
  accessTokenLifetimeMs: durationMs(
    "PLINTH_AUTH_ACCESS_TOKEN_LIFETIME",
    "access tokens cannot be revoked one by one: keep it short",
    { default: "5m" },
  ),
  refreshTokenLifetimeMs: durationMs(
    "PLINTH_AUTH_REFRESH_TOKEN_LIFETIME",
    "a session that is not used for this long ends",
    { default: "14d" },
  ),
  sessionLifetimeMs: durationMs("PLINTH_AUTH_SESSION_LIFETIME", "a session ends then, however much it is used", {
    default: "30d",
  }),
  replayWindowMs: durationMs(
    "PLINTH_AUTH_REPLAY_WINDOW",
    "a used refresh token yields the same successor again for this long",
    { default: "30s" },
  ),
  keyRotationMs: durationMs("PLINTH_AUTH_KEY_ROTATION", "a signing key is replaced after this", { default: "30d" }),
};
