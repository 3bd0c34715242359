CREATE TABLE users (
  id uuid PRIMARY KEY,
  -- As the user wrote it; null once erased.
  email text,
  -- Lower case and normalized: what makes two addresses the same. A deleted user keeps the address until erased.
  email_key text CONSTRAINT users_email_unique UNIQUE,
  display_name text NOT NULL,
  state text NOT NULL CHECK (state IN ('active', 'disabled')),
  attributes jsonb NOT NULL,
  -- PHC or crypt string; null for users who cannot sign in with a password.
  password_hash text,
  create_time timestamptz NOT NULL,
  update_time timestamptz NOT NULL,
  delete_time timestamptz,
  erase_time timestamptz,
  -- Goes up with every write; the etag.
  version bigint NOT NULL
);

CREATE INDEX users_email_prefix ON users (email_key text_pattern_ops);
