-- The log as a transparency log. Expands: instances of the version before go on appending to `entry`, under the same lock on
-- `head`, and the sequencer moves what they wrote. A later migration drops `entry`.

-- A key per user that personal data is encrypted with. Erasing a user empties `wrapped`; the row stays, so that nothing
-- that arrives late gets a new key.
CREATE TABLE subject_key (
  id uuid PRIMARY KEY,
  -- Keyed hash of the subject.
  tag bytea NOT NULL CONSTRAINT subject_key_tag_unique UNIQUE,
  wrapped bytea,
  create_time timestamptz NOT NULL,
  erase_time timestamptz,
  -- No entry can be found by the erased user any more.
  tags_removed boolean NOT NULL DEFAULT false,
  CHECK ((wrapped IS NULL) = (erase_time IS NOT NULL))
);

CREATE INDEX subject_key_erased ON subject_key (erase_time) WHERE erase_time IS NOT NULL AND NOT tags_removed;

CREATE TABLE sealed_entry (
  sequence bigint PRIMARY KEY,
  id uuid NOT NULL CONSTRAINT sealed_entry_id_unique UNIQUE,
  time timestamptz NOT NULL,
  record_time timestamptz NOT NULL,
  source text NOT NULL,
  action text NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('success', 'failure', 'denied')),
  request_id text NOT NULL,
  trace_id text NOT NULL,
  -- Actor and IP address, encrypted with the key `who_key`; the service's own key when that is null.
  who_key uuid,
  who_sealed bytea NOT NULL,
  who_commitment bytea NOT NULL,
  -- Resource, details and payload.
  what_key uuid,
  what_sealed bytea NOT NULL,
  what_commitment bytea NOT NULL,
  -- Number among the records of its source; 0 for a source that does not number them.
  source_sequence bigint NOT NULL DEFAULT 0,
  -- Keyed hashes to search by; not part of the leaf, emptied when the user is erased.
  actor_tag bytea,
  resource_tag bytea
);

CREATE INDEX sealed_entry_actor ON sealed_entry (actor_tag, sequence DESC);
CREATE INDEX sealed_entry_resource ON sealed_entry (resource_tag, sequence DESC);
CREATE INDEX sealed_entry_action ON sealed_entry (action text_pattern_ops, sequence DESC);
CREATE INDEX sealed_entry_source ON sealed_entry (source, sequence DESC);
CREATE INDEX sealed_entry_request ON sealed_entry (request_id, sequence DESC);
-- Failures and refusals are what one looks for among many successes.
CREATE INDEX sealed_entry_outcome ON sealed_entry (outcome, sequence DESC) WHERE outcome <> 'success';
CREATE INDEX sealed_entry_time ON sealed_entry (time);
CREATE INDEX sealed_entry_who_key ON sealed_entry (who_key, sequence) WHERE who_key IS NOT NULL;
CREATE INDEX sealed_entry_what_key ON sealed_entry (what_key, sequence) WHERE what_key IS NOT NULL;

-- The Merkle tree (c2sp.org/tlog-tiles): 32 bytes per hash, at most 256 of them. A partial tile grows in place.
CREATE TABLE tile (
  level smallint NOT NULL,
  index bigint NOT NULL,
  hashes bytea NOT NULL CHECK (length(hashes) % 32 = 0 AND length(hashes) BETWEEN 32 AND 8192),
  PRIMARY KEY (level, index)
);

-- What the log says of itself. Its row lock makes the sequencer one.
CREATE TABLE log_head (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  size bigint NOT NULL,
  root bytea NOT NULL,
  -- The signed note; empty until the first one.
  checkpoint text NOT NULL,
  time timestamptz NOT NULL,
  -- Entries up to here were removed when their time was over; their hashes stay in the tree.
  pruned bigint NOT NULL DEFAULT 0
);
INSERT INTO log_head (size, root, checkpoint, time)
VALUES (0, '\xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', '', now());

CREATE TABLE log_key (
  -- Of c2sp.org/signed-note, in hexadecimal.
  id text PRIMARY KEY,
  name text NOT NULL,
  public_key bytea NOT NULL,
  -- The Ed25519 seed, encrypted.
  sealed_seed bytea NOT NULL,
  create_time timestamptz NOT NULL,
  -- It signs until then; null for the current key.
  retire_time timestamptz
);

-- The newest checkpoint that each witness cosigned.
CREATE TABLE cosignature (
  name text NOT NULL,
  key_id text NOT NULL,
  size bigint NOT NULL,
  checkpoint text NOT NULL,
  line text NOT NULL,
  PRIMARY KEY (name, key_id)
);

-- The highest number of each source that numbers its records, and what is missing below it.
CREATE TABLE source_position (
  source text PRIMARY KEY,
  last bigint NOT NULL
);
CREATE TABLE source_gap (
  source text NOT NULL,
  first bigint NOT NULL,
  last bigint NOT NULL CHECK (last >= first),
  found_time timestamptz NOT NULL,
  PRIMARY KEY (source, first)
);

-- A sealed entry may only be moved here from `entry`, never out of `entry` otherwise.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'entry' THEN
    IF EXISTS (SELECT FROM sealed_entry s WHERE s.sequence = OLD.sequence AND s.id = OLD.id) THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION 'audit entries cannot be changed or removed';
END $$;

CREATE FUNCTION refuse_sealed_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    -- Erasing a user takes the search tags away, and only that.
    IF NEW.actor_tag IS NOT DISTINCT FROM OLD.actor_tag OR NEW.actor_tag IS NULL THEN
      IF NEW.resource_tag IS NOT DISTINCT FROM OLD.resource_tag OR NEW.resource_tag IS NULL THEN
        OLD.actor_tag := NEW.actor_tag;
        OLD.resource_tag := NEW.resource_tag;
        IF NEW IS NOT DISTINCT FROM OLD THEN RETURN NEW; END IF;
      END IF;
    END IF;
  ELSIF TG_OP = 'DELETE' THEN
    IF OLD.sequence <= (SELECT pruned FROM log_head) THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION 'audit entries cannot be changed or removed';
END $$;
CREATE TRIGGER sealed_entry_is_append_only BEFORE UPDATE OR DELETE ON sealed_entry FOR EACH ROW EXECUTE FUNCTION refuse_sealed_change();
CREATE TRIGGER sealed_entry_is_never_emptied BEFORE TRUNCATE ON sealed_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Tiles and the head go forward only.
CREATE FUNCTION refuse_rewrite() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'tile' THEN
    IF NEW.level = OLD.level AND NEW.index = OLD.index AND substring(NEW.hashes FOR length(OLD.hashes)) = OLD.hashes THEN
      RETURN NEW;
    END IF;
  ELSIF TG_OP = 'UPDATE' THEN
    IF NEW.pruned >= OLD.pruned AND NEW.pruned <= NEW.size
       AND (NEW.size > OLD.size OR (NEW.size = OLD.size AND NEW.root = OLD.root)) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION 'the audit log only grows';
END $$;
CREATE TRIGGER tile_only_grows BEFORE UPDATE OR DELETE ON tile FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER tile_is_never_emptied BEFORE TRUNCATE ON tile FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER log_head_only_grows BEFORE UPDATE OR DELETE ON log_head FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER log_head_is_never_emptied BEFORE TRUNCATE ON log_head FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

-- Moving an entry ends in removing it from where it was; the trigger sees to it that it was moved.
GRANT DELETE ON entry TO {{runtime_role}};
REVOKE UPDATE, TRUNCATE ON sealed_entry FROM {{runtime_role}};
GRANT UPDATE (actor_tag, resource_tag) ON sealed_entry TO {{runtime_role}};
REVOKE DELETE, TRUNCATE ON tile, subject_key, log_key FROM {{runtime_role}};
REVOKE INSERT, DELETE, TRUNCATE ON log_head FROM {{runtime_role}};
REVOKE UPDATE ON log_key FROM {{runtime_role}};
GRANT UPDATE (retire_time) ON log_key TO {{runtime_role}};
REVOKE UPDATE ON subject_key FROM {{runtime_role}};
GRANT UPDATE (wrapped, erase_time, tags_removed) ON subject_key TO {{runtime_role}};
