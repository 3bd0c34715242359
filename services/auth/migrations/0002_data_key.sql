-- The key that signing keys are encrypted with, encrypted with the service's key encryption key; with two of them while one
-- is replaced by the other. Empty until a release with this table starts: what is stored was encrypted with the service's key itself.
CREATE TABLE data_key (
  -- Names the key encryption key and tells nothing about it.
  sealed_with text PRIMARY KEY,
  -- AES-256-GCM.
  sealed bytea NOT NULL,
  create_time timestamptz NOT NULL DEFAULT now()
);
