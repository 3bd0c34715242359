-- The log. Rows are only ever added: the service's role may neither change nor remove them, and the triggers stop the
-- owner from doing so by mistake.
CREATE TABLE entry (
  sequence bigint PRIMARY KEY,
  id uuid NOT NULL CONSTRAINT entry_id_unique UNIQUE,
  time timestamptz NOT NULL,
  record_time timestamptz NOT NULL DEFAULT now(),
  source text NOT NULL,
  action text NOT NULL,
  actor text NOT NULL,
  resource text NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('success', 'failure', 'denied')),
  request_id text NOT NULL,
  trace_id text NOT NULL,
  ip_address text NOT NULL,
  details jsonb NOT NULL,
  -- The event's payload as it came, for types that this version does not know.
  payload bytea
);

CREATE INDEX entry_actor ON entry (actor, sequence DESC);
CREATE INDEX entry_action ON entry (action text_pattern_ops, sequence DESC);
CREATE INDEX entry_resource ON entry (resource, sequence DESC);
CREATE INDEX entry_source ON entry (source, sequence DESC);
CREATE INDEX entry_request ON entry (request_id, sequence DESC);
CREATE INDEX entry_time ON entry (time);

-- The last sequence number given out; its row lock makes the sequence gapless and its order the commit order.
CREATE TABLE head (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  sequence bigint NOT NULL
);
INSERT INTO head (sequence) VALUES (0);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit entries cannot be changed or removed';
END $$;
CREATE TRIGGER entry_is_append_only BEFORE UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entry_is_never_emptied BEFORE TRUNCATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

REVOKE UPDATE, DELETE, TRUNCATE ON entry FROM {{runtime_role}};
REVOKE INSERT, DELETE, TRUNCATE ON head FROM {{runtime_role}};
