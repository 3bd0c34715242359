import { busSchemaSql } from "@plinth/bus/schema";
import { type Clock, isFault, type Random } from "@plinth/kernel";
import { type ApiClient, resources } from "@plinth/kube";
import { roleUrl } from "@plinth/postgres/provision";
import type { DatabaseServer } from "./database.ts";
import { fieldManager } from "./labels.ts";
import { secretText } from "./objects/secrets.ts";
import type { Trouble } from "./observed.ts";

/** The event bus in PostgreSQL: one schema and one role for all services. */
export interface Bus {
  /** The URL that services use; prepares the schema at the first call and when the server changes. */
  url(serverUrl: string, signal: AbortSignal): Promise<{ url: string } | { trouble: Trouble }>;
}

export interface BusOptions {
  client: ApiClient;
  server: DatabaseServer;
  /** Holds the Secret with the role's password. */
  namespace: string;
  clock: Clock;
  random: Random;
}

const schema = "plinth_bus";
const secretName = "plinth-bus";
/** After a failure nobody tries again for this long: a thousand services ask at once. */
const pauseMs = 5_000;

export function createBus({ client, server, namespace, clock, random }: BusOptions): Bus {
  let prepared: { serverUrl: string; url: string } | undefined;
  let failed: { atMs: number; trouble: Trouble } | undefined;
  let preparing: Promise<{ url: string } | { trouble: Trouble }> | undefined;

  async function password(signal: AbortSignal): Promise<string> {
    const ref = { namespace, name: secretName };
    const found = secretText((await client.find(resources.secrets, ref, { signal }))?.data, "password");
    if (found !== undefined) return found;
    const made = Buffer.from(random.bytes(24)).toString("base64url");
    const data = { password: Buffer.from(made).toString("base64") };
    try {
      await client.create(resources.secrets, { metadata: ref, type: "Opaque", data }, { fieldManager, signal });
      return made;
    } catch (err) {
      if (!isFault(err) || err.code !== "already_exists") throw err;
      // Another operator was faster; its password counts.
      return secretText((await client.get(resources.secrets, ref, { signal })).data, "password") ?? "";
    }
  }

  async function prepare(serverUrl: string, signal: AbortSignal): Promise<{ url: string } | { trouble: Trouble }> {
    const secret = await password(signal);
    const result = await server.ensureInfrastructure(serverUrl, { schema, password: secret, ddl: busSchemaSql });
    if ("trouble" in result) {
      const trouble: Trouble = { reason: "BusNotReady", message: result.trouble.message };
      failed = { atMs: clock.monotonicMs(), trouble };
      return { trouble };
    }
    const url = roleUrl(serverUrl, schema, secret);
    prepared = { serverUrl, url };
    return { url };
  }

  return {
    async url(serverUrl, signal) {
      if (prepared?.serverUrl === serverUrl) return { url: prepared.url };
      if (failed && clock.monotonicMs() - failed.atMs < pauseMs) return { trouble: failed.trouble };
      preparing ??= prepare(serverUrl, signal).finally(() => {
        preparing = undefined;
      });
      return preparing;
    },
  };
}
