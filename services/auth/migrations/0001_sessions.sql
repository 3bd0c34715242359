CREATE TABLE session (
  id uuid PRIMARY KEY,
  user_id uuid NOT NULL,
  device_name text NOT NULL,
  user_agent text NOT NULL,
  ip_address text NOT NULL,
  create_time timestamptz NOT NULL,
  last_used_time timestamptz NOT NULL,
  -- Ends then whatever happens (ASVS 10.4.8).
  expire_time timestamptz NOT NULL,
  revoke_time timestamptz,
  revoke_reason text
);
CREATE INDEX session_by_user ON session (user_id, id);
CREATE INDEX session_expiry ON session (expire_time);

-- One row per refresh token ever issued in a living session: reuse of an old one must be recognized.
CREATE TABLE refresh_token (
  -- SHA-256 of the token; the token itself is nowhere.
  hash bytea PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES session (id) ON DELETE CASCADE,
  expire_time timestamptz NOT NULL,
  consume_time timestamptz,
  -- The next token, encrypted with a key that only the holder of this one can derive.
  sealed_successor bytea,
  -- Whom the successor was given to: it is given again to nobody else.
  consumed_by text
);
CREATE INDEX refresh_token_session ON refresh_token (session_id);

CREATE TABLE signing_key (
  kid text PRIMARY KEY,
  public_jwk jsonb NOT NULL,
  -- Private JWK, AES-256-GCM under the key encryption key.
  sealed_private_jwk bytea NOT NULL,
  state text NOT NULL CHECK (state IN ('next', 'active', 'retired')),
  create_time timestamptz NOT NULL,
  activate_time timestamptz,
  -- Published until then.
  retire_time timestamptz
);
CREATE UNIQUE INDEX signing_key_one_active ON signing_key (state) WHERE state = 'active';
CREATE UNIQUE INDEX signing_key_one_next ON signing_key (state) WHERE state = 'next';

CREATE TABLE service_credential (
  client_id text PRIMARY KEY,
  service_name text NOT NULL,
  description text NOT NULL,
  -- SHA-256: the secret has 256 random bits and needs no slow hash.
  secret_hash bytea NOT NULL,
  create_time timestamptz NOT NULL,
  expire_time timestamptz,
  last_used_time timestamptz,
  revoke_time timestamptz
);

-- Attempts per scope; counted before the password is looked at, so that parallel guesses count as well.
CREATE TABLE login_attempt (
  scope text NOT NULL,
  key bytea NOT NULL,
  attempts integer NOT NULL,
  window_end timestamptz NOT NULL,
  blocked_until timestamptz,
  PRIMARY KEY (scope, key)
);
CREATE INDEX login_attempt_window ON login_attempt (window_end);
