-- Which entries can lie in a window of time: the earliest and the latest time among each 4,096 entries that follow each other. Lists
-- go by sequence number, and the times of entries do not: without this, a window in the middle is searched for from the end.
CREATE TABLE entry_block (
  -- (sequence - 1) / 4096.
  block bigint PRIMARY KEY,
  first_time timestamptz NOT NULL,
  last_time timestamptz NOT NULL
);

-- A trigger, so that what instances of the version before append is noted as well.
CREATE FUNCTION note_block() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO entry_block AS known
  SELECT (sequence - 1) / 4096, min(time), max(time) FROM added GROUP BY 1 ORDER BY 1
  ON CONFLICT (block) DO UPDATE
    SET first_time = least(known.first_time, excluded.first_time), last_time = greatest(known.last_time, excluded.last_time)
    WHERE excluded.first_time < known.first_time OR excluded.last_time > known.last_time;
  RETURN NULL;
END $$;
CREATE TRIGGER sealed_entry_block AFTER INSERT ON sealed_entry REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION note_block();

INSERT INTO entry_block SELECT (sequence - 1) / 4096, min(time), max(time) FROM sealed_entry GROUP BY 1;

DROP INDEX sealed_entry_time;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON entry_block FROM {{runtime_role}};
