CREATE TABLE note (
  -- UUID version 7: sorts by creation time.
  id uuid PRIMARY KEY,
  owner_id uuid NOT NULL,
  title text NOT NULL,
  text text NOT NULL,
  create_time timestamptz NOT NULL
);

CREATE INDEX note_owner ON note (owner_id, id);

-- For lists only: whether somebody may read a note is what authz says.
CREATE TABLE note_viewer (
  user_id uuid NOT NULL,
  note_id uuid NOT NULL REFERENCES note ON DELETE CASCADE,
  PRIMARY KEY (user_id, note_id)
);

CREATE INDEX note_viewer_note ON note_viewer (note_id);
