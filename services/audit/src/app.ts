import { createAuthzAuthorizer } from "@plinth/clients";
import type { ServiceDefinition } from "@plinth/service";
import { config, originOf } from "./config.ts";
import { onAnyEvent } from "./events/on-any-event.ts";
import { tlogRoutes } from "./http/tlog-routes.ts";
import { createCosignatureStore } from "./log/cosignatures.ts";
import { createLogKeys } from "./log/log-keys.ts";
import { createLogReader } from "./log/log-reader.ts";
import { createRetention } from "./log/retention.ts";
import { createSequencer } from "./log/sequencer.ts";
import { createWitnessFeeder } from "./log/witness-feeder.ts";
import { logRoutes, routes } from "./routes.ts";
import { deriveSecrets } from "./sealing/secrets.ts";
import { createEntrySealer } from "./store/entry-sealer.ts";
import { createPostgresEntryStore } from "./store/postgres-entry-store.ts";
import { createSubjectKeys } from "./store/subject-keys.ts";

export const audit: ServiceDefinition<typeof config> = {
  name: "audit",
  version: "0.1.0",
  config,
  uses: { database: true, bus: true },
  compose({ database, bus, clients, accessTokens, logger, clock, random, base }, settings) {
    const { retentionMs, logPublic, keyOverlapMs: overlapMs, witnesses } = settings;
    const secrets = deriveSecrets(Buffer.from(settings.encryptionKey, "base64"));
    const origin = originOf(settings.logOrigin, base.tokenIssuer);
    const subjectKeys = createSubjectKeys(secrets, { clock, random });
    const sealer = createEntrySealer({ secrets, keys: subjectKeys, random });
    const entries = createPostgresEntryStore({ database, clock, secrets, keys: subjectKeys, sealer });
    const keys = createLogKeys({ database, secrets, clock, random, origin, overlapMs });
    const reader = createLogReader(database);
    const sequencer = createSequencer({ database, sealer, keys, clock, logger, origin });
    const cosignatures = createCosignatureStore({ database, keys, origin, witnesses: witnesses.map(({ key }) => key) });
    const authorizer = createAuthzAuthorizer(clients);
    return {
      services: [routes(entries, clock), logRoutes({ entries, origin, keys, reader, sequencer, cosignatures })],
      httpRoutes: tlogRoutes({ database, reader, accessTokens, authorizer, logger, logPublic }),
      workers: [
        sequencer,
        createRetention({ database, clock, logger, retentionMs }),
        createWitnessFeeder({ witnesses, reader, cosignatures, clock, logger }),
        onAnyEvent(bus, database, entries),
      ],
    };
  },
};
