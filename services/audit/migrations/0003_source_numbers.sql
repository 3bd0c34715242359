-- Numbers are checked in the log itself, some time after entries got into it, and those of events as well. Expands: instances of
-- the version before go on noting records in source_position and source_gap, which nobody reads any more; a later
-- migration drops them.

-- Who numbers: 'records' a source that calls RecordEntry, 'events' its outbox relay. Not part of the leaf.
ALTER TABLE sealed_entry ADD COLUMN numbering text NOT NULL DEFAULT 'records';

-- The highest number of each source, and what is missing below it.
CREATE TABLE number_position (
  numbering text NOT NULL,
  source text NOT NULL,
  last bigint NOT NULL,
  PRIMARY KEY (numbering, source)
);
CREATE TABLE number_gap (
  numbering text NOT NULL,
  source text NOT NULL,
  first bigint NOT NULL,
  last bigint NOT NULL CHECK (last >= first),
  found_time timestamptz NOT NULL,
  PRIMARY KEY (numbering, source, first)
);
CREATE INDEX number_gap_found ON number_gap (found_time);

-- Numbers under which a source sent something else than before; `entry_id` is the first of them.
CREATE TABLE number_reuse (
  numbering text NOT NULL,
  source text NOT NULL,
  first bigint NOT NULL,
  last bigint NOT NULL CHECK (last >= first),
  entry_id uuid NOT NULL,
  found_time timestamptz NOT NULL,
  PRIMARY KEY (numbering, source, first)
);

-- Entries up to here are checked. The head's lock keeps the version before from noting anything in between.
CREATE TABLE number_check (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  sequence bigint NOT NULL
);
INSERT INTO number_check (sequence) SELECT sequence FROM head FOR UPDATE;
INSERT INTO number_position (numbering, source, last) SELECT 'records', source, last FROM source_position;
INSERT INTO number_gap (numbering, source, first, last, found_time)
  SELECT 'records', source, first, last, found_time FROM source_gap;
REVOKE INSERT, DELETE, TRUNCATE ON number_check FROM {{runtime_role}};
