-- Who has which relation to what. Names are compared byte by byte (COLLATE "C"): pages keep their order whatever the
-- locale of the server.
CREATE TABLE relationship (
  object_type text COLLATE "C" NOT NULL,
  object_id text COLLATE "C" NOT NULL,
  relation text COLLATE "C" NOT NULL,
  subject_type text COLLATE "C" NOT NULL,
  -- "*" stands for everyone of the type.
  subject_id text COLLATE "C" NOT NULL,
  -- Empty unless the subject is a userset, "type:id#relation".
  subject_relation text COLLATE "C" NOT NULL,
  condition_name text COLLATE "C",
  condition_context jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (object_type, object_id, relation, subject_type, subject_id, subject_relation),
  CHECK ((condition_name IS NULL) = (condition_context IS NULL))
);

-- A check reads the usersets of an object apart from its (often many) direct subjects.
CREATE INDEX relationship_usersets ON relationship (object_type, object_id, relation) WHERE subject_relation <> '';

-- Everything that a subject has. There is no index on (object_type, relation): the planner would take it for a check
-- whenever its statistics are old. What a module drops is counted through the primary key.
CREATE INDEX relationship_by_subject
  ON relationship (subject_type, subject_id, subject_relation, object_type, relation, object_id);
CREATE INDEX relationship_by_condition ON relationship (condition_name) WHERE condition_name IS NOT NULL;

-- The types of the services, one text per service. The types of the platform itself ship with the program.
CREATE TABLE model_module (
  name text COLLATE "C" PRIMARY KEY,
  dsl text NOT NULL,
  update_time timestamptz NOT NULL DEFAULT now()
);

-- One row. `revision` grows with every change of a module; `store_id` tells the consistency tokens of this database
-- from those of another one.
CREATE TABLE store_state (
  singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  revision bigint NOT NULL DEFAULT 0,
  store_id uuid NOT NULL DEFAULT gen_random_uuid()
);

INSERT INTO store_state DEFAULT VALUES;
