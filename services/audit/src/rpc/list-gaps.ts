import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Database } from "@plinth/postgres";
import type { LogService } from "@plinth/proto/plinth/audit/v1/log";
import type { Handler } from "@plinth/rpc";
import { listGaps as readGaps } from "../store/source-gaps.ts";

const gapsMax = 1_000;

export function listGaps(database: Database): Handler<typeof LogService.method.listGaps> {
  return async ({ source }) => {
    const gaps = await readGaps(database, source, gapsMax);
    return { gaps: gaps.map(({ foundTime, ...gap }) => ({ ...gap, foundTime: timestampFromDate(foundTime) })) };
  };
}
