-- What each service said last that it runs with: a report is compared to it. The log says what it was before.
CREATE TABLE configuration_item (
  source text NOT NULL,
  "group" text NOT NULL,
  name text NOT NULL,
  value jsonb NOT NULL,
  PRIMARY KEY (source, "group", name)
);
