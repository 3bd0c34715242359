import type { ReadRequest } from "../src/domain/check/relationship-reader.ts";
import { unknownState } from "../src/domain/consistency-token.ts";
import { isWildcard } from "../src/domain/relationship/entity.ts";
import { type Relationship, relationshipKey } from "../src/domain/relationship/relationship.ts";
import { matchesFilter } from "../src/domain/relationship/relationship-filter.ts";
import type { AuthzEvent, EventOrigin } from "../src/events/authz-event.ts";
import type { AuthzStore, Change, Snapshot, StoredModule, Usage } from "../src/store/authz-store.ts";
import { createCoalescedReaders } from "../src/store/coalesced-reader.ts";

export interface PublishedEvent {
  event: AuthzEvent;
  origin: EventOrigin;
}

interface State {
  transaction: bigint;
  revision: number;
  relationships: ReadonlyMap<string, Relationship>;
  modules: ReadonlyMap<string, StoredModule>;
  published: readonly PublishedEvent[];
}

export interface MemoryStore extends AuthzStore {
  published(): readonly PublishedEvent[];
}

/** A store in memory for tests: every change works on a copy that replaces the state when it succeeds. One change at a time. */
export function createMemoryStore(store = "0123456789abcdef"): MemoryStore {
  let state: State = {
    transaction: 1n,
    revision: 0,
    relationships: new Map(),
    modules: new Map(),
    published: [],
  };
  let last: Promise<unknown> = Promise.resolve();
  return {
    published: () => state.published,
    async read(atLeast, work) {
      if (atLeast && (atLeast.store !== store || atLeast.transaction > state.transaction)) throw unknownState();
      return work(createSnapshot(state));
    },
    change(_mode, work) {
      const done = last.then(async () => {
        const draft = copyOf(state);
        const result = await work(createChange(draft, { store, transaction: draft.transaction }));
        state = draft;
        return result;
      });
      last = done.catch(() => {});
      return done;
    },
  };
}

interface Draft extends State {
  relationships: Map<string, Relationship>;
  modules: Map<string, StoredModule>;
  published: PublishedEvent[];
}

const copyOf = (state: State): Draft => ({
  transaction: state.transaction + 1n,
  revision: state.revision,
  relationships: new Map(state.relationships),
  modules: new Map(state.modules),
  published: [...state.published],
});

function createSnapshot(state: State): Snapshot {
  const sorted = (): Relationship[] => [...state.relationships.values()].sort(byKey);
  return {
    revision: String(state.revision),
    modules: async () => [...state.modules.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    reader: createCoalescedReaders(async (requests, limit) =>
      sorted()
        .filter((relationship) => requests.some((request) => isAskedFor(request, relationship)))
        .slice(0, limit),
    ),
    list: async (filter, after, limit) =>
      sorted()
        .filter((relationship) => matchesFilter(filter, relationship))
        .filter((relationship) => !after || byKey(relationship, after) > 0)
        .slice(0, limit),
  };
}

function createChange(draft: Draft, token: Change["token"]): Change {
  const pick = (relationships: readonly Relationship[]): Relationship[] =>
    relationships.flatMap((relationship) => draft.relationships.get(relationshipKey(relationship)) ?? []);
  return {
    ...createSnapshot(draft),
    token,
    async insert(relationships) {
      const fresh = relationships.filter((relationship) => !draft.relationships.has(relationshipKey(relationship)));
      for (const relationship of fresh) draft.relationships.set(relationshipKey(relationship), relationship);
      return fresh;
    },
    async remove(relationships) {
      const found = pick(relationships);
      for (const relationship of found) draft.relationships.delete(relationshipKey(relationship));
      return found;
    },
    find: async (relationships) => pick(relationships),
    async putModule(module) {
      draft.modules.set(module.name, { ...module, updateTime: new Date() });
      draft.revision++;
    },
    countUses: async (usage) => [...draft.relationships.values()].filter((r) => uses(usage, r)).length,
    async publish(event, origin) {
      draft.published.push({ event, origin });
    },
  };
}

function isAskedFor(request: ReadRequest, { object, relation, subject }: Relationship): boolean {
  if (request.object.type !== object.type || request.object.id !== object.id || request.relation !== relation)
    return false;
  const { subject: wanted } = request;
  const named =
    wanted?.type === subject.type &&
    wanted.relation === subject.relation &&
    (wanted.id === subject.id || isWildcard(subject));
  const plain = subject.relation === undefined && !isWildcard(subject);
  return named || (request.usersets && subject.relation !== undefined) || (request.objects && plain);
}

function uses(usage: Usage, { object, relation, subject, condition }: Relationship): boolean {
  switch (usage.kind) {
    case "type":
      return object.type === usage.type || subject.type === usage.type;
    case "relation":
      return (
        (object.type === usage.type && relation === usage.relation) ||
        (subject.type === usage.type && subject.relation === usage.relation)
      );
    case "condition":
      return condition?.name === usage.condition;
  }
}

function byKey(a: Relationship, b: Relationship): number {
  const left = keyParts(a);
  const right = keyParts(b);
  for (const [index, part] of left.entries()) {
    const order = Buffer.compare(Buffer.from(part), Buffer.from(right[index] as string));
    if (order !== 0) return order;
  }
  return 0;
}

const keyParts = (r: Relationship): string[] => [
  r.object.type,
  r.object.id,
  r.relation,
  r.subject.type,
  r.subject.id,
  r.subject.relation ?? "",
];
