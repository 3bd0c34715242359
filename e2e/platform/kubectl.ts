import { attempt, type Ended, type ProgramOptions, run } from "./program.ts";

/** What the suites read of an object. */
export interface ClusterObject {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    generation?: number;
    resourceVersion: string;
    creationTimestamp: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    deletionTimestamp?: string;
  };
  // biome-ignore lint/suspicious/noExplicitAny: objects of all kinds, read by tests
  spec?: any;
  // biome-ignore lint/suspicious/noExplicitAny: objects of all kinds, read by tests
  status?: any;
  data?: Record<string, string>;
}

/** Runs kubectl on the cluster of KUBECONFIG, as a person would. */
export const kubectl = (...args: string[]): Promise<string> => run("kubectl", args);

export const tryKubectl = (...args: string[]): Promise<Ended> => attempt("kubectl", args);

/** `kubectl ARGS -f -` with this as the file. */
export const kubectlWith = (input: string, args: readonly string[], options: ProgramOptions = {}): Promise<Ended> =>
  attempt("kubectl", [...args, "-f", "-"], { ...options, input });

export async function apply(manifest: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await kubectlWith(manifest, ["apply", ...args]);
  if (code !== 0) throw new Error(`kubectl apply: ${stderr.trim()}`);
}

export async function get(kind: string, name: string, namespace: string): Promise<ClusterObject | undefined> {
  const text = await kubectl("get", kind, name, "-n", namespace, "--ignore-not-found", "-o", "json");
  return text.trim() === "" ? undefined : (JSON.parse(text) as ClusterObject);
}

export async function list(kind: string, namespace: string, selector?: string): Promise<ClusterObject[]> {
  const chosen = selector === undefined ? [] : ["-l", selector];
  return JSON.parse(await kubectl("get", kind, "-n", namespace, ...chosen, "-o", "json")).items as ClusterObject[];
}

/** `kubectl wait`, bounded. */
export const wait = (what: string, condition: string, namespace: string, timeoutSeconds = 300): Promise<string> =>
  run("kubectl", ["wait", what, `--for=${condition}`, "-n", namespace, `--timeout=${timeoutSeconds}s`], {
    timeoutMs: (timeoutSeconds + 30) * 1000,
  });

export interface ConditionText {
  status: string;
  reason: string;
  message: string;
}

/** Conditions by type. */
export const conditions = (object: ClusterObject | undefined): Record<string, ConditionText> =>
  Object.fromEntries(
    (object?.status?.conditions ?? []).map((each: ConditionText & { type: string }) => [each.type, each]),
  );
