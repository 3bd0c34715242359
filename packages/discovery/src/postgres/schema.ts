/** DDL of the registry, idempotent. The substrate runs it with search_path = plinth_discovery and grants the tables to role plinth_discovery. */
export const discoverySchemaSql = `
CREATE TABLE IF NOT EXISTS instance (
  instance_id text PRIMARY KEY,
  service text NOT NULL,
  host text NOT NULL,
  port integer NOT NULL,
  zone text,
  draining boolean NOT NULL DEFAULT false,
  lease_ends timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS instance_service ON instance (service);
`;

/** Channel that is notified, with the service as payload, when an instance comes, drains or goes. */
export const discoveryChannel = "plinth_discovery";
