import type { AuthzService } from "@plinth/proto/plinth/authz/v1/authz";
import type { Handler } from "@plinth/rpc";
import { parseToken } from "../domain/consistency-token.ts";
import { parseFilter } from "../domain/relationship/relationship-filter.ts";
import type { AuthzStore } from "../store/authz-store.ts";
import { formatPageToken, parsePageToken } from "./page-token.ts";
import { toProtoRelationship } from "./proto-relationship.ts";

const pageSizeDefault = 50;

export const readRelationships =
  (store: AuthzStore): Handler<typeof AuthzService.method.readRelationships> =>
  async (request) => {
    const filter = parseFilter(request.filter ?? { object: "", relation: "", subject: "" });
    const after = parsePageToken(filter, request.pageToken);
    const size = request.pageSize || pageSizeDefault;
    const token = request.consistency?.atLeastAsFresh;
    // One more than the page tells whether there is another page.
    const found = await store.read(token ? parseToken(token) : undefined, (snapshot) =>
      snapshot.list(filter, after, size + 1),
    );
    const page = found.slice(0, size);
    const last = page.at(-1);
    return {
      relationships: page.map(toProtoRelationship),
      nextPageToken: found.length > size && last ? formatPageToken(filter, last) : "",
    };
  };
