-- Facts that this service has committed and not yet published. The relay sends them in the order of `position` and then
-- deletes them.
CREATE TABLE outbox (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL,
  topic text NOT NULL,
  key text NOT NULL,
  type text NOT NULL,
  subject text NOT NULL,
  time timestamptz NOT NULL DEFAULT now(),
  data bytea NOT NULL,
  actor text NOT NULL,
  request_id text NOT NULL,
  traceparent text
);

-- Messages that a consumer of this service has handled, written in the transaction of their effect.
CREATE TABLE inbox (
  consumer text NOT NULL,
  message_id uuid NOT NULL,
  handled_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, message_id)
);

CREATE INDEX inbox_handled_at ON inbox (handled_at);
