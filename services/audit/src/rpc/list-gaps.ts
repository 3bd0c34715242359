import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Clock } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";
import { type LogService, Numbering as NumberingMessage } from "@plinth/proto/plinth/audit/v1/log";
import type { Handler } from "@plinth/rpc";
import type { Numbering } from "../domain/numbering.ts";
import { listReuses, listGaps as readGaps } from "../store/source-gaps.ts";

const gapsMax = 1_000;

const numberingMessages: Record<Numbering, NumberingMessage> = {
  records: NumberingMessage.RECORDS,
  events: NumberingMessage.EVENTS,
};

export function listGaps(database: Database, clock: Clock): Handler<typeof LogService.method.listGaps> {
  return async ({ source }) => {
    const gaps = await readGaps(database, { source, now: new Date(clock.now()), limit: gapsMax });
    const reuses = await listReuses(database, source, gapsMax);
    return { gaps: gaps.map(toMessage), reuses: reuses.map(toMessage) };
  };
}

const toMessage = <T extends { numbering: Numbering; foundTime: Date }>({ numbering, foundTime, ...same }: T) => ({
  ...same,
  numbering: numberingMessages[numbering],
  foundTime: timestampFromDate(foundTime),
});
