import type { CallOptions } from "@connectrpc/connect";

/** A list RPC as a client has it (AIP-158). */
type List<Request, Page> = (request: Request, options?: CallOptions) => Promise<Page>;

/** What the one list in a page holds. */
export type ItemOf<Page> = {
  [Field in Exclude<keyof Page, `$${string}`>]: Page[Field] extends readonly (infer Item)[] ? Item : never;
}[Exclude<keyof Page, `$${string}`>];

/** The pages of a list, each fetched when it is asked for: `for await (const page of pages(plinth.identity.listUsers, {}))`. */
export async function* pages<Request extends { pageToken?: string }, Page extends { nextPageToken: string }>(
  list: List<Request, Page>,
  request: NoInfer<Request>,
  options?: CallOptions,
): AsyncGenerator<Page> {
  let pageToken = request.pageToken ?? "";
  do {
    const page = await list({ ...request, pageToken }, options);
    yield page;
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
}

/** Everything in a list, page by page: `for await (const user of items(plinth.identity.listUsers, { pageSize: 100 }))`. */
export async function* items<Request extends { pageToken?: string }, Page extends { nextPageToken: string }>(
  list: List<Request, Page>,
  request: NoInfer<Request>,
  options?: CallOptions,
): AsyncGenerator<ItemOf<Page>> {
  for await (const page of pages(list, request, options)) yield* listIn(page) as ItemOf<Page>[];
}

function listIn(page: object): unknown[] {
  const lists = Object.entries(page).filter(([field, value]) => !field.startsWith("$") && Array.isArray(value));
  if (lists.length !== 1)
    throw new TypeError(`a page must have one list, this one has ${lists.length}: go through it with pages()`);
  return lists[0]?.[1] as unknown[];
}
