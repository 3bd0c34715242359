-- The outbox keeps what was published until a whole slot of it can be truncated: deleting row by row costs as much as
-- publishing, and leaves dead rows that every later read steps over. `outbox_cursor` says how far the relay has come.
--
-- Processes of the release before insert and relay as they did: the names and columns they know are all there.
LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE;
ALTER TABLE outbox RENAME TO outbox_before_slots;

CREATE TABLE outbox_cursor (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  -- Everything up to here is published, except positions in the gaps: rows of transactions that had not ended.
  high bigint NOT NULL,
  gap_starts bigint[] NOT NULL DEFAULT '{}',
  gap_ends bigint[] NOT NULL DEFAULT '{}',
  -- Where new rows go.
  slot smallint NOT NULL DEFAULT 0,
  rotated_at timestamptz NOT NULL DEFAULT now(),
  rotated_high bigint NOT NULL DEFAULT 0
);

INSERT INTO outbox_cursor (high)
  SELECT coalesce((SELECT min(position) - 1 FROM outbox_before_slots), (SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM outbox_position_seq));

CREATE SEQUENCE outbox_positions;
SELECT setval('outbox_positions', last_value, is_called) FROM outbox_position_seq;

CREATE FUNCTION outbox_slot() RETURNS smallint LANGUAGE sql STABLE
  RETURN (SELECT slot FROM outbox_cursor);

CREATE TABLE outbox (
  position bigint NOT NULL DEFAULT nextval('outbox_positions'),
  id uuid NOT NULL,
  topic text NOT NULL,
  key text NOT NULL,
  type text NOT NULL,
  subject text NOT NULL,
  time timestamptz NOT NULL DEFAULT now(),
  data bytea NOT NULL,
  actor text NOT NULL,
  request_id text NOT NULL,
  traceparent text,
  slot smallint NOT NULL DEFAULT outbox_slot(),
  PRIMARY KEY (position, slot)
) PARTITION BY LIST (slot);

CREATE TABLE outbox_0 PARTITION OF outbox FOR VALUES IN (0);
CREATE TABLE outbox_1 PARTITION OF outbox FOR VALUES IN (1);
CREATE TABLE outbox_2 PARTITION OF outbox FOR VALUES IN (2);
GRANT TRUNCATE ON outbox_0, outbox_1, outbox_2 TO {{runtime_role}};

INSERT INTO outbox (position, id, topic, key, type, subject, time, data, actor, request_id, traceparent)
  SELECT position, id, topic, key, type, subject, time, data, actor, request_id, traceparent FROM outbox_before_slots;

DROP TABLE outbox_before_slots;
