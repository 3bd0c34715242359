-- Which services have removed what they held about an erased user.
CREATE TABLE erasure_confirmation (
  user_id uuid NOT NULL REFERENCES users (id),
  service text NOT NULL,
  confirm_time timestamptz NOT NULL,
  removed jsonb NOT NULL,
  PRIMARY KEY (user_id, service)
);
