import { isFault } from "@plinth/kernel";
import { type KubeObject, resources } from "@plinth/kube";
import { type PreviewedChild, platformServices, previewChildren, type ServiceObject } from "@plinth/operator";
import { applyDefaults, formatProblem, type NormalPlatformService } from "@plinth/platform";
import { CommandFailure, exitCodes } from "../exit-codes.ts";
import { fieldManager } from "../kubernetes/named-service.ts";
import { type Cluster, type ClusterOptions, withCluster } from "../kubernetes/open-cluster.ts";
import type { Terminal } from "../terminal.ts";
import { lineDiff } from "./line-diff.ts";
import { asYaml } from "./plan.ts";
import { readManifests } from "./read-manifests.ts";

export interface DiffOptions extends ClusterOptions {
  file: string[];
}

/** As `kubectl diff`: something would change. */
const differs = 1;

/**
 * Shows what applying manifests would change: in the PlatformService, by the API server's dry run, and in what the operator
 * makes of it, by the operator's own plan for both versions. Exit code 0: nothing; 1: something.
 */
export async function diff(options: DiffOptions, terminal: Terminal): Promise<number> {
  const { services, problems } = await readManifests(options.file);
  for (const problem of problems) terminal.note(formatProblem(problem));
  if (problems.length > 0) throw new CommandFailure("correct the manifest first", exitCodes.usage);
  return withCluster(options, async (cluster) => {
    let changed = false;
    for (const manifest of services) {
      const found = await diffOne(cluster, manifest, terminal);
      changed ||= found;
    }
    if (!changed) terminal.line("nothing would change");
    return changed ? differs : exitCodes.ok;
  });
}

async function diffOne(cluster: Cluster, manifest: NormalPlatformService, terminal: Terminal): Promise<boolean> {
  const { name, namespace = cluster.namespace } = manifest.metadata as { name: string; namespace?: string };
  const before = await cluster.client.find(platformServices, { namespace, name });
  const after = await dryRun(cluster, manifest, before, { namespace, name });
  const own = lineDiff(before ? asYaml(ofPeople(before)) : "", asYaml(ofPeople(after)));
  print(`PlatformService ${namespace}/${name}`, own, terminal);
  const [old, young] = [before ? previewOf(before) : [], previewOf(after)];
  const keyOf = ({ kind, metadata }: PreviewedChild): string => `${kind} ${metadata.name}`;
  let changed = own.length > 0;
  for (const key of new Set([...old, ...young].map(keyOf))) {
    const texts = [old, young].map((list) => {
      const found = list.find((child) => keyOf(child) === key);
      return found ? asYaml(found) : "";
    });
    const lines = lineDiff(texts[0] ?? "", texts[1] ?? "");
    print(`${key}, by the operator`, lines, terminal);
    changed ||= lines.length > 0;
  }
  return changed;
}

function print(title: string, lines: readonly string[], terminal: Terminal): void {
  if (lines.length === 0) return;
  terminal.line(`=== ${title}`);
  for (const line of lines) terminal.line(line.startsWith("+") ? terminal.tint(line, 2) : line);
}

const previewOf = (service: ServiceObject): PreviewedChild[] => {
  const { status: _, ...rest } = service;
  const complete = applyDefaults(rest as never) as unknown as ServiceObject;
  return previewChildren({ ...complete, metadata: { ...service.metadata, uid: "not-yet", generation: 1 } });
};

/**
 * The object as it would be, defaults and validation included. Writes nothing. An update: what the manifest does not have
 * any more goes, as with `kubectl apply`.
 */
async function dryRun(
  { client }: Cluster,
  { metadata, spec }: NormalPlatformService,
  before: ServiceObject | undefined,
  ref: { namespace: string; name: string },
): Promise<ServiceObject> {
  const options = { fieldManager, dryRun: true };
  try {
    if (!before)
      return await client.create(platformServices, { metadata: { ...metadata, ...ref }, spec } as never, options);
    const labels = { ...before.metadata.labels, ...metadata.labels };
    const annotations = { ...before.metadata.annotations, ...metadata.annotations };
    const draft = { ...before, metadata: { ...before.metadata, labels, annotations }, spec };
    return await client.update(platformServices, draft as never, options);
  } catch (err) {
    const { namespace } = ref;
    if (isFault(err) && err.code === "not_found" && !(await client.find(resources.namespaces, { name: namespace }))) {
      throw new CommandFailure(`there is no namespace ${namespace}: make it first, or name another with -n`);
    }
    throw err;
  }
}

/** What people write of an object: nothing that the API server or the operator adds. */
function ofPeople(object: KubeObject & { spec?: object }): object {
  const { name, namespace, labels, annotations = {} } = object.metadata;
  const { "kubectl.kubernetes.io/last-applied-configuration": _, ...kept } = annotations;
  return {
    metadata: {
      name,
      namespace,
      ...(labels && Object.keys(labels).length ? { labels } : {}),
      ...(Object.keys(kept).length ? { annotations: kept } : {}),
    },
    spec: object.spec,
  };
}
