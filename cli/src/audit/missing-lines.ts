import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Gap, type ListGapsResponse, Numbering, type Reuse } from "@plinth/proto/plinth/audit/v1/log";

/**
 * What the log knows that it did not get, for a person. No proof says so, and none is broken by it: it is about sources, not
 * about the log.
 */
export function missingLines({ gaps, reuses }: Pick<ListGapsResponse, "gaps" | "reuses">): string[] {
  if (gaps.length === 0 && reuses.length === 0) return ["no source says that something of it is missing"];
  return [
    ...gaps.map((gap) => `MISSING: ${numbersOf(gap)} did not arrive, found ${timeOf(gap)}`),
    ...reuses.map(
      (reuse) =>
        `USED AGAIN: ${numbersOf(reuse)} came for something else than before, first in entry ${reuse.entryId}, found ${timeOf(reuse)}: was the source restored from a backup?`,
    ),
  ];
}

const kinds: Record<Numbering, string> = {
  [Numbering.UNSPECIFIED]: "numbers",
  [Numbering.RECORDS]: "records",
  [Numbering.EVENTS]: "events",
};

const numbersOf = ({ numbering, source, first, last }: Gap | Reuse): string =>
  `${kinds[numbering]} ${first === last ? first : `${first} to ${last}`} of ${source}`;

const timeOf = ({ foundTime }: Gap | Reuse): string => (foundTime ? timestampDate(foundTime).toISOString() : "before");
