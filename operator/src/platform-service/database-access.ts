import { contentHash } from "@plinth/kube";
import { roleUrl } from "@plinth/postgres/provision";
import type { ServiceObject } from "./resources.ts";

/** Passwords of a service's two roles. */
export interface Passwords {
  ddl: string;
  runtime: string;
}

/** Everything about a service's part of the database, computed from the server's URL and the passwords. */
export interface DatabaseAccess {
  database: string;
  schema: string;
  ddl: { role: string; password: string; url: string };
  runtime: { role: string; password: string; url: string };
  /** Stands for where the data lies; changes when the platform moves to another server. */
  place: string;
  /** Stands for everything that is prepared in the database. */
  hash: string;
  /** Whose schema it is, as the database remembers it. */
  owner: string;
}

export function databaseAccess(
  service: ServiceObject,
  schema: string,
  serverUrl: string,
  passwords: Passwords,
): DatabaseAccess {
  const server = new URL(serverUrl);
  const database = decodeURIComponent(server.pathname.slice(1)) || "postgres";
  const ddlRole = `${schema}_ddl`;
  const place = `${server.hostname}:${server.port || "5432"}/${database}`;
  return {
    database,
    schema,
    ddl: { role: ddlRole, password: passwords.ddl, url: roleUrl(serverUrl, ddlRole, passwords.ddl) },
    runtime: { role: schema, password: passwords.runtime, url: roleUrl(serverUrl, schema, passwords.runtime) },
    place,
    hash: contentHash([place, schema, passwords.ddl, passwords.runtime]),
    owner: `${service.metadata.namespace}/${service.metadata.name}`,
  };
}
