-- Events tell which number they have among those of their service, where the caller is and which service acted for the
-- caller. Expands: processes of the release before insert rows without the new columns, and relay without numbers.
ALTER TABLE outbox
  ADD COLUMN client_address text,
  ADD COLUMN via text;

ALTER TABLE outbox_cursor
  -- The last number that was given out.
  ADD COLUMN numbered bigint NOT NULL DEFAULT 0,
  -- Positions of the rows that have the last numbers, in order. Written before they are published and emptied afterwards:
  -- whoever publishes them again gives them the same numbers, whatever else can be seen by then.
  ADD COLUMN claimed bigint[] NOT NULL DEFAULT '{}';
