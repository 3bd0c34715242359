import { expect, test } from "vitest";
import { databaseAttributes, summaryOf } from "../src/trace-statements.ts";

test.each([
  ["SELECT * FROM users WHERE id = $1", "SELECT users"],
  ['insert into "users" ("id", "email") values ($1, $2) returning "id"', "INSERT users"],
  ["UPDATE outbox_cursor SET high = $1", "UPDATE outbox_cursor"],
  ["DELETE FROM sessions WHERE id = $1", "DELETE sessions"],
  ["SELECT extract(epoch FROM clock_timestamp() - time) FROM outbox", "SELECT outbox"],
  ["SELECT pg_notify($1, current_schema())", "SELECT"],
  ["WITH asked AS (SELECT * FROM unnest($1::text[])) SELECT t.* FROM asked JOIN tuples t USING (id)", "SELECT tuples"],
  ["WITH old AS (SELECT id FROM keys FOR UPDATE) INSERT INTO archive SELECT * FROM old", "INSERT keys"],
  ["COMMIT", "COMMIT"],
  ["", "QUERY"],
])("%s is called %s", (text, summary) => {
  expect(summaryOf(text).summary).toBe(summary);
});

test("the server and the database of a URL are told, its password is not", () => {
  const attributes = databaseAttributes("postgres://u:secret@db.example:6543/plinth?sslmode=require");
  expect(attributes).toEqual({
    "db.system.name": "postgresql",
    "db.namespace": "plinth",
    "server.address": "db.example",
    "server.port": 6543,
  });
});
