/** Lists that other managers may add entries to, with what identifies an entry. All others are compared as a whole. */
const mergedLists: Record<string, Record<string, string>> = {
  Deployment: {
    containers: "name",
    initContainers: "name",
    env: "name",
    volumes: "name",
    volumeMounts: "mountPath",
    ports: "containerPort",
    imagePullSecrets: "name",
    ownerReferences: "uid",
  },
  Service: { ports: "port", ownerReferences: "uid" },
};
const everywhere: Record<string, string> = { ownerReferences: "uid", finalizers: "" };

/**
 * Whether an object has every field that a draft states, with the same value. Fields that the draft does not state are
 * others' business, as in server-side apply.
 */
export function covers(live: unknown, draft: unknown, kind: string): boolean {
  return coversValue(live, draft, kind, "");
}

function coversValue(live: unknown, draft: unknown, kind: string, field: string): boolean {
  if (draft === undefined || live === draft) return true;
  if (Array.isArray(draft)) return coversList(live ?? [], draft, kind, field);
  if (typeof draft === "object" && draft !== null) {
    if (live === undefined) return Object.values(draft).every((value) => value === undefined);
    if (typeof live !== "object" || live === null || Array.isArray(live)) return false;
    const fields = live as Record<string, unknown>;
    return Object.entries(draft).every(([name, value]) => coversValue(fields[name], value, kind, name));
  }
  // The API server rewrites quantities: "1024Mi" becomes "1Gi".
  return (field === "cpu" || field === "memory" || field === "sizeLimit") && quantity(live) === quantity(draft);
}

function coversList(live: unknown, draft: readonly unknown[], kind: string, field: string): boolean {
  if (!Array.isArray(live)) return false;
  const key = mergedLists[kind]?.[field] ?? everywhere[field];
  if (!key) {
    return live.length === draft.length && draft.every((item, i) => coversValue(live[i], item, kind, ""));
  }
  const keyOf = (item: unknown): unknown => (item as Record<string, unknown>)[key];
  return draft.every((item) =>
    coversValue(
      live.find((candidate) => keyOf(candidate) === keyOf(item)),
      item,
      kind,
      "",
    ),
  );
}

const factors: Record<string, number> = {
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A Kubernetes quantity in thousandths. */
function quantity(value: unknown): number | undefined {
  const match = /^([0-9]+(?:[.][0-9]+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(String(value));
  return match ? Math.round(Number(match[1]) * (factors[match[2] ?? ""] ?? 1) * 1000) : undefined;
}
