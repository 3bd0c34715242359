import { createAuthzAuthorizer } from "@plinth/clients";
import { createDataKey } from "@plinth/postgres";
import type { ServiceDefinition } from "@plinth/service";
import { config, originOf } from "./config.ts";
import { createConfigurationRecord } from "./configuration/configuration-record.ts";
import { onAnyEvent } from "./events/on-any-event.ts";
import { tlogRoutes } from "./http/tlog-routes.ts";
import { createAuditLog } from "./log/audit-log.ts";
import { opensLogKey } from "./log/log-keys.ts";
import { createWitnessFeeder } from "./log/witness-feeder.ts";
import { configurationRoutes, logRoutes, routes } from "./routes.ts";

export const audit: ServiceDefinition<typeof config> = {
  name: "audit",
  version: "0.1.0",
  config,
  uses: { database: true, bus: true },
  comments: async () => (await import("@plinth/proto/comments/plinth/audit/v1")).comments,
  compose({ database, bus, clients, accessTokens, logger, clock, random, base }, settings) {
    const { retentionMs, logPublic, keyOverlapMs, witnesses } = settings;
    const origin = originOf(settings.logOrigin, base.tokenIssuer);
    const dataKey = createDataKey({
      ...{ database, random, logger, setting: config.encryptionKey.env, earlier: opensLogKey },
      current: settings.encryptionKey,
      previous: settings.previousEncryptionKey,
    });
    const log = createAuditLog({
      ...{ database, clock, random, logger, origin, keyOverlapMs, retentionMs },
      master: dataKey.key,
      witnesses: witnesses.map(({ key }) => key),
    });
    const { recorder, entries, reader, sequencer, erasure, retention, numbers, cosignatures } = log;
    const configurations = createConfigurationRecord({ database, entries, clock, random });
    const authorizer = createAuthzAuthorizer(clients);
    return {
      services: [
        routes(entries, recorder, clock),
        configurationRoutes(configurations),
        logRoutes({ ...log, database, clock, origin }),
      ],
      httpRoutes: tlogRoutes({ database, reader, accessTokens, authorizer, logger, logPublic }),
      workers: [
        dataKey,
        sequencer,
        erasure,
        retention,
        numbers,
        createWitnessFeeder({ witnesses, reader, cosignatures, clock, logger }),
        onAnyEvent(bus, recorder),
      ],
    };
  },
};
