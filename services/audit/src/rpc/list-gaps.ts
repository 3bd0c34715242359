import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Clock } from "@plinth/kernel";
import type { Database } from "@plinth/postgres";
import { type LogService, Numbering as NumberingMessage } from "@plinth/proto/plinth/audit/v1/log";
import type { Handler } from "@plinth/rpc";
import type { Numbering } from "../domain/numbering.ts";
import { listReuses, listGaps as readGaps } from "../store/source-gaps.ts";

const gapsMax = 1_000;
/**
 * Events of one source come over several topics and partitions, each at its own pace: a number that is missing may be on its way.
 * Longer than a partition waits for an event that fails, and for a member of its group that died.
 */
const settleMs = 300_000;

const numberingMessages: Record<Numbering, NumberingMessage> = {
  records: NumberingMessage.RECORDS,
  events: NumberingMessage.EVENTS,
};

export function listGaps(database: Database, clock: Clock): Handler<typeof LogService.method.listGaps> {
  return async ({ source }) => {
    const eventsBefore = new Date(clock.now() - settleMs);
    const gaps = await readGaps(database, { source, eventsBefore, limit: gapsMax });
    const reuses = await listReuses(database, source, gapsMax);
    return { gaps: gaps.map(toMessage), reuses: reuses.map(toMessage) };
  };
}

const toMessage = <T extends { numbering: Numbering; foundTime: Date }>({ numbering, foundTime, ...same }: T) => ({
  ...same,
  numbering: numberingMessages[numbering],
  foundTime: timestampFromDate(foundTime),
});
