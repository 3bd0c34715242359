import { type PreviewedChild, previewChildren, type ServiceObject } from "@plinth/operator";
import { formatProblem, type NormalPlatformService } from "@plinth/platform";
import { stringify } from "yaml";
import { exitCodes } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { readManifests } from "./read-manifests.ts";

export interface PlanOptions {
  file: string[];
  namespace?: string;
  output: "text" | "yaml";
}

/** Prints what the operator would make of manifests, by its own plan and without a cluster. */
export async function plan(options: PlanOptions, terminal: Terminal): Promise<number> {
  const { services, problems } = await readManifests(options.file);
  for (const problem of problems) terminal.note(formatProblem(problem));
  if (problems.length > 0) return exitCodes.failed;
  for (const [index, manifest] of services.entries()) {
    const service = asObject(manifest, options.namespace ?? "default");
    const children = previewChildren(service);
    if (options.output === "yaml")
      terminal.line(`${index > 0 ? "---\n" : ""}${children.map(asYaml).join("---\n").trimEnd()}`);
    else for (const line of summary(service, children)) terminal.line(line);
  }
  return exitCodes.ok;
}

/** The manifest as the API server would hold it. */
export function asObject(manifest: NormalPlatformService, namespace: string): ServiceObject {
  const metadata = { namespace, ...manifest.metadata, uid: "not-yet", generation: 1 };
  return { ...manifest, metadata } as ServiceObject;
}

// A small fixed width would fold long values; the same value twice is written twice.
export const asYaml = (child: object): string => stringify(child, { lineWidth: 0, aliasDuplicateObjects: false });

function summary(service: ServiceObject, children: readonly PreviewedChild[]): string[] {
  const { name, namespace } = service.metadata;
  const width = Math.max(...children.map(({ kind = "" }) => kind.length));
  return [
    `PlatformService ${namespace}/${name} makes`,
    ...children.map(
      (child) => `  ${(child.kind ?? "").padEnd(width)}  ${child.metadata.name}${detail(child, service)}`,
    ),
  ];
}

/** What a person wants to know of a child without reading it. */
function detail({ kind, ...child }: PreviewedChild, { spec }: ServiceObject): string {
  const fields = child as { spec?: { replicas?: number; hostnames?: string[] }; data?: object };
  switch (kind) {
    case "Deployment":
      return `  ${fields.spec?.replicas ?? "autoscaled"} x ${spec.image}`;
    case "Job":
      return `  migrates schema ${spec.database?.schema} with ${spec.image}`;
    case "Secret":
      return `  with ${Object.keys(fields.data ?? {}).join(", ")}`;
    case "HTTPRoute":
      return `  for ${(fields.spec?.hostnames ?? ["all hosts"]).join(", ")}`;
    default:
      return "";
  }
}
