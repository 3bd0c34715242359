import { findCondition, type resources } from "@plinth/kube";
import type { Reason, ServiceObject } from "@plinth/operator";
import type { Check, Finding } from "../check.ts";
import { apiName } from "./api-checks.ts";
import type { ClusterContext } from "./cluster-context.ts";
import { kindsName } from "./install-checks.ts";
import { reasonHints } from "./reason-hints.ts";

const category = "services";

/** PlatformServices and their pods, in all namespaces. */
export const serviceChecks: readonly Check<ClusterContext>[] = [
  {
    category,
    name: "platform services",
    anchor: "cluster-platform-services",
    hint: "see kubectl describe psvc NAME",
    needs: [apiName, kindsName],
    run: services,
  },
  {
    category,
    name: "pods",
    anchor: "cluster-pods",
    hint: "see kubectl describe pod NAME",
    needs: [apiName],
    run: pods,
  },
];

async function services(context: ClusterContext): Promise<Finding[]> {
  const all = await context.services();
  if (all.length === 0)
    return [{ status: "warning", message: "there is no PlatformService", hint: "kubectl apply one" }];
  return all.map(serviceFinding);
}

export function serviceFinding({ metadata, status, spec }: ServiceObject): Finding {
  const { namespace, name, generation } = metadata;
  const what = `${namespace}/${name}`;
  const ready = findCondition(status?.conditions, "Ready");
  if (!ready || (ready.observedGeneration ?? 0) < generation) {
    const hint = "see the checks of operator and leader: nobody looks at PlatformServices";
    return { status: "failed", message: `${what}: the operator has not looked at its spec yet`, hint };
  }
  const hint = hintFor(ready.reason, name);
  const message = `${what}: ${ready.reason}: ${ready.message}`;
  if (ready.status !== "True") return { status: "failed", message, hint };
  const stalled = findCondition(status?.conditions, "Stalled");
  if (stalled?.status === "True") {
    const why = `${stalled.reason}: ${stalled.message}`;
    const kept = `${what} serves, but not what its spec says: ${why}`;
    return { status: "warning", message: kept, hint: hintFor(stalled.reason, name) };
  }
  if (spec.paused) return { status: "warning", message: `${what} serves and is paused`, hint: `plinth resume ${name}` };
  return { status: "ok", message: `${what} is ready` };
}

const hintFor = (reason: string, name: string): string =>
  (reasonHints[reason as Reason] || "see kubectl describe psvc NAME").replaceAll("NAME", name);

type Pod = NonNullable<typeof resources.pods.object>;

async function pods(context: ClusterContext): Promise<Finding[]> {
  const all = await context.pods();
  const findings = all.flatMap((pod) => podFinding(pod) ?? []);
  return findings.length > 0 ? findings : [{ status: "ok", message: `nothing is wrong with ${all.length} pods` }];
}

const pulls = new Set(["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"]);

/** What is wrong with a pod; undefined when nothing is. */
export function podFinding({ metadata, spec, status }: Pod): Finding | undefined {
  const what = `pod ${metadata.namespace}/${metadata.name}`;
  const describe = `kubectl -n ${metadata.namespace} describe pod ${metadata.name}`;
  for (const container of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
    const { waiting } = container.state ?? {};
    const last = container.lastState?.terminated ?? container.state?.terminated;
    const { image } = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].find(
      ({ name }) => name === container.name,
    ) ?? { image: container.image };
    if (waiting?.reason && pulls.has(waiting.reason)) {
      const message = `${what} cannot pull image ${image}: ${waiting.reason}${waiting.message ? `: ${waiting.message}` : ""}`;
      const hint = "push the image, correct its name or tag, or give images.pullSecrets";
      return { status: "failed", message, hint };
    }
    if (last?.reason === "OOMKilled") {
      const message = `${what} was killed for its memory ${container.restartCount} times`;
      return { status: "failed", message, hint: "raise spec.resources.limits.memory of its PlatformService" };
    }
    if (waiting?.reason === "CrashLoopBackOff" || waiting?.reason === "CreateContainerConfigError") {
      const code = last ? `, exit code ${last.exitCode}` : "";
      const message = `${what}: ${waiting.reason}${code}${waiting.message ? `: ${waiting.message}` : ""}`;
      return { status: "failed", message, hint: `kubectl -n ${metadata.namespace} logs ${metadata.name} --previous` };
    }
  }
  const unscheduled = status?.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "False");
  if (!unscheduled) return undefined;
  const message = `${what} has no node: ${unscheduled.message ?? unscheduled.reason ?? ""}`;
  return { status: "failed", message, hint: `free room, add a node, or ask for less; see ${describe}` };
}
