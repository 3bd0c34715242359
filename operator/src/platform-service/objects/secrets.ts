import { resources } from "@plinth/kube";
import type { KafkaAccess, RedisAccess } from "../backing.ts";
import { type Child, child } from "../child.ts";
import type { DatabaseAccess } from "../database-access.ts";
import { annotations, childNames } from "../labels.ts";
import type { ServiceObject } from "../resources.ts";

const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64");

export const secretText = (data: Record<string, string> | undefined, key: string): string | undefined =>
  data?.[key] === undefined ? undefined : Buffer.from(data[key], "base64").toString("utf8");

const secret = (service: ServiceObject, name: string, entries: Record<string, string>, prepared?: string): Child =>
  child(resources.secrets, service, {
    metadata: { name, ...(prepared === undefined ? {} : { annotations: { [annotations.prepared]: prepared } }) },
    type: "Opaque",
    data: Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, base64(value)])),
  });

/** What the service uses: its rows. */
export const databaseSecret = (service: ServiceObject, { runtime }: DatabaseAccess): Child =>
  secret(service, childNames.databaseSecret(service.metadata.name), {
    url: runtime.url,
    username: runtime.role,
    password: runtime.password,
  });

/** What migrations use: the schema itself. Only migration Jobs refer to it. */
export const ddlSecret = (service: ServiceObject, { ddl, hash }: DatabaseAccess, prepared: boolean): Child =>
  secret(
    service,
    childNames.ddlSecret(service.metadata.name),
    { url: ddl.url, username: ddl.role, password: ddl.password },
    prepared ? hash : undefined,
  );

export const busSecret = (service: ServiceObject, url: string): Child =>
  secret(service, childNames.busSecret(service.metadata.name), { url });

/** In the service's namespace: a pod refers to no Secret of another. */
export const kafkaSecret = (service: ServiceObject, { brokers, ca, credentials }: KafkaAccess): Child =>
  secret(service, childNames.kafkaSecret(service.metadata.name), {
    brokers,
    ...credentials,
    ...(ca === undefined ? {} : { [caEntry]: ca }),
  });

export const redisSecret = (service: ServiceObject, { url, ca }: RedisAccess): Child =>
  secret(service, childNames.redisSecret(service.metadata.name), {
    url,
    ...(ca === undefined ? {} : { [caEntry]: ca }),
  });

/** Authorities of a server, as in the Secrets of cert-manager. */
export const caEntry = "ca.crt";
